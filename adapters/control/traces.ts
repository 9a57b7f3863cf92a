/**
 * Who follows which session. Core tells each session's heads to one sink; here may be several, each for its own time.
 */
import { clearTimeout, setTimeout } from "node:timers";
import type { TracedHead } from "../../core/mod.ts";

type Sink = (head: TracedHead) => void;

export class Traces {
  readonly #ask: (session: number, sink: Sink | undefined) => Promise<boolean>;
  readonly #bySession: Map<number, Set<Sink>>;

  /** @param ask  has core begin or (without a sink) end to follow a session; false when it cannot */
  constructor(ask: (session: number, sink: Sink | undefined) => Promise<boolean>) {
    this.#ask = ask;
    this.#bySession = new Map();
  }

  /** Answers what to call to end it before its time; undefined when there is no such session, or too many are followed. */
  async follow(session: number, seconds: number, sink: Sink): Promise<(() => void) | undefined> {
    const sinks = this.#bySession.get(session) ?? new Set<Sink>();
    if (sinks.size === 0) {
      this.#bySession.set(session, sinks);
      const tell: Sink = (head) => {
        for (const one of sinks) one(head);
      };
      if (!(await this.#ask(session, tell))) {
        this.#bySession.delete(session);
        return undefined;
      }
    }
    // A sink of its own, since somebody may follow one session twice with the same function.
    const own: Sink = (head) => sink(head);
    sinks.add(own);
    const stop = () => {
      clearTimeout(timer);
      sinks.delete(own);
      if (sinks.size > 0 || this.#bySession.get(session) !== sinks) return;
      this.#bySession.delete(session);
      void this.#ask(session, undefined);
    };
    const timer = setTimeout(stop, seconds * 1000);
    timer.unref();
    return stop;
  }

  /** A session has ended, and core follows it no more. */
  ended(session: number): void {
    this.#bySession.delete(session);
  }
}
