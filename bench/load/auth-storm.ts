/** Clients that connect, authenticate and leave, a number of them at any time. */
import { setTimeout as sleep } from "node:timers/promises";
import { authenticate } from "./authenticate.ts";
import { Meter } from "./meter.ts";
import type { Load, Order, Outcome } from "./order.ts";
import { Failure, open } from "./sockets.ts";

export async function runAuthStorm(order: Order, load: Load & { kind: "auth" }): Promise<Outcome> {
  const { target } = order;
  const meter = new Meter(order);
  const failure = new Failure();
  let done = 0;
  let running = true;
  const client = async () => {
    while (running) {
      const socket = await open(target);
      await authenticate(socket, target, `msrp://a.invalid:2855/auth${done};tcp`);
      done++;
      socket.on("error", () => {});
      socket.end();
      socket.resume();
    }
  };
  const clients = Array.from({ length: load.atOnce }, () => client().catch(failure.reject));
  const measure = async (): Promise<Outcome> => {
    await sleep(order.warmupSeconds * 1000);
    const before = done;
    meter.start();
    await sleep(order.seconds * 1000);
    const used = meter.stop();
    const count = done - before;
    running = false;
    await Promise.all(clients);
    return { ...used, count, octets: 0 };
  };
  try {
    return await Promise.race([failure.promise, measure()]);
  } finally {
    running = false;
  }
}
