/**
 * The searches that carry every body: seven dashes in a row, and the same behind a CRLF.
 *
 * An end-line holds seven (RFC 4975 §7.1), and so does anything that could be mistaken for one. In a run of seven, one
 * dash stands at every seventh position whatever the offset, so six of seven octets are never looked at; no table
 * needs to be made for each transact-id, which matters when the body is short. Both searches are linear whatever the
 * octets are: no octet is looked at more than a fixed number of times.
 */
import { CR, DASH, LF } from "./octets.ts";

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

/**
 * Finds the first CRLF with seven dashes behind it that lies wholly in source[start, end).
 *
 * Apart from findDashes because the CRLF is what makes dash-rich bodies cheap: where a dash we fell upon has none before
 * its run, the next CRLF is behind that dash, and so the last of its dashes at least nine octets further on.
 *
 * @returns the position of the CR, or -1
 */
export function findDashesBehindCrlf(source: Uint8Array, start: number, end: number): number {
  let at = start + DASHES + 1;
  while (at < end) {
    if (source[at] !== DASH) {
      at += DASHES;
      continue;
    }
    let first = at;
    const floor = at - (DASHES - 1);
    while (first > floor && source[first - 1] === DASH) first--;
    if (source[first - 1] !== LF || source[first - 2] !== CR) {
      at += DASHES + 2;
      continue;
    }
    let next = at + 1;
    const needed = first + DASHES;
    while (next < needed && next < end && source[next] === DASH) next++;
    if (next === needed) return first - 2;
    // source[next] is no dash: at best it is the next CR.
    at = next + DASHES + 1;
  }
  return -1;
}
