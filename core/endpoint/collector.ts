/**
 * Gathers a message in memory, up to a limit, for those who want it whole.
 *
 * Octets are laid where they belong, so the order of chunks does not matter and of overlapping ones the last stands
 * (RFC 4975 §7.3.1). Memory grows with what has come, never with what a Byte-Range promises.
 */
export class Collector {
  readonly limit: number;
  #octets: Uint8Array;
  #length: number;

  constructor(limit: number) {
    this.limit = limit;
    this.#octets = new Uint8Array(0);
    this.#length = 0;
  }

  /** What has been gathered; with octets missing, zeros stand for them. Not a copy: the next `put` may change it. */
  get octets(): Uint8Array {
    return this.#octets.subarray(0, this.#length);
  }

  /**
   * Lays source[start, end) at `position`, which counts from 0.
   *
   * @returns false when it lies beyond the limit; then nothing has changed
   */
  put(position: number, source: Uint8Array, start: number, end: number): boolean {
    const upTo = position + end - start;
    if (upTo > this.limit) return false;
    if (upTo > this.#octets.length) {
      const grown = new Uint8Array(Math.min(this.limit, Math.max(upTo, 2 * this.#octets.length)));
      grown.set(this.#octets);
      this.#octets = grown;
    }
    this.#octets.set(source.subarray(start, end), position);
    if (upTo > this.#length) this.#length = upTo;
    return true;
  }
}
