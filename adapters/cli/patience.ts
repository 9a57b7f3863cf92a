/** Trying again after a break: with growing pauses, and not for ever. */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Flag, Given } from "./command.ts";
import { UsageError } from "./terminal.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** A relay that restarts is back long before. */
const DEFAULT_SECONDS = 120;

export const retryFlag: Readonly<Record<string, Flag>> = {
  retry: { value: "SECONDS", help: `how long to try again after a break (${DEFAULT_SECONDS}); 0 for never` },
};

export class Patience {
  readonly #seconds: number;
  #since: number | undefined;
  #pause: number;
  readonly #stopped: AbortController;

  constructor(seconds: number) {
    this.#stopped = new AbortController();
    this.#seconds = seconds;
    this.#since = undefined;
    this.#pause = FIRST_PAUSE_MS;
  }

  /** What --retry says. @throws UsageError */
  static given(given: Given): Patience {
    const typed = given.text("retry") ?? String(DEFAULT_SECONDS);
    if (!/^\d{1,6}$/.test(typed)) throw new UsageError(`--retry ${typed} is no number of seconds`);
    return new Patience(Number(typed));
  }

  /** Something has come of the last try: the next break is a new one. */
  renew(): void {
    this.#since = undefined;
    this.#pause = FIRST_PAUSE_MS;
  }

  /** There will be no next try. */
  stop(): void {
    this.#stopped.abort();
  }

  get stopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Waits before the next try; false, at once, when it has been tried long enough. */
  async pause(): Promise<boolean> {
    this.#since ??= performance.now();
    if (performance.now() - this.#since >= this.#seconds * 1000) return false;
    await sleep(this.#pause, undefined, { signal: this.#stopped.signal }).catch(() => {});
    this.#pause = Math.min(LONGEST_PAUSE_MS, 2 * this.#pause);
    return !this.stopped;
  }
}
