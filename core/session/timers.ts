/**
 * Timers of every length, for the events that are rare: probation, idleness, the end of a lease, a stalled link.
 * A binary heap in which every timer knows its place, so that a cancelled one leaves at once: it may have been meant for
 * tomorrow, and connections that come and go by the thousand leave one each. The 30-second timers of transactions do not
 * live here: there are too many of them and they need no heap (transaction.ts).
 */
import type { Millis } from "../ports.ts";

export interface Timer {
  readonly at: Millis;
  readonly action: (now: Millis) => void;
  /** Where it stands in the heap; -1 once it has run or was cancelled. */
  place: number;
}

export class Timers {
  fired: number; // how many have run, ever
  readonly #heap: Timer[]; // heap[0] is the next; heap[i] is never later than heap[2i+1] and heap[2i+2]

  constructor() {
    this.fired = 0;
    this.#heap = [];
  }

  /** How many wait. */
  get size(): number {
    return this.#heap.length;
  }

  /** When the next one wants to run; Infinity when there is none. */
  get next(): Millis {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  set(at: Millis, action: (now: Millis) => void): Timer {
    const timer: Timer = { at, action, place: this.#heap.length };
    this.#heap.push(timer);
    this.#rise(timer);
    return timer;
  }

  cancel(timer: Timer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#heap.pop() as Timer;
    if (last === timer) return;
    // The last one takes its place, and from there goes where it belongs.
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  /** Runs what is due. A timer set meanwhile for the past or the present runs too. */
  run(now: Millis): void {
    while (this.next <= now) {
      const timer = this.#heap[0] as Timer;
      this.cancel(timer);
      this.fired++;
      timer.action(now);
    }
  }

  #rise(timer: Timer): void {
    const heap = this.#heap;
    while (timer.place > 0) {
      const { place } = timer;
      const parent = heap[(place - 1) >> 1] as Timer;
      if (parent.at <= timer.at) return;
      this.#put(timer, parent.place);
      this.#put(parent, place);
    }
  }

  #sink(timer: Timer): void {
    const heap = this.#heap;
    while (true) {
      const { place } = timer;
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      const earlier = right !== undefined && left !== undefined && right.at < left.at ? right : left;
      if (earlier === undefined || earlier.at >= timer.at) return;
      this.#put(timer, earlier.place);
      this.#put(earlier, place);
    }
  }

  #put(timer: Timer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }
}
