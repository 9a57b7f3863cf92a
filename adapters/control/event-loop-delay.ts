/**
 * How late timers come: while they are late, no frame moves either.
 *
 * A timer of our own and not `perf_hooks.monitorEventLoopDelay`, whose figures mean something else on each runtime.
 */
import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";

/** How often it looks (ms): seldom enough to cost nothing, often enough to see what people would notice. */
const EVERY = 100;

export class EventLoopDelay {
  readonly #tell: (seconds: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (seconds: number) => void) {
    this.#tell = tell;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    const due = performance.now() + EVERY;
    this.#timer = setTimeout(() => {
      this.#tell(Math.max(0, performance.now() - due) / 1000);
      this.#wait();
    }, EVERY);
    this.#timer.unref();
  }
}
