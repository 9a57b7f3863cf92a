/** A clock that stands still until a test moves it. */
import type { Clock } from "../../adapters/shared/driver.ts";

export class VirtualClock implements Clock {
  time = 0;
  /** How often a timer was set; a driver should be sparing. */
  timersSet = 0;
  #timers: { at: number; call: () => void }[] = [];

  now(): number {
    return this.time;
  }

  setTimer(call: () => void, delay: number): unknown {
    this.timersSet++;
    const timer = { at: this.time + delay, call };
    this.#timers.push(timer);
    return timer;
  }

  clearTimer(timer: unknown): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.length;
  }

  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.clearTimer(next);
      this.time = Math.max(this.time, next.at);
      next.call();
    }
    this.time = end;
  }
}
