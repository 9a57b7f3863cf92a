/**
 * Connections that core has closed, while their backlog goes out and the peer hangs up.
 *
 * Each has the same patience, counted from its last progress. A `Map` remembers the order in which it was filled, so
 * the first entry is always the one that runs out first, and progress is an entry taken out and put in again.
 */
import type { Millis, Timed } from "../../core/mod.ts";
import type { Owner } from "./driver.ts";

/** How long a closed connection may stand still before it is dropped. */
export const PATIENCE: Millis = 5000;

export class Lingering implements Timed {
  readonly #until: Map<Owner, Millis>;

  constructor() {
    this.#until = new Map();
  }

  get deadline(): Millis {
    if (this.#until.size === 0) return Number.POSITIVE_INFINITY;
    for (const until of this.#until.values()) return until;
    return Number.POSITIVE_INFINITY;
  }

  /** Starts the patience with `owner`, or starts it anew. */
  progress(owner: Owner, now: Millis): void {
    this.#until.delete(owner);
    this.#until.set(owner, now + PATIENCE);
  }

  delete(owner: Owner): void {
    this.#until.delete(owner);
  }

  tick(now: Millis): void {
    for (const [owner, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(owner);
      owner.destroy();
    }
  }
}
