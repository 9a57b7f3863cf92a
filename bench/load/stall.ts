/**
 * A receiver that stops reading in the middle of a long chunk, beside sessions at a paced rate. Its sender must soon be
 * held, the relay's memory must not grow, and the others must not notice. Then it reads on, and nothing may be missing.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { oneMessage, writeChunk } from "./endless.ts";
import { Meter } from "./meter.ts";
import type { Load, Order, Outcome } from "./order.ts";
import { Receiver } from "./receiver.ts";
import { openEnds, Session } from "./session.ts";
import { Failure, within } from "./sockets.ts";
import { drained, Pace } from "./stream.ts";

const WINDOW = 64;
const PATIENCE_MS = 60_000;

export async function runStall(order: Order, load: Load & { kind: "stall" }): Promise<Outcome> {
  const { target, seconds, warmupSeconds } = order;
  const meter = new Meter(order);
  const failure = new Failure();
  const sessions: Session[] = [];
  const shape = { bytes: 256, failureReport: "yes", window: WINDOW } as const;
  for (let i = 0; i < load.sessions; i++) {
    sessions.push(new Session(i, await openEnds(i, target, undefined), target, shape, failure.reject));
  }
  const ends = await openEnds(load.sessions, target, undefined);
  ends.a.resume();

  const measure = async (): Promise<Outcome> => {
    for (const session of sessions) session.send(1);
    await drained(sessions);
    const pace = new Pace(sessions, load.rate, WINDOW);
    await pace.run(warmupSeconds * 1000);
    pace.forget();
    ends.b.pause();
    meter.start();
    const message = oneMessage(ends, load.bytes);
    const start = performance.now();
    const written = writeChunk(ends.a, message, () => performance.now() - start > PATIENCE_MS);
    await pace.run(seconds * 1000);
    const swallowed = ends.a.bytesWritten - ends.a.writableLength;
    const used = meter.stop();
    const latency = pace.latency();
    const receiver = new Receiver(ends.b, { ring: message, untouched: false, answer: true }, () => {}, failure.reject);
    const all = async () => {
      await written;
      while (receiver.delivered === 0) await sleep(5);
      await drained(sessions);
    };
    await within(all(), "the rest of the chunk", PATIENCE_MS);
    return { ...used, count: sessions.length, octets: receiver.octets, swallowed, ...latency };
  };
  try {
    return await Promise.race([failure.promise, measure()]);
  } finally {
    for (const session of sessions) session.end();
    ends.a.destroy();
    ends.b.destroy();
  }
}
