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
   * @returns how far they may be written under this id: `end`, or the position of the octet that would complete it
   */
  check(source: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#dashes === 0) {
        const found = findDashes(source, at, end);
        if (found < 0) {
          // Too few dashes so far, but the next octets may add to those at the very end.
          while (this.#dashes < DASHES - 1 && end - this.#dashes > at && source[end - 1 - this.#dashes] === DASH) {
            this.#dashes++;
          }
          return end;
        }
        this.#dashes = DASHES;
        at = found + DASHES;
        continue;
      }
      const octet = source[at] as number;
      if (this.#dashes === DASHES && octet === this.#id[this.#matched]) {
        if (this.#matched === this.#idLength - 1) return at;
        this.#matched++;
        at++;
      } else if (octet === DASH) {
        // An id holds no dash of ours, so a dash begins a run or makes it longer.
        this.#dashes = this.#matched > 0 ? 1 : Math.min(DASHES, this.#dashes + 1);
        this.#matched = 0;
        at++;
      } else {
        this.#dashes = this.#matched = 0;
      }
    }
    return end;
  }
}
