/**
 * How a relay leaves: it takes no new sessions, those that exist end by themselves, and what is left at the deadline is
 * ended politely by whoever hears `over`.
 *
 * Who had connected before and was about to authenticate is let through, so a moment is left for that even when there is
 * no session.
 */
import { clearTimeout, setTimeout } from "node:timers";
import type { Drain } from "../control/control.ts";

/** How long whoever had connected has for its handshake and its AUTH when nobody else is there (ms). */
export const LAST_AUTHS_MS = 2000;
/** How often the sessions are counted (ms). */
const COUNT_EVERY_MS = 50;

/** What is drained: `RelayProgram`. */
export interface Drainable {
  /** Takes no new sessions, or takes them again. */
  refuseSessions(on: boolean): Promise<void>;
  readonly sessions: number;
  /** Open connections that came in, those in their handshake included. */
  readonly connections: number;
}

type Tell = (
  level: "debug" | "info" | "warning",
  event: string,
  text: string,
  fields: Readonly<Record<string, number>>,
) => void;

export class Drains {
  /** Resolves when a drain has come to its end: with its last session, or at its deadline. */
  readonly over: Promise<void>;
  readonly #what: Drainable;
  readonly #tell: Tell;
  readonly #lastAuthsMs: number;
  #current: Drain | undefined;
  /** Unix milliseconds; undefined before it was said that no more are taken. */
  #lastAuthsUntil: number | undefined;
  /** There were sessions to wait for. */
  #waited: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #end: () => void;

  constructor(what: Drainable, tell: Tell, lastAuthsMs = LAST_AUTHS_MS) {
    this.#what = what;
    this.#tell = tell;
    this.#lastAuthsMs = lastAuthsMs;
    this.#current = undefined;
    this.#lastAuthsUntil = undefined;
    this.#waited = false;
    this.#timer = undefined;
    this.#end = () => {};
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get current(): Drain | undefined {
    return this.#current;
  }

  /** Begins a drain, or gives the one that goes on another deadline. */
  async start(seconds: number): Promise<Drain> {
    const now = Date.now();
    const drain: Drain = { since: this.#current?.since ?? now, deadline: now + seconds * 1000 };
    this.#current = drain;
    const { sessions } = this.#what;
    const text = `draining: no new sessions; ${count(sessions)} may go on for ${seconds} s`;
    // Whoever stops a relay that nobody uses knows what he does.
    this.#tell(sessions === 0 ? "debug" : "info", "drainStarted", text, { sessions, seconds });
    this.#waited = sessions > 0;
    await this.#what.refuseSessions(true);
    this.#lastAuthsUntil ??= Date.now() + this.#lastAuthsMs;
    this.#watch();
    return drain;
  }

  /** Takes new sessions again; nothing happens when no drain goes on. */
  async cancel(): Promise<void> {
    if (this.#current === undefined) return;
    clearTimeout(this.#timer);
    this.#current = undefined;
    this.#lastAuthsUntil = undefined;
    await this.#what.refuseSessions(false);
    this.#tell("info", "drainCancelled", "no longer draining: new sessions are taken again", {});
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const drain = this.#current;
    if (drain === undefined) return;
    const { sessions, connections } = this.#what;
    const now = Date.now();
    const auths = connections > 0 && now < Math.min(this.#lastAuthsUntil ?? 0, drain.deadline);
    if ((sessions > 0 && now < drain.deadline) || auths) {
      this.#timer = setTimeout(() => this.#watch(), COUNT_EVERY_MS);
      return;
    }
    const text = sessions === 0 ? "drained: no session is left" : `drained: ${count(sessions)} left at the deadline`;
    this.#tell(sessions > 0 ? "warning" : this.#waited ? "info" : "debug", "drainEnded", text, { sessions });
    this.#end();
  }
}

function count(sessions: number): string {
  return sessions === 1 ? "1 session" : `${sessions} sessions`;
}
