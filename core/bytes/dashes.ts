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
 * Looks at every seventh octet of source[at, end), and stops where one is a dash. Begun at the seventh octet of a body, it
 * cannot miss seven dashes in a row.
 *
 * @returns its position; `end` or more when there is none
 */
export function seventhDash(source: Uint8Array, at: number, end: number): number {
  let seventh = at;
  // Eight at a time, because otherwise the loop costs as much as the looking.
  for (const last = end - 7 * DASHES; seventh < last; seventh += 8 * DASHES) {
    if (
      source[seventh] === DASH ||
      source[seventh + DASHES] === DASH ||
      source[seventh + 2 * DASHES] === DASH ||
      source[seventh + 3 * DASHES] === DASH ||
      source[seventh + 4 * DASHES] === DASH ||
      source[seventh + 5 * DASHES] === DASH ||
      source[seventh + 6 * DASHES] === DASH ||
      source[seventh + 7 * DASHES] === DASH
    ) {
      break;
    }
  }
  while (seventh < end && source[seventh] !== DASH) seventh += DASHES;
  return seventh;
}

/**
 * Finds the first run of seven or more dashes that lies wholly in source[start, end).
 *
 * @returns the position of the run's first dash (not looking before `start`), or -1
 */
export function findDashes(source: Uint8Array, start: number, end: number): number {
  for (let at = seventhDash(source, start + DASHES - 1, end); at < end; at = seventhDash(source, at, end)) {
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
  for (let at = seventhDash(source, start + DASHES + 1, end); at < end; at = seventhDash(source, at, end)) {
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
