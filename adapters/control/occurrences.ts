/**
 * What has happened lately, for those who follow it and for those who come back.
 *
 * Ids grow by one, and begin where the clock stands: so those of a program that was restarted are larger than all it
 * gave out before, and whoever comes with an old one is told everything that is remembered and nothing twice.
 */
import type { Occurrence } from "./control.ts";

/** Some minutes of a busy relay, a megabyte or two. */
const REMEMBERED = 4096;
/** Ids for each millisecond that the program before us has run: more than it can have used. */
const IDS_A_MILLISECOND = 100;

export type Sink = (occurrence: Occurrence) => void;

export class Occurrences {
  /** A ring: the one with id n is at n % REMEMBERED. */
  readonly #ring: Occurrence[];
  readonly #sinks: Set<Sink>;
  readonly #first: number;
  #next: number;

  /** @param now  Unix milliseconds */
  constructor(now: number) {
    this.#ring = [];
    this.#sinks = new Set();
    this.#first = now * IDS_A_MILLISECOND;
    this.#next = this.#first;
  }

  add(occurrence: Omit<Occurrence, "id">): void {
    const one = { id: this.#next++, ...occurrence };
    this.#ring[one.id % REMEMBERED] = one;
    for (const sink of this.#sinks) sink(one);
  }

  /** What is remembered since event `after`, if that is asked for, and what happens from now on, until the answer is called. */
  follow(after: number | undefined, sink: Sink): () => void {
    if (after !== undefined) {
      const oldest = Math.max(this.#first, this.#next - REMEMBERED);
      // An id that we have yet to give out is nobody's; it must not keep back what we do give out.
      const from = after >= this.#next ? this.#next : Math.max(oldest, after + 1);
      for (let id = from; id < this.#next; id++) {
        const one = this.#ring[id % REMEMBERED];
        if (one !== undefined) sink(one);
      }
    }
    this.#sinks.add(sink);
    return () => void this.#sinks.delete(sink);
  }
}
