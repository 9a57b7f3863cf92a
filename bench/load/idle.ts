/** Authenticated sessions that say nothing: what they hold, and what they cost while nothing happens. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { authenticate } from "./authenticate.ts";
import { Meter } from "./meter.ts";
import type { Load, Order, Outcome } from "./order.ts";
import { Failure, open } from "./sockets.ts";

/** The queue of a listener holds some hundreds. */
const AT_ONCE = 50;
/** Time to give back what only the beginning needed. */
const SETTLE_MS = 2000;

export async function runIdle(order: Order, load: Load & { kind: "idle" }): Promise<Outcome> {
  const { target } = order;
  const meter = new Meter(order);
  const sockets: Socket[] = [];
  const failure = new Failure();
  const one = async () => {
    const socket = await open(target);
    sockets.push(socket);
    if (target.kind === "relay") await authenticate(socket, target, `msrp://a.invalid:2855/idle${sockets.length};tcp`);
    socket.on("close", () => failure.reject(new Error("a session was closed")));
    socket.resume();
  };
  const measure = async (): Promise<Outcome> => {
    while (sockets.length < load.sessions) {
      const count = Math.min(AT_ONCE, load.sessions - sockets.length);
      await Promise.all(Array.from({ length: count }, one));
    }
    await sleep(SETTLE_MS);
    meter.start();
    await sleep(order.seconds * 1000);
    return { ...meter.stop(), count: sockets.length, octets: 0 };
  };
  try {
    return await Promise.race([failure.promise, measure()]);
  } finally {
    for (const socket of sockets) socket.removeAllListeners("close").destroy();
  }
}
