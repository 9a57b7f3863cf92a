/**
 * Timers of every length, for the events that are rare: probation, idleness, the end of a lease, a stalled link.
 * A binary heap; a cancelled timer stays until its time comes, so canceling costs nothing. The 30-second timers of
 * transactions do not live here: there are too many of them and they need no heap (transaction.ts).
 */
import type { Millis } from "../ports.ts";

export interface Timer {
  readonly at: Millis;
  /** Undefined once it has run or was cancelled. */
  action: ((now: Millis) => void) | undefined;
}

export class Timers {
  readonly #heap: Timer[]; // heap[0] is the next; heap[i] is never later than heap[2i+1] and heap[2i+2]

  constructor() {
    this.#heap = [];
  }

  /** When the next one wants to run; Infinity when there is none. */
  get next(): Millis {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  set(at: Millis, action: (now: Millis) => void): Timer {
    const timer: Timer = { at, action };
    const heap = this.#heap;
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((heap[parent] as Timer).at <= at) break;
      heap[i] = heap[parent] as Timer;
      i = parent;
    }
    heap[i] = timer;
    return timer;
  }

  cancel(timer: Timer): void {
    timer.action = undefined;
  }

  /** Runs what is due. A timer set meanwhile for the past or the present runs too. */
  run(now: Millis): void {
    while (this.next <= now) {
      const timer = this.#pop();
      const { action } = timer;
      timer.action = undefined;
      action?.(now);
    }
  }

  #pop(): Timer {
    const heap = this.#heap;
    const first = heap[0] as Timer;
    const last = heap.pop() as Timer;
    const size = heap.length;
    if (size === 0) return first;
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && (heap[child + 1] as Timer).at < (heap[child] as Timer).at) child++;
      if ((heap[child] as Timer).at >= last.at) break;
      heap[i] = heap[child] as Timer;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}
