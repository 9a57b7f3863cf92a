/**
 * Time that jumps to the next thing that can happen. What happens is of two kinds: events of the network, which settle
 * sooner or later, and timers of the programs on it, which may lie a day ahead.
 */
import type { Clock } from "../../../adapters/shared/driver.ts";

interface Event {
  readonly at: number;
  /** Breaks ties: first come, first served. */
  readonly order: number;
  readonly timer: boolean;
  call: (() => void) | undefined; // undefined once it has run or was cancelled
}

export class SimClock implements Clock {
  time: number;
  /** Events that have run. */
  steps: number;
  /** Events of the network that are still to come. */
  #busy: number;
  #order: number;
  readonly #heap: Event[];

  constructor() {
    this.time = 1000;
    this.steps = 0;
    this.#busy = 0;
    this.#order = 0;
    this.#heap = [];
  }

  now(): number {
    return this.time;
  }

  setTimer(call: () => void, delay: number): unknown {
    return this.#add(call, delay, true);
  }

  clearTimer(timer: unknown): void {
    (timer as Event).call = undefined;
  }

  soon(call: () => void): void {
    this.#add(call, 0, false);
  }

  /** Something of the network will happen. */
  in(delay: number, call: () => void): void {
    this.#add(call, delay, false);
  }

  /** Nothing is on its way; only timers are left, and none of them is due. */
  get quiet(): boolean {
    return this.#busy === 0 && this.#next() > this.time;
  }

  /** Runs the next event if it comes no later than `end`. */
  step(end: number): boolean {
    if (this.#next() > end) return false;
    const event = this.#pop();
    const { call } = event;
    event.call = undefined;
    if (!event.timer) this.#busy--;
    this.time = Math.max(this.time, event.at);
    this.steps++;
    call?.();
    return true;
  }

  #add(call: () => void, delay: number, timer: boolean): Event {
    const event: Event = { at: this.time + Math.max(0, delay), order: this.#order++, timer, call };
    if (!timer) this.#busy++;
    const heap = this.#heap;
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (isBefore(heap[parent] as Event, event)) break;
      heap[i] = heap[parent] as Event;
      i = parent;
    }
    heap[i] = event;
    return event;
  }

  #next(): number {
    while (this.#heap[0] !== undefined && this.#heap[0].call === undefined) this.#pop();
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  #pop(): Event {
    const heap = this.#heap;
    const first = heap[0] as Event;
    const last = heap.pop() as Event;
    const size = heap.length;
    if (size === 0) return first;
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (isBefore(last, heap[child] as Event)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
