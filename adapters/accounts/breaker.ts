/**
 * Leaves alone for a while what does not answer.
 *
 * Somebody who is down is not helped by a thousand clients at once, and a client that is refused at once tries elsewhere
 * sooner than one that waits for a time-out. So after a few failures in a row nobody is asked for a pause; then one
 * question goes through, and its outcome ends the pause or doubles it. One lost answer is no reason: servers restart.
 */
import { performance } from "node:perf_hooks";

/** Failures in a row that make it a pause. */
const FAILURES = 3;
/** Milliseconds. Short enough at first for a restart, and in the end for an operator who watches. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 8000;

/** Why a question was not even put. */
export class PausedError extends Error {
  override readonly name = "PausedError";
}

export interface BreakerEvents {
  /** For the first time, and again each time the question that went through has failed as well. */
  paused(pause: number, why: unknown, again: boolean): void;
  /** @param after  milliseconds since the first of the failures */
  healed(after: number): void;
}

export class Breaker {
  readonly #events: BreakerEvents;
  readonly #now: () => number;
  /** Between 0 and 1: spreads those who wait for the same server. */
  readonly #random: () => number;
  /** In a row. */
  #failures: number;
  #firstFailure: number;
  /** Pauses in a row. */
  #pauses: number;
  /** Nobody is asked before this time. */
  #until: number;
  /** Somebody is being asked to see whether the pause is over. */
  #trying: boolean;

  constructor(events: BreakerEvents, now: () => number = () => performance.now(), random: () => number = Math.random) {
    this.#events = events;
    this.#now = now;
    this.#random = random;
    this.#failures = 0;
    this.#firstFailure = 0;
    this.#pauses = 0;
    this.#until = 0;
    this.#trying = false;
  }

  /** Is anything it was asked last unanswered so often that we say it is down? */
  get paused(): boolean {
    return this.#pauses > 0;
  }

  /** @throws PausedError  and whatever the question rejects with */
  async run<T>(question: () => Promise<T>): Promise<T> {
    if (this.#pauses > 0 && (this.#trying || this.#now() < this.#until)) {
      throw new PausedError("it does not answer, and is left alone for a moment");
    }
    const trying = this.#pauses > 0;
    this.#trying ||= trying;
    try {
      const answer = await question();
      this.#succeeded();
      return answer;
    } catch (error) {
      if (trying) this.#trying = false;
      this.#failed(error, trying);
      throw error;
    }
  }

  /** Makes the next failure enough: for the first question of all, whose answer says whether it is there. */
  beStrict(): void {
    this.#failures = FAILURES - 1;
    this.#firstFailure = this.#now();
  }

  #succeeded(): void {
    const wasPaused = this.#pauses > 0;
    this.#failures = 0;
    this.#pauses = 0;
    this.#trying = false;
    if (wasPaused) this.#events.healed(this.#now() - this.#firstFailure);
  }

  #failed(why: unknown, trying: boolean): void {
    if (this.#failures === 0) this.#firstFailure = this.#now();
    this.#failures++;
    // Questions that were on their way when the pause began are no news.
    if (this.#pauses > 0 ? !trying : this.#failures < FAILURES) return;
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#pauses) * (0.75 + this.#random() / 4);
    this.#pauses++;
    this.#until = this.#now() + pause;
    this.#events.paused(pause, why, this.#pauses > 1);
  }
}
