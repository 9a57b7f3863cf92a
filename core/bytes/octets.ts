/**
 * Octets and the strings we make of them.
 *
 * MSRP heads are octets; we keep them as such wherever chunks travel. Where a string is wanted (AUTH, logs, keys of
 * maps) it is an *octet string*: one character for each octet, U+0000 to U+00FF. Nothing is lost either way, whatever
 * the octets are, and no decoder of the runtime is needed.
 */

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const HASH = 0x23;
export const DOLLAR = 0x24;
export const STAR = 0x2a;
export const PLUS = 0x2b;
export const DASH = 0x2d;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** Bits of `charClass`: which rules of RFC 4975 §9 an octet may stand in. */
export const ALPHA = 1;
export const DIGIT = 2;
/** Any character of `ident` after the first; the first must be ALPHA or DIGIT. */
export const IDENT = 4;
/** `token`, of which header names are made. */
export const TOKEN = 8;
/** Octets that a header value may hold: HTAB, %x20-7E and everything above ASCII. */
export const TEXT = 16;
export const UPPER_ALPHA = 32;

/** charClass[octet] is the sum of the bits above. */
export const charClass: Uint8Array = makeCharClass();

function makeCharClass(): Uint8Array {
  const classes = new Uint8Array(256);
  const add = (characters: string, bits: number) => {
    for (let i = 0; i < characters.length; i++) {
      const code = characters.charCodeAt(i);
      classes[code] = (classes[code] as number) | bits;
    }
  };
  add("ABCDEFGHIJKLMNOPQRSTUVWXYZ", ALPHA | UPPER_ALPHA | IDENT | TOKEN);
  add("abcdefghijklmnopqrstuvwxyz", ALPHA | IDENT | TOKEN);
  add("0123456789", DIGIT | IDENT | TOKEN);
  add(".-+%=", IDENT);
  add("!#$%&'*+-.^_`{|}~", TOKEN);
  for (let code = 0; code < 256; code++) {
    if (code === TAB || (code >= SPACE && code !== 0x7f)) classes[code] = (classes[code] as number) | TEXT;
  }
  return classes;
}

/** The octet string of source[start, end). */
export function octetString(source: Uint8Array, start = 0, end = source.length): string {
  if (end - start <= 4096) return String.fromCharCode.apply(null, source.subarray(start, end) as unknown as number[]);
  let text = "";
  for (let at = start; at < end; at += 4096) text += octetString(source, at, Math.min(at + 4096, end));
  return text;
}

/** The octets of an octet string; characters above U+00FF would be cut, so callers pass none. */
export function octets(text: string): Uint8Array {
  const result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) result[i] = text.charCodeAt(i);
  return result;
}

/**
 * A copy of source[start, end), to be kept. Not `source.slice`: runtimes hand us subclasses of Uint8Array whose `slice`
 * is a view, and the memory is only borrowed.
 */
export function copyOctets(source: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  for (let i = start; i < end; i++) copy[i - start] = source[i] as number;
  return copy;
}

/** True when a[aStart, aStart + length) and b[bStart, bStart + length) hold the same octets. */
export function sameOctets(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** A number of 30 bits made of source[start, end), for tables (FNV-1a). `seed` is the number of what stands before. */
export function numberOf(source: Uint8Array, start: number, end: number, seed = 0x811c9dc5): number {
  let number = seed;
  for (let at = start; at < end; at++) number = Math.imul(number ^ (source[at] as number), 0x01000193);
  return number >>> 2;
}

/** White space that may stand around a header value. */
export function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}

/** True when a header value may hold all of source[start, end). */
export function isText(source: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (((charClass[source[i] as number] as number) & TEXT) === 0) return false;
  return true;
}

/** True when source[start, end) spells `lowerCase`, whatever the case of its ASCII letters. */
export function spells(source: Uint8Array, start: number, end: number, lowerCase: string): boolean {
  if (end - start !== lowerCase.length) return false;
  for (let i = start; i < end; i++) {
    const octet = source[i] as number;
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (lower !== lowerCase.charCodeAt(i - start)) return false;
  }
  return true;
}
