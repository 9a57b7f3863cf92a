/**
 * The header fields of RFC 4975 §9 and RFC 4976 §7 by small numbers, so that a head can keep them in plain arrays.
 * Every other header is OTHER: kept where it stands and passed on as it is.
 */
import { octets } from "../bytes/octets.ts";

export const TO_PATH = 0;
export const FROM_PATH = 1;
export const MESSAGE_ID = 2;
export const SUCCESS_REPORT = 3;
export const FAILURE_REPORT = 4;
export const BYTE_RANGE = 5;
export const STATUS = 6;
export const CONTENT_TYPE = 7;
export const EXPIRES = 8;
export const MIN_EXPIRES = 9;
export const MAX_EXPIRES = 10;
export const USE_PATH = 11;
export const WWW_AUTHENTICATE = 12;
export const AUTHORIZATION = 13;
export const AUTHENTICATION_INFO = 14;
export const CONTENT_DISPOSITION = 15;
export const OTHER = 16;

export type HeaderId = number;

/** Names as they are written, by number. */
export const headerNames = [
  "To-Path",
  "From-Path",
  "Message-ID",
  "Success-Report",
  "Failure-Report",
  "Byte-Range",
  "Status",
  "Content-Type",
  "Expires",
  "Min-Expires",
  "Max-Expires",
  "Use-Path",
  "WWW-Authenticate",
  "Authorization",
  "Authentication-Info",
  "Content-Disposition",
] as const;

const lowerNames = headerNames.map((name) => octets(name.toLowerCase()));

/**
 * Several challenges may stand in several WWW-Authenticate headers (RFC 8760 §2.3), and what belongs to the content is not
 * ours to judge; the rest stand once.
 */
export function mayRepeat(id: HeaderId): boolean {
  return id === OTHER || id === WWW_AUTHENTICATE || id === CONTENT_DISPOSITION;
}

/** The candidates for each length of name; no two that a SEND carries share one, so most looks are a single compare. */
const byLength: readonly (readonly HeaderId[])[] = makeByLength();

function makeByLength(): HeaderId[][] {
  const table: HeaderId[][] = Array.from({ length: 24 }, () => []);
  lowerNames.forEach((name, id) => {
    table[name.length]?.push(id);
  });
  return table;
}

/** The number of the header named source[start, end), a token in any case. */
export function headerId(source: Uint8Array, start: number, end: number): HeaderId {
  const candidates = byLength[end - start];
  if (candidates === undefined) return OTHER;
  for (let i = 0; i < candidates.length; i++) {
    const id = candidates[i] as HeaderId;
    if (isName(source, start, end, lowerNames[id] as Uint8Array)) return id;
  }
  return OTHER;
}

function isName(source: Uint8Array, start: number, end: number, lowerCase: Uint8Array): boolean {
  // Of the octets of a token, this bit makes upper-case letters lower-case and nothing else a letter or a dash.
  for (let at = start; at < end; at++) if (((source[at] as number) | 0x20) !== lowerCase[at - start]) return false;
  return true;
}
