/**
 * Random identifiers, cheaply: asks the Host for a kilobyte at a time and hands it out in five-bit letters.
 * Lower-case letters and digits only, because peers with picky parsers exist and nobody minds.
 */
import { octetString, octets } from "./octets.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const letterCodes = octets(LETTERS);
const POOL = 1024;

export class RandomPool {
  readonly #fill: (target: Uint8Array) => void;
  readonly #pool: Uint8Array;
  #used: number; // octets of the pool already handed out, never to be used again

  constructor(fillRandom: (target: Uint8Array) => void) {
    this.#fill = fillRandom;
    this.#pool = new Uint8Array(POOL);
    this.#used = POOL;
  }

  /** Writes `count` random letters (5 bits each) to target[at, at + count). */
  letters(target: Uint8Array, at: number, count: number): void {
    const pool = this.#pool;
    let used = this.#used;
    for (let i = 0; i < count; i++) {
      if (used === POOL) {
        this.#fill(pool);
        used = 0;
      }
      target[at + i] = letterCodes[(pool[used++] as number) & 31] as number;
    }
    this.#used = used;
  }

  /** `count` random letters as text; 26 of them hold 130 bits. */
  text(count: number): string {
    const letters = new Uint8Array(count);
    this.letters(letters, 0, count);
    // In one go: an engine keeps a text that was added up as the tree of its sums, which is many times as large.
    return octetString(letters);
  }
}
