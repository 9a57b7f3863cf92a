/** Messages over several sessions, as fast as the windows allow or at a paced rate. */
import { performance } from "node:perf_hooks";
import { setImmediate as soon, setTimeout as sleep } from "node:timers/promises";
import { Meter } from "./meter.ts";
import type { Load, Order, Outcome } from "./order.ts";
import { openEnds, Session } from "./session.ts";
import { Failure, Listener, within } from "./sockets.ts";

/** Nothing delivered for so long while something is under way: it is lost. */
const DRAIN_MS = 10_000;
/** How much longer than asked for a relay may take to use as many CPU seconds. */
const MOST_WARM_UP = 5;

export async function runStream(order: Order, load: Load & { kind: "stream" }): Promise<Outcome> {
  const { target, seconds, warmupSeconds } = order;
  const meter = new Meter(order);
  const listener = target.kind === "relay" ? undefined : await Listener.start(target);
  const failure = new Failure();
  const sessions: Session[] = [];
  try {
    for (let i = 0; i < load.sessions; i++) {
      sessions.push(new Session(i, await openEnds(i, target, listener), target, load, failure.reject));
    }
    return await Promise.race([failure.promise, measure()]);
  } finally {
    for (const session of sessions) session.end();
    listener?.close();
  }

  async function measure(): Promise<Outcome> {
    // One message first, so that every reader knows what to expect.
    for (const session of sessions) session.send(1);
    await drained(sessions);
    const pace = load.rate > 0 ? new Pace(sessions, load.rate, load.window) : undefined;
    const during = (ms: number) => pace?.run(ms) ?? sleep(ms);
    if (pace === undefined) {
      for (const session of sessions) {
        session.running = true;
        session.pump();
      }
    }
    meter.start();
    await during(warmupSeconds * 1000);
    // Beside others the relay gets less than a core, and its engine has not compiled what it runs when the time is up.
    const patience = performance.now() + MOST_WARM_UP * warmupSeconds * 1000;
    while (target.kind === "relay" && pace === undefined && meter.relayCpu < warmupSeconds) {
      if (performance.now() > patience) break;
      await during(100);
    }
    pace?.forget();
    const before = totals(sessions);
    meter.start();
    await during(seconds * 1000);
    const used = meter.stop();
    const after = totals(sessions);
    for (const session of sessions) session.running = false;
    await drained(sessions);
    return {
      ...used,
      count: after.delivered - before.delivered,
      octets: after.octets - before.octets,
      ...pace?.latency(),
    };
  }
}

function totals(sessions: readonly Session[]): { delivered: number; octets: number } {
  let delivered = 0;
  let octets = 0;
  for (const { receiver } of sessions) {
    delivered += receiver.delivered;
    octets += receiver.octets;
  }
  return { delivered, octets };
}

/** Waits until everything that was sent has come and was answered: nothing may be lost. */
export async function drained(sessions: readonly Session[]): Promise<void> {
  const all = async () => {
    while (sessions.some(({ underway }) => underway > 0)) await sleep(2);
  };
  await within(all(), "the messages that are still under way", DRAIN_MS);
}

/** Sends at an even rate, one session after the other, and remembers how long each message took. */
export class Pace {
  readonly #sessions: readonly Session[];
  readonly #rate: number;
  readonly #window: number;
  /** By session: when its last messages were sent. */
  readonly #sentAt: Float64Array[];
  #taken: number[];
  #next: number;

  constructor(sessions: readonly Session[], rate: number, window: number) {
    this.#sessions = sessions;
    this.#rate = rate;
    this.#window = window;
    this.#sentAt = sessions.map(() => new Float64Array(window));
    this.#taken = [];
    this.#next = 0;
    sessions.forEach((session, index) => {
      let known = session.receiver.delivered;
      session.delivered = (delivered) => {
        const now = performance.now();
        const sentAt = this.#sentAt[index] as Float64Array;
        for (; known < delivered; known++) this.#taken.push(now - (sentAt[known % window] as number));
      };
    });
  }

  /** Turns all the time instead of sleeping: a timer's millisecond is longer than what is measured. */
  async run(ms: number): Promise<void> {
    const start = performance.now();
    let sent = 0;
    for (let now = start; now < start + ms; now = performance.now()) {
      const due = Math.floor(((now - start) * this.#rate) / 1000);
      // What cannot be sent in time is left out: a relay that stalls shows in the latencies, not as a burst.
      for (; sent < due; sent++) this.#send(now);
      await soon();
    }
  }

  forget(): void {
    this.#taken = [];
  }

  latency(): { p50: number; p99: number } {
    const sorted = Float64Array.from(this.#taken).sort();
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }

  #send(now: number): void {
    const index = this.#next++ % this.#sessions.length;
    const session = this.#sessions[index] as Session;
    if (session.underway >= this.#window) return;
    (this.#sentAt[index] as Float64Array)[session.sent % this.#window] = now;
    session.send(1);
  }
}
