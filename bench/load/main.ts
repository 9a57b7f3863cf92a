/**
 * The generator, a process of its own: `node bench/load/main.ts ORDER`, with the order in JSON; see order.ts.
 *
 * Prints the outcome as one line of JSON, or says on standard error what came otherwise than it should have.
 */
import process from "node:process";
import { runAuthStorm } from "./auth-storm.ts";
import { runEndless } from "./endless.ts";
import { runIdle } from "./idle.ts";
import type { Order, Outcome } from "./order.ts";
import { runShared } from "./shared.ts";
import { runStall } from "./stall.ts";
import { runStream } from "./stream.ts";

try {
  const outcome = await run(JSON.parse(process.argv[2] ?? "{}") as Order);
  console.log(`outcome ${JSON.stringify(outcome)}`);
  process.exit(0); // whatever is still open
} catch (error) {
  console.error(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(1);
}

function run(order: Order): Promise<Outcome> {
  const { load } = order;
  switch (load.kind) {
    case "stream":
      return runStream(order, load);
    case "endless":
      return runEndless(order, load);
    case "auth":
      return runAuthStorm(order, load);
    case "idle":
      return runIdle(order, load);
    case "shared":
      return runShared(order, load);
    case "stall":
      return runStall(order, load);
  }
}
