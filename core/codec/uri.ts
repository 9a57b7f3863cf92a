/**
 * MSRP URIs (RFC 4975 §6 and §9): reading, and the comparison of §6.1.
 *
 * Paths travel as octets and are never rebuilt from what is read here: far ends compare URIs strictly, so each goes on
 * byte for byte. A `Uri` serves to decide whose it is and where it leads.
 */
import { octetString } from "../bytes/octets.ts";

export interface Uri {
  /** `msrps`, that is TLS on this hop. */
  readonly secure: boolean;
  /** Without "@"; empty when there is none. Not part of the comparison. */
  readonly userinfo: string;
  /** Lower case, percent-decoded, IPv6 without brackets and in canonical form. */
  readonly host: string;
  /** 0 when the URI names none, which is never equal to any that does (§6.1 rule 3). */
  readonly port: number;
  /** Empty when there is none: the URI then names a device, not a session. */
  readonly sessionId: string;
  /** Lower case; `tcp` or whatever another hop speaks (RFC 7977 has `ws`). */
  readonly transport: string;
}

/** Longer URIs are refused; real ones have well under 200 octets. */
export const MAX_URI = 1024;

/**
 * The grammar of §9 and, in the authority, of RFC 3986. Apart from it only: userinfo has no ";", which would make it a
 * matter of opinion where the authority ends; an IPv6 address may have a zone (RFC 6874, and the older plain "%").
 */
const SHAPE = new RegExp(
  "^(msrps?)://" +
    "(?:([\\w\\-.~!$&'()*+,=:%]*)@)?" +
    "(\\[[0-9a-f:.]+(?:%[\\w\\-.~%]+)?\\]|[\\w\\-.~!$&'()*+,=%]+)(?::([0-9]{1,5}))?" +
    "(?:/([\\w\\-.~+=/]+))?" +
    ";([a-z0-9]+)" +
    "(?:;[!#-'*+\\-.0-9A-Z^-~]+(?:=[!#-'*+\\-.0-9A-Z^-~]+)?)*$",
  "i",
);

/** Reads a URI given as an octet string; undefined when it is none. */
export function parseUri(text: string): Uri | undefined {
  if (text.length > MAX_URI) return undefined;
  const match = SHAPE.exec(text);
  if (match === null) return undefined;
  const port = match[4] === undefined ? 0 : Number(match[4]);
  if (match[4] !== undefined && (port === 0 || port > 65535)) return undefined;
  const host = readHost(match[3] as string);
  if (host === undefined) return undefined;
  return {
    secure: (match[1] as string).length === 5,
    userinfo: match[2] ?? "",
    host,
    port,
    sessionId: match[5] ?? "",
    transport: (match[6] as string).toLowerCase(),
  };
}

/** Reads the URI at source[start, end). */
export function readUri(source: Uint8Array, start: number, end: number): Uri | undefined {
  if (end - start > MAX_URI) return undefined;
  return parseUri(octetString(source, start, end));
}

/** RFC 4975 §6.1: scheme, host, port, session-id and transport; userinfo and other parameters do not count. */
export function sameUri(a: Uri, b: Uri): boolean {
  return (
    a.sessionId === b.sessionId &&
    a.host === b.host &&
    a.port === b.port &&
    a.secure === b.secure &&
    a.transport === b.transport
  );
}

/** Writes a URI in its plainest form; for URIs of our own making only. */
export function formatUri(uri: Uri): string {
  const user = uri.userinfo === "" ? "" : `${uri.userinfo}@`;
  const session = uri.sessionId === "" ? "" : `/${uri.sessionId}`;
  // Joined, because a session keeps it: an engine keeps what is added up as the tree of its sums.
  return [uri.secure ? "msrps" : "msrp", "://", user, authorityOf(uri), session, ";", uri.transport].join("");
}

/** Host and port, the way they stand in a URI. */
export function authorityOf({ host, port }: Pick<Uri, "host" | "port">): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === 0 ? name : `${name}:${port}`;
}

function readHost(text: string): string | undefined {
  if (text.startsWith("[")) return readIpv6(text.slice(1, -1).toLowerCase());
  let decoded = text;
  if (text.includes("%")) {
    // §6.1 rule 2: percent-encoded unreserved characters count as the characters they stand for.
    if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
    decoded = text.replace(/%([0-9a-f]{2})/gi, (whole, hex: string) => {
      const character = String.fromCharCode(Number.parseInt(hex, 16));
      return /[\w\-.~]/.test(character) ? character : whole;
    });
  }
  if (/^\.|\.\./.test(decoded)) return undefined; // an empty label
  // A trailing dot marks a name as fully qualified and names the same host.
  return decoded.toLowerCase().replace(/\.$/, "");
}

/** Canonical text of an IPv6 address, so that two spellings of one address compare equal; zones are cut off. */
function readIpv6(text: string): string | undefined {
  const address = text.replace(/%.*$/, "");
  let groupsText = address;
  const v4 = /^(.*:)(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(address);
  if (v4 !== null) {
    const [a, b, c, d] = [v4[2], v4[3], v4[4], v4[5]].map(Number) as [number, number, number, number];
    if (a > 255 || b > 255 || c > 255 || d > 255) return undefined;
    groupsText = `${v4[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = groupsText.split("::");
  if (halves.length > 2) return undefined;
  const read = (half: string | undefined) => (half === undefined || half === "" ? [] : half.split(":"));
  const head = read(halves[0]);
  const tail = read(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(Math.max(0, missing)).fill("0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}
