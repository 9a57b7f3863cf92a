/**
 * The header by which a proxy says whose connection it passes on: the PROXY protocol, versions 1 and 2, as haproxy
 * describes it ("The PROXY protocol", haproxy.org, sections 2.1 and 2.2). Octets in, a value out; whoever reads them off
 * a socket is in `compat/proxied.ts`.
 *
 * The header comes before everything else, TLS too. What follows it belongs to the connection. Whether the proxy may be
 * believed at all is for the listener to say.
 */
import { isIPv4, isIPv6 } from "node:net";
import { dotted, plainAddress } from "./address.ts";

/** Whose connection it is. */
export interface Origin {
  readonly address: string;
  readonly port: number;
}

export interface ProxyHeader {
  /** Where the connection's own octets begin. */
  readonly end: number;
  /** Absent: the connection is the proxy's own (its health checks), or of a kind that has no address and port. */
  readonly origin?: Origin;
}

/** `more`: well so far, and not whole. `malformed`: no header can begin like this. */
export type ProxyReading = ProxyHeader | "more" | { readonly malformed: string };

/** §2.1: "the worst case" of a line, with its CRLF. */
const LONGEST_LINE = 107;
/**
 * Longest header of version 2. Its length field would allow 64 KB; addresses take 216 octets at most, and the certificate
 * names and tokens that proxies add behind them some hundred.
 */
export const LONGEST_HEADER = 4096;

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const WORD = Uint8Array.from("PROXY ", (letter) => letter.charCodeAt(0));
/** Signature, version and command, family and transport, length. */
const FIXED = 16;

/** §2.2: the command, in the lower half of its octet. */
const LOCAL = 0;
const PROXY = 1;
/** §2.2: the families with addresses and ports, in the upper half of theirs; then how many octets those take. */
const INET = 1;
const INET6 = 2;
const UNIX = 3;
const INET_OCTETS = 12;
const INET6_OCTETS = 36;

/** Reads the header that octets begin with; they may hold less than it, or more. */
export function readProxyHeader(octets: Uint8Array): ProxyReading {
  if (begins(octets, SIGNATURE)) return octets.length < FIXED ? "more" : readBinary(octets);
  if (begins(octets, WORD)) return octets.length < WORD.length ? "more" : readLine(octets);
  return { malformed: "no PROXY header" };
}

/** As far as there are octets. */
function begins(octets: Uint8Array, word: Uint8Array): boolean {
  const length = Math.min(octets.length, word.length);
  for (let i = 0; i < length; i++) if (octets[i] !== word[i]) return false;
  return true;
}

// ---- version 1: a line of text ----

function readLine(octets: Uint8Array): ProxyReading {
  const most = Math.min(octets.length, LONGEST_LINE);
  for (let i = WORD.length; i < most; i++) {
    const octet = octets[i] as number;
    if (octet === 0x0a) return { malformed: "a line that does not end in CRLF" };
    if (octet !== 0x0d) continue;
    if (i + 1 === LONGEST_LINE) break;
    if (i + 1 === octets.length) return "more";
    if (octets[i + 1] !== 0x0a) return { malformed: "a line that does not end in CRLF" };
    return readWords(String.fromCharCode(...octets.subarray(WORD.length, i)), i + 2);
  }
  return octets.length < LONGEST_LINE ? "more" : { malformed: `a line of more than ${LONGEST_LINE} octets` };
}

function readWords(line: string, end: number): ProxyReading {
  const [family, ...words] = line.split(" ");
  // §2.1: what follows UNKNOWN is to be ignored.
  if (family === "UNKNOWN") return { end };
  const valid = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  if (valid === undefined) return { malformed: "neither TCP4, TCP6 nor UNKNOWN" };
  const [source = "", destination = "", sourcePort = "", destinationPort = ""] = words;
  if (words.length !== 4) return { malformed: "not two addresses and two ports" };
  // `isIPv6` also takes a zone, which has no place here.
  if ([source, destination].some((address) => !valid(address) || address.includes("%"))) {
    return { malformed: `an address that is not ${family}` };
  }
  if (![sourcePort, destinationPort].every(isPort)) return { malformed: "a port that is none" };
  return { end, origin: { address: plainAddress(source), port: Number(sourcePort) } };
}

/** §2.1: "a decimal number […] without any leading zero". */
function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

// ---- version 2: octets ----

function readBinary(octets: Uint8Array): ProxyReading {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const version = view.getUint8(12) >> 4;
  const command = view.getUint8(12) & 15;
  const family = view.getUint8(13) >> 4;
  const transport = view.getUint8(13) & 15;
  const length = view.getUint16(14);
  if (version !== 2) return { malformed: `version ${version}` };
  if (command > PROXY) return { malformed: `command ${command}` };
  const end = FIXED + length;
  if (end > LONGEST_HEADER) return { malformed: `a header of ${end} octets; ${LONGEST_HEADER} are the most` };
  const least = family === INET ? INET_OCTETS : family === INET6 ? INET6_OCTETS : 0;
  // §2.2: families and transports that are none; what is behind the addresses (TLVs) is skipped by its length.
  if (family > UNIX || transport > 2) return { malformed: `family ${family}, transport ${transport}` };
  if (command === PROXY && length < least) return { malformed: "no room for its addresses" };
  if (octets.length < end) return "more";
  // §2.2: LOCAL is the proxy itself; of UNSPEC and UNIX "the receiver should ignore" the addresses.
  if (command === LOCAL || least === 0) return { end };
  if (family === INET) {
    const address = dotted(view.getUint16(FIXED), view.getUint16(FIXED + 2));
    return { end, origin: { address, port: view.getUint16(FIXED + 8) } };
  }
  const words = Array.from({ length: 8 }, (_, i) => view.getUint16(FIXED + 2 * i).toString(16));
  return { end, origin: { address: shortest(words), port: view.getUint16(FIXED + 32) } };
}

/** As a socket would spell it (RFC 5952): the longest run of zeros left out. */
function shortest(words: readonly string[]): string {
  const runs = words.map((_, at) => {
    let length = 0;
    while (words[at + length] === "0") length++;
    return { at, length };
  });
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best));
  if (longest.length < 2) return plainAddress(words.join(":"));
  const [before, after] = [words.slice(0, longest.at), words.slice(longest.at + longest.length)];
  return plainAddress(`${before.join(":")}::${after.join(":")}`);
}
