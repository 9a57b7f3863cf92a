/**
 * The ways between two endpoints (RFC 4975 §5.2, §8.3; RFC 4976 §5.1).
 *
 * A path is written as it stands in a header or in SDP: URIs with one space between them. For A behind its relays B and
 * C and F behind its relay E, with "D E F" in F's session description:
 *
 *     Use-Path that C gave to A         B C
 *     toPath("B C", "D E F")            B C D E F      To-Path of what A sends
 *     sdpPath("B C", "A")               C B A          a=path that A shows to F
 */
import { parsePath } from "../codec/path.ts";
import { parseUri, type Uri } from "../codec/uri.ts";
import { MisuseError } from "../ports.ts";

/** The To-Path of requests: our own relays, then the way the peer has shown us. */
export function toPath(usePath: string, peerPath: string): string {
  return usePath === "" ? peerPath : `${usePath} ${peerPath}`;
}

/** The path to show to the peer, as the value of `a=path`: our relays from the outermost in, then ourselves. */
export function sdpPath(usePath: string, own: string): string {
  return usePath === "" ? own : `${usePath.split(" ").reverse().join(" ")} ${own}`;
}

/** A path that the application gave us; whoever had it from a stranger has checked it with `parsePath`. */
export function checkedPath(path: string): string {
  if (!isPlain(path) || parsePath(path) === undefined) throw new MisuseError(`not an MSRP path: ${path}`);
  return path;
}

/** A session's own URI, which needs a session-id to be told from others. */
export function checkedOwn(text: string): Uri {
  const uri = isPlain(text) ? parseUri(text) : undefined;
  if (uri === undefined || uri.sessionId === "") throw new MisuseError(`not the URI of a session: ${text}`);
  return uri;
}

/** A header value that the application gave us: an octet string without control characters. */
export function checkedValue(value: string): string {
  if (!isPlain(value) || value === "") throw new MisuseError(`not a header value: ${value}`);
  return value;
}

/** More headers for our requests. */
export function checkedHeaders<T extends readonly (readonly [name: string, value: string])[]>(headers: T): T {
  for (const [name, value] of headers) {
    if (!/^[A-Za-z][\w\-.!%*+`'~]*$/.test(name)) throw new MisuseError(`not a header name: ${name}`);
    checkedValue(value);
  }
  return headers;
}

/** Octets that may stand in a header line (RFC 4975 §9): nobody puts a line end of his own into our heads. */
function isPlain(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
