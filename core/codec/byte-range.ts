// Byte-Range values such as `5-8/8` or `1-*/*` (RFC 4975 §7.1.1). Positions count from 1.
import { DASH, readDigits, SLASH, STAR } from "../bytes/octets.ts";

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
  let dash = start;
  while (dash < end && source[dash] !== DASH) dash++;
  let slash = dash + 1;
  while (slash < end && source[slash] !== SLASH) slash++;
  if (slash >= end) return undefined;
  const first = readDigits(source, start, dash);
  const last = readPosition(source, dash + 1, slash);
  const total = readPosition(source, slash + 1, end);
  if (first < 0 || last === undefined || total === undefined) return undefined;
  return { start: first, end: last, total };
}

export function formatByteRange(start: number, end: number, total: number): string {
  return `${start}-${end < 0 ? "*" : end}/${total < 0 ? "*" : total}`;
}

function readPosition(source: Uint8Array, start: number, end: number): number | undefined {
  if (end - start === 1 && source[start] === STAR) return -1;
  const value = readDigits(source, start, end);
  return value < 0 ? undefined : value;
}
