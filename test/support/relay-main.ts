/** A relay in a process of its own, for tests that look at its memory; see `relay-process.ts`, which starts it. */
import process from "node:process";
import { node } from "../../adapters/node/runtime.ts";
import type { RelayTold } from "./relay-process.ts";
import { type RelayOptions, serveRelay } from "./serve-relay.ts";

process.once("disconnect", () => process.exit());
process.once("message", (options: Omit<RelayOptions, "runtime">) => void serve(options));

async function serve(options: Omit<RelayOptions, "runtime">): Promise<void> {
  const served = await serveRelay({ ...options, runtime: node });
  const tell = () => {
    const { bugs, dialFailures, plainPort, relay, tlsPort } = served;
    const told: RelayTold = {
      tlsPort,
      plainPort,
      residentBytes: process.memoryUsage.rss(),
      peakBytes: process.resourceUsage().maxRSS * 1024,
      connections: relay.connections,
      backlogBytes: [...relay.state.connections].reduce((sum, { backlog }) => sum + backlog, 0),
      counters: relay.counters,
      troubles: [...dialFailures, ...bugs.map((bug) => (bug instanceof Error ? String(bug.stack) : String(bug)))],
    };
    process.send?.(told);
  };
  process.on("message", tell);
  tell();
}
