/**
 * A relay in a process of its own, on whatever runtime this runs, for tests that look at its memory; see
 * `relay-process.ts`, which starts it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Runtime } from "../../adapters/shared/runtime.ts";
import type { RelayTold } from "./relay-process.ts";
import { type RelayOptions, type ServedRelay, serveRelay } from "./serve-relay.ts";

const name = process.versions.bun !== undefined ? "bun" : process.versions.deno !== undefined ? "deno" : "node";
// Not by a plain import: each adapter loads on its own runtime alone. The name is what `main.ts` of that folder takes.
const folder = (await import(`../../adapters/${name}/runtime.ts`)) as Readonly<Record<string, Runtime>>;
const runtime = folder[name] as Runtime;

let served: ServedRelay | undefined;
for await (const line of createInterface(process.stdin)) {
  served ??= await serveRelay({ ...(JSON.parse(line) as Omit<RelayOptions, "runtime">), runtime });
  process.stdout.write(`${JSON.stringify(tell(served))}\n`);
}
process.exit();

function tell({ bugs, dialFailures, plainPort, relay, tlsPort }: ServedRelay): RelayTold {
  return {
    tlsPort,
    plainPort,
    residentBytes: process.memoryUsage().rss,
    peakBytes: peak(),
    connections: relay.connections,
    backlogBytes: [...relay.state.connections].reduce((sum, { backlog }) => sum + backlog, 0),
    counters: relay.counters,
    troubles: [...dialFailures, ...bugs.map((bug) => (bug instanceof Error ? String(bug.stack) : String(bug)))],
  };
}

/**
 * From Linux itself where it can be had: the runtimes are not of one mind about the unit of maxRSS, and it can be made
 * to begin anew.
 */
function peak(): number {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    writeFileSync("/proc/self/clear_refs", "5");
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
