/**
 * The search that carries every body: seven dashes in a row.
 *
 * An end-line holds seven (RFC 4975 §7.1), and so does anything that could be mistaken for one. In a run of seven, one
 * dash stands at every seventh position whatever the offset, so six of seven octets are never looked at; no table
 * needs to be made for each transact-id, which matters when the body is short.
 */
import { DASH } from "./octets.ts";

export const DASHES = 7;

/**
 * Finds the first run of seven or more dashes that lies wholly in source[start, end).
 *
 * @returns the position of the run's first dash (not looking before `start`), or -1
 */
export function findDashes(source: Uint8Array, start: number, end: number): number {
  let at = start + DASHES - 1;
  while (at < end) {
    if (source[at] !== DASH) {
      at += DASHES;
      continue;
    }
    // Somewhere in a run: find its beginning, then see whether it is long enough.
    let first = at;
    const floor = at - (DASHES - 1);
    while (first > floor && source[first - 1] === DASH) first--;
    let next = at + 1;
    const needed = first + DASHES;
    while (next < needed && next < end && source[next] === DASH) next++;
    if (next === needed) return first;
    if (next >= end) return -1;
    // source[next] is no dash: the next run of seven ends at next + 7 at the earliest.
    at = next + DASHES;
  }
  return -1;
}
