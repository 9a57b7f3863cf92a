/**
 * To-Path, From-Path and Use-Path: URIs separated by one space (RFC 4975 §9). Read as boundaries, passed on as octets.
 */
import { octetString, SPACE } from "../bytes/octets.ts";
import { parseUri, type Uri } from "./uri.ts";

/** More URIs than this is no chain of relays but an attack on whoever splits the path. */
export const MAX_PATH = 32;

/** The end (excluded) of the first URI of the path source[start, end). */
export function firstUriEnd(source: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && source[at] !== SPACE) at++;
  return at;
}

/** Splits an octet string into its URIs as written; undefined when one of them is no MSRP URI. */
export function parsePath(text: string): { texts: string[]; uris: Uri[] } | undefined {
  const texts = text.split(" ");
  if (texts.length > MAX_PATH) return undefined;
  const uris: Uri[] = [];
  for (const uriText of texts) {
    const uri = parseUri(uriText);
    if (uri === undefined) return undefined;
    uris.push(uri);
  }
  return { texts, uris };
}

/** As parsePath, from octets. */
export function readPath(source: Uint8Array, start: number, end: number): { texts: string[]; uris: Uri[] } | undefined {
  return parsePath(octetString(source, start, end));
}
