/**
 * Looks after how much memory the process has, and makes room when that is more than it may be (RFC 4976 §6.5): first by
 * letting nobody in, and by closing those that nobody uses, the least recently used first, a few at a time: what a
 * runtime gives back to the system it gives back late.
 */
import { memoryUsage } from "node:process";
import { clearInterval, setInterval } from "node:timers";

/** Milliseconds. */
const LOOK = 1000;
/** Of connections that nobody uses, at each look. */
const CLOSED_AT_ONCE = 32;
/** Below this part of the ceiling newcomers are let in again. */
const ENOUGH = 0.95;

const MEGABYTE = 1 << 20;

export interface MemoryEvents {
  /** Newcomers are refused from now on, or no longer. */
  full(isFull: boolean): void;
  /** Closes a connection that nobody uses; false when there is none. */
  makeRoom(): boolean;
  tell(event: "memoryFull" | "memoryEnough", text: string): void;
}

export class MemoryCeiling {
  /** 0: no ceiling. May be changed. */
  megabytes: number;
  readonly #events: MemoryEvents;
  readonly #resident: () => number;
  readonly #timer: NodeJS.Timeout;
  #isFull: boolean;

  constructor(megabytes: number, events: MemoryEvents, resident: () => number = () => memoryUsage().rss) {
    this.megabytes = megabytes;
    this.#events = events;
    this.#resident = resident;
    this.#isFull = false;
    this.#timer = setInterval(() => this.look(), LOOK);
    this.#timer.unref();
  }

  look(): void {
    if (this.megabytes === 0 && !this.#isFull) return;
    const resident = this.#resident() / MEGABYTE;
    const wasFull = this.#isFull;
    const limit = this.megabytes === 0 ? Number.POSITIVE_INFINITY : this.megabytes;
    this.#isFull = resident > (wasFull ? limit * ENOUGH : limit);
    if (this.#isFull !== wasFull) {
      this.#events.full(this.#isFull);
      const megabytes = `${Math.round(resident)} MB in use, limits.memoryMegabytes is ${this.megabytes}`;
      if (this.#isFull)
        this.#events.tell("memoryFull", `${megabytes}: nobody is let in, and idle connections are closed`);
      else this.#events.tell("memoryEnough", `${megabytes}: newcomers are let in again`);
    }
    if (resident <= limit) return;
    for (let closed = 0; closed < CLOSED_AT_ONCE && this.#events.makeRoom(); closed++);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
