/**
 * Watches a body that we frame anew, so that our own end-line never occurs in it (RFC 4975 §7.1).
 *
 * The transact-id on the wire is seen by the next hop while the body is still being written. A sender in league with it
 * could put that id behind seven dashes and so smuggle a frame into a connection that others share. The guard sees
 * every octet of a chunk's body; where it finds seven dashes and our id, the chunk must be interrupted and go on under
 * another id. It asks for no CRLF before the dashes, since not every reader does.
 */
import { DASHES, findDashes } from "../bytes/dashes.ts";
import { DASH } from "../bytes/octets.ts";

export class TidGuard {
  readonly #id: Uint8Array;
  #idLength: number;
  #dashes: number; // dashes at the end of what was seen, seven at most
  #matched: number; // octets of the id behind them

  constructor() {
    this.#id = new Uint8Array(32);
    this.#idLength = 0;
    this.#dashes = 0;
    this.#matched = 0;
  }

  /** A chunk begins under the id source[start, end). */
  begin(source: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end; i++) this.#id[i - start] = source[i] as number;
    this.#idLength = end - start;
    this.#dashes = this.#matched = 0;
  }

  /**
   * Looks at the next body octets, source[start, end).
   *
   * @param dashless  no seven dashes in a row stand among them
   * @returns how far they may be written under this id: `end`, or the position of the octet that would complete it
   */
  check(source: Uint8Array, start: number, end: number, dashless = false): number {
    const id = this.#id;
    let at = start;
    let dashes = this.#dashes;
    let matched = this.#matched;
    if (dashless && dashes === 0) {
      this.#dashes = trailingDashes(source, at, end);
      return end;
    }
    while (at < end) {
      if (dashes === 0) {
        const found = findDashes(source, at, end);
        if (found < 0) {
          // Too few dashes so far, but the next octets may add to those at the very end.
          dashes = trailingDashes(source, at, end);
          break;
        }
        dashes = DASHES;
        at = found + DASHES;
      }
      if (matched === 0) {
        const begun = at;
        while (at < end && source[at] === DASH) at++;
        dashes = Math.min(DASHES, dashes + at - begun);
      }
      if (dashes === DASHES) {
        while (at < end && source[at] === id[matched]) {
          matched++;
          // What completes the id is not written: the caller begins anew under another one.
          if (matched === this.#idLength) return at;
          at++;
        }
      }
      // An id of ours holds no dash, so nothing that was matched can be the beginning of another run.
      if (at < end) dashes = matched = 0;
    }
    this.#dashes = dashes;
    this.#matched = matched;
    return end;
  }
}

/** How many dashes source[start, end) ends with, when those are fewer than seven. */
function trailingDashes(source: Uint8Array, start: number, end: number): number {
  let dashes = 0;
  while (dashes < DASHES - 1 && end - dashes > start && source[end - 1 - dashes] === DASH) dashes++;
  return dashes;
}
