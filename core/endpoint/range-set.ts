/**
 * Which octets of a message are there: the "virtual buffer" of RFC 4975 §7.3.1 without the buffer.
 *
 * Ranges are [start, end) counted from 0, kept apart and in order. Chunks nearly always come in order, so the common
 * step makes the last range longer; everything else is rare and may be slow, for the number of ranges is bounded.
 */
export class RangeSet {
  readonly #bound: number;
  /** start, end, start, end …, rising. */
  readonly #edges: number[];

  constructor(bound: number) {
    this.#bound = bound;
    this.#edges = [];
  }

  /** How many separate ranges there are. */
  get count(): number {
    return this.#edges.length / 2;
  }

  /** How many octets are there from the very beginning without a gap. */
  get contiguous(): number {
    return this.#edges[0] === 0 ? (this.#edges[1] as number) : 0;
  }

  /** Just behind the last octet that is there. */
  get end(): number {
    return this.#edges.at(-1) ?? 0;
  }

  /** How many octets are there. */
  get octets(): number {
    let sum = 0;
    for (let i = 0; i < this.#edges.length; i += 2) sum += (this.#edges[i + 1] as number) - (this.#edges[i] as number);
    return sum;
  }

  /** Is everything there, from 0 to `total`? */
  covers(total: number): boolean {
    return total === 0 || this.contiguous >= total;
  }

  /**
   * Puts [start, end) in.
   *
   * @returns false when that would make too many ranges; then nothing has changed
   */
  add(start: number, end: number): boolean {
    if (start >= end) return true;
    const edges = this.#edges;
    const size = edges.length;
    if (size > 0 && start >= (edges[size - 2] as number) && start <= (edges[size - 1] as number)) {
      if (end > (edges[size - 1] as number)) edges[size - 1] = end;
      return true;
    }
    // The first range that is not wholly before ours, and the first that is wholly behind it.
    let from = 0;
    while (from < size && (edges[from + 1] as number) < start) from += 2;
    let to = from;
    while (to < size && (edges[to] as number) <= end) to += 2;
    if (to === from) {
      if (size / 2 >= this.#bound) return false;
      edges.splice(from, 0, start, end);
      return true;
    }
    const first = Math.min(start, edges[from] as number);
    const last = Math.max(end, edges[to - 1] as number);
    edges.splice(from, to - from, first, last);
    return true;
  }

  /** The ranges, [start, end) each, in order. */
  toArray(): [start: number, end: number][] {
    const ranges: [number, number][] = [];
    for (let i = 0; i < this.#edges.length; i += 2) {
      ranges.push([this.#edges[i] as number, this.#edges[i + 1] as number]);
    }
    return ranges;
  }
}
