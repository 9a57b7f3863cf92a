/**
 * A file and chats that share one connection between two relays. The file goes as fast as it can, in one chunk after the
 * other of many megabytes; what a chat message waits for is what the relays let it wait for.
 */
import { oneMessage, receive, transfer } from "./endless.ts";
import { Meter } from "./meter.ts";
import type { Load, Order, Outcome } from "./order.ts";
import type { Receiver } from "./receiver.ts";
import { openEnds, Session } from "./session.ts";
import { Failure } from "./sockets.ts";
import { drained, Pace } from "./stream.ts";

const WINDOW = 64;

export async function runShared(order: Order, load: Load & { kind: "shared" }): Promise<Outcome> {
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
  let over = false;
  let receiver: Receiver | undefined;
  let whole = 0;
  const octets = () => whole + (receiver?.octets ?? 0);
  const files = async () => {
    while (!over) {
      const message = oneMessage(ends, load.bytes);
      receiver = receive(ends, message, false, failure.reject);
      await transfer(ends, load.bytes, receiver);
      ends.b.removeAllListeners("data");
      whole = octets();
      receiver = undefined;
    }
  };
  const measure = async (): Promise<Outcome> => {
    for (const session of sessions) session.send(1);
    await drained(sessions);
    const pace = new Pace(sessions, load.rate, WINDOW);
    const sending = files();
    sending.catch(failure.reject);
    await pace.run(warmupSeconds * 1000);
    pace.forget();
    const before = octets();
    meter.start();
    await pace.run(seconds * 1000);
    const used = meter.stop();
    const moved = octets() - before;
    over = true;
    const latency = pace.latency();
    await sending;
    await drained(sessions);
    return { ...used, count: sessions.length, octets: moved, ...latency };
  };
  try {
    return await Promise.race([failure.promise, measure()]);
  } finally {
    over = true;
    for (const session of sessions) session.end();
    ends.a.destroy();
    ends.b.destroy();
  }
}
