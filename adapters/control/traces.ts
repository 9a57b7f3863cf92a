/**
 * Who follows which session. Core tells each session's heads to one sink; here may be several, each for its own time.
 */
import { clearTimeout, setTimeout } from "node:timers";
import type { Millis, TracedHead } from "../../core/mod.ts";

type CoreSink = (head: TracedHead) => void;
/** `at` is Unix time, the same for all who follow. */
type Sink = (head: TracedHead, at: number) => void;

export class Traces {
  readonly #ask: (session: number, sink: CoreSink | undefined) => Promise<boolean>;
  readonly #toUnix: (at: Millis) => number;
  readonly #bySession: Map<number, Set<Sink>>;

  /** @param ask  has core begin or (without a sink) end to follow a session; false when it cannot */
  constructor(ask: (session: number, sink: CoreSink | undefined) => Promise<boolean>, toUnix: (at: Millis) => number) {
    this.#ask = ask;
    this.#toUnix = toUnix;
    this.#bySession = new Map();
  }

  /** Answers what to call to end it before its time; undefined when there is no such session, or too many are followed. */
  async follow(session: number, seconds: number, sink: Sink): Promise<(() => void) | undefined> {
    const sinks = this.#bySession.get(session) ?? new Set<Sink>();
    if (sinks.size === 0) {
      this.#bySession.set(session, sinks);
      const tell: CoreSink = (head) => {
        const at = this.#toUnix(head.at);
        for (const one of sinks) one(head, at);
      };
      if (!(await this.#ask(session, tell))) {
        this.#bySession.delete(session);
        return undefined;
      }
    }
    // A sink of its own, since somebody may follow one session twice with the same function.
    const own: Sink = (head, at) => sink(head, at);
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
