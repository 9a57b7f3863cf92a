/**
 * The octets of a message between the application and the link.
 *
 * What the application gives is borrowed for the length of its call and mostly goes out within it, without a copy. Only
 * what is left over when the call ends is kept.
 */
export class Supply {
  /** octets[start, end) is what has been given and not written. */
  octets: Uint8Array;
  start: number;
  end: number;
  #own: Uint8Array; // what was kept; grows to the bound of what may be kept
  #borrowed: boolean;

  constructor() {
    this.octets = this.#own = NOTHING;
    this.start = 0;
    this.end = 0;
    this.#borrowed = false;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Takes bytes in, borrowed until `keep`. */
  lend(bytes: Uint8Array): void {
    if (this.start === this.end) {
      this.octets = bytes;
      this.start = 0;
      this.end = bytes.length;
      this.#borrowed = true;
    } else {
      this.keep();
      this.#append(bytes, 0, bytes.length);
    }
  }

  /** The lender wants his memory back: copies what is left of it. */
  keep(): void {
    if (!this.#borrowed) return;
    const { octets, start, end } = this;
    this.#borrowed = false;
    this.octets = this.#own;
    this.start = this.end = 0;
    this.#append(octets, start, end);
  }

  clear(): void {
    this.octets = this.#own = NOTHING;
    this.start = this.end = 0;
    this.#borrowed = false;
  }

  #append(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (this.end + size > this.#own.length) {
      const length = this.length;
      const target = length + size > this.#own.length ? new Uint8Array(length + size) : this.#own;
      target.set(this.octets.subarray(this.start, this.end));
      this.octets = this.#own = target;
      this.start = 0;
      this.end = length;
    }
    this.#own.set(source.subarray(start, end), this.end);
    this.end += size;
  }
}

const NOTHING = new Uint8Array(0);
