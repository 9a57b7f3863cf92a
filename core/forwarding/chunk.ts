/**
 * Frames as the next hop gets them: new transact-id, paths moved on by our URI, every other header line as it was and
 * where it was (RFC 4976 §6.4).
 */
import { CR, DASH, LF } from "../bytes/octets.ts";
import { DASHES } from "../bytes/dashes.ts";
import { Scratch } from "../bytes/scratch.ts";
import type { Head } from "../codec/head.ts";
import { BYTE_RANGE, FROM_PATH, TO_PATH } from "../codec/header.ts";
import { TRANSACT_ID_LENGTH } from "../session/transaction.ts";

/** Start line of a request. */
export function startRequest(to: Scratch, id: Uint8Array, method: string): void {
  to.text("MSRP ").copy(id).text(" ").text(method).text("\r\n");
}

/** Where the transact-id stands in a start line. */
export const ID_AT = 5;

/** The beginning of every SEND with these path headers: where its transact-id belongs, dashes stand. */
export function sendBeginning(paths: Uint8Array): Uint8Array {
  const start = new Scratch(512);
  startRequest(start, new Uint8Array(TRANSACT_ID_LENGTH).fill(DASH), "SEND");
  return start.copy(paths).take();
}

/** CRLF behind a body where there was one, and the end-line. */
export function endFrame(to: Scratch, id: Uint8Array, flag: number, afterBody: boolean): void {
  if (afterBody) to.octet(CR).octet(LF);
  for (let i = 0; i < DASHES; i++) to.octet(DASH);
  endLine(to, id, flag);
}

/** What follows the dashes of an end-line. */
export function endLine(to: Scratch, id: Uint8Array, flag: number): void {
  to.copy(id).octet(flag).octet(CR).octet(LF);
}

/**
 * The header lines of `head` from line `first` to `last` (excluded), without the paths.
 *
 * @param range  replaces the value of Byte-Range; undefined leaves it as it is
 */
export function copyHeaders(to: Scratch, head: Head, first: number, last: number, range: string | undefined): void {
  const { octets, base, ids, lineStarts, lineEnds } = head;
  // Neighbouring lines lie side by side on the wire: a run of them is one copy.
  let runStart = -1;
  let runEnd = -1;
  for (let line = first; line < last; line++) {
    const id = ids[line] as number;
    const replaced = id === BYTE_RANGE && range !== undefined;
    if (id === TO_PATH || id === FROM_PATH || replaced) {
      if (runStart >= 0) to.copy(octets, base + runStart, base + runEnd);
      runStart = -1;
      if (replaced) to.text("Byte-Range: ").text(range).text("\r\n");
      continue;
    }
    if (runStart < 0) runStart = lineStarts[line] as number;
    runEnd = lineEnds[line] as number;
  }
  if (runStart >= 0) to.copy(octets, base + runStart, base + runEnd);
}
