/**
 * Random identifiers, cheaply: asks the Host for a kilobyte at a time and hands it out in five-bit letters.
 * Lower-case letters and digits only, because peers with picky parsers exist and nobody minds.
 */
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
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
    for (let i = 0; i < count; i++) target[at + i] = LETTERS.charCodeAt(this.#octet() & 31);
  }

  /** `count` random letters as text; 26 of them hold 130 bits. */
  text(count: number): string {
    const codes = Array.from({ length: count }, () => LETTERS.charCodeAt(this.#octet() & 31));
    // Not added up: an engine keeps such a text as the tree of its sums, which is many times as large.
    return String.fromCharCode(...codes);
  }

  #octet(): number {
    if (this.#used === POOL) {
      this.#fill(this.#pool);
      this.#used = 0;
    }
    return this.#pool[this.#used++] as number;
  }
}
