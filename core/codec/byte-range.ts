// Byte-Range values such as `5-8/8` or `1-*/*` (RFC 4975 §7.1.1). Positions count from 1.
import { DASH, SLASH, STAR } from "../bytes/octets.ts";

/** Longer numbers are not exact any more: 2^53 would be near. */
const MAX_DIGITS = 15;

export interface ByteRange {
  start: number;
  /** -1 where the peer wrote a star: unknown, or the chunk may be interrupted. */
  end: number;
  /** -1 where the peer wrote a star. */
  total: number;
}

/**
 * Reads source[start, end).
 *
 * Whether the numbers agree with each other or with the body is not judged: clients write `0-0/0` and `1-0/0` for an
 * empty SEND, and a range-end beyond what came when a chunk was interrupted. The end-line is the truth (§7.3.1).
 *
 * @returns undefined when malformed, and the caller answers BYTE_RANGE
 */
export function readByteRange(source: Uint8Array, start: number, end: number): ByteRange | undefined {
  const range: ByteRange = { start: 0, end: 0, total: 0 };
  let at = start;
  // Three numbers, in one pass: this is done for every SEND.
  for (let part = 0; part < 3; part++) {
    const first = at;
    let value = 0;
    if (part > 0 && at < end && source[at] === STAR) {
      value = -1;
      at++;
    }
    for (; value >= 0 && at < end; at++) {
      const digit = (source[at] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === first || at - first > MAX_DIGITS) return undefined;
    if (part === 0) range.start = value;
    else if (part === 1) range.end = value;
    else range.total = value;
    if (part < 2 && (at === end || source[at++] !== (part === 0 ? DASH : SLASH))) return undefined;
  }
  return at === end ? range : undefined;
}

export function formatByteRange(start: number, end: number, total: number): string {
  return `${start}-${end < 0 ? "*" : end}/${total < 0 ? "*" : total}`;
}
