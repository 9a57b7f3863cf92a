/**
 * A buffer to compose a head in before it is handed to a Link in one write. Grows as needed and is reused: `reset` and
 * compose again. Short copies are loops because a `set(subarray())` allocates a view for each.
 */
export class Scratch {
  octets: Uint8Array; // octets[0, length) is what was composed
  length: number;
  #beginning: Uint8Array | undefined; // what stands at the beginning since `begin`

  constructor(capacity = 1024) {
    this.octets = new Uint8Array(capacity);
    this.length = 0;
    this.#beginning = undefined;
  }

  reset(): this {
    this.length = 0;
    this.#beginning = undefined;
    return this;
  }

  /**
   * As `reset` and a copy of `beginning`, but where the last one began with the same array it is there already. Neither
   * must be changed meanwhile, but for what the caller puts over it every time.
   */
  begin(beginning: Uint8Array): this {
    if (this.#beginning === beginning) this.length = beginning.length;
    else this.reset().copy(beginning).#beginning = beginning;
    return this;
  }

  /** Puts all of `source` over what was composed, from `at` on. */
  put(at: number, source: Uint8Array): this {
    const { octets } = this;
    for (let i = 0; i < source.length; i++) octets[at + i] = source[i] as number;
    return this;
  }

  /** An octet string, usually ASCII. */
  text(text: string): this {
    const size = text.length;
    this.#reserve(size);
    const { octets } = this;
    let at = this.length;
    for (let i = 0; i < size; i++) octets[at++] = text.charCodeAt(i);
    this.length = at;
    return this;
  }

  /** source[start, end) */
  copy(source: Uint8Array, start = 0, end = source.length): this {
    const size = end - start;
    this.#reserve(size);
    const { octets } = this;
    if (size > 64) {
      octets.set(source.subarray(start, end), this.length);
      this.length += size;
      return this;
    }
    let at = this.length;
    for (let i = start; i < end; i++) octets[at++] = source[i] as number;
    this.length = at;
    return this;
  }

  octet(octet: number): this {
    this.#reserve(1);
    this.octets[this.length++] = octet;
    return this;
  }

  /** A whole number in decimal digits. */
  number(value: number): this {
    return this.text(String(value));
  }

  /** A copy of what was composed. */
  take(): Uint8Array {
    return this.octets.slice(0, this.length);
  }

  #reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.octets.length) return;
    let capacity = Math.max(64, this.octets.length * 2);
    while (capacity < needed) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.octets.subarray(0, this.length));
    this.octets = grown;
  }
}
