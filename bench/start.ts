/**
 * How long parley takes from the start of its process until it listens: `node bench/start.ts dist/parley …`.
 *
 * Each program is started with an empty folder, where it makes its certificates first, and again with what it made; in
 * turns, so that whatever else the machine does falls on all of them. On the clock, and in CPU time (of all threads), which
 * is about what the clock says on a quiet machine.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { nanosecondsOnCpu } from "./load/processes.ts";

const ROUNDS = 15;

interface Start {
  /** In milliseconds. */
  readonly clock: number;
  readonly cpu: number;
}

const starts = new Map(
  process.argv.slice(2).map((program) => [program, { first: [] as Start[], again: [] as Start[] }]),
);
for (let round = 0; round < ROUNDS; round++) {
  for (const [program, { first, again }] of starts) {
    const folder = mkdtempSync(join(tmpdir(), "parley-start-"));
    first.push(await start(resolve(program), folder));
    again.push(await start(resolve(program), folder));
    rmSync(folder, { recursive: true });
  }
}
for (const [program, { first, again }] of starts) {
  const megabytes = (statSync(program).size / 1_000_000).toFixed(0);
  console.log(`${program}: ${megabytes} MB, first start ${inWords(first)}; again ${inWords(again)}`);
}

/** It prints its first line when all doors are open. */
async function start(program: string, cwd: string): Promise<Start> {
  const before = performance.now();
  const ports = folderIsNew(cwd) ? ["--port", "0", "--admin-port", "0"] : [];
  const child = spawn(program, ["serve", ...ports], { cwd, stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const took = { clock: performance.now() - before, cpu: nanosecondsOnCpu([child.pid as number]) / 1e6 };
  child.kill("SIGTERM");
  await once(child, "exit");
  return took;
}

function folderIsNew(folder: string): boolean {
  return statSync(join(folder, "parley-data"), { throwIfNoEntry: false }) === undefined;
}

function inWords(starts: readonly Start[]): string {
  const [clock, cpu] = [starts.map((one) => one.clock), starts.map((one) => one.cpu)];
  return `${middle(clock)} ms (at best ${Math.min(...clock).toFixed(0)}), CPU ${middle(cpu)} ms`;
}

function middle(values: number[]): string {
  return (values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0).toFixed(0);
}
