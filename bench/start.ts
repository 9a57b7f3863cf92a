/**
 * How long parley takes from the start of its process until it listens: `node bench/start.ts dist/parley …`.
 *
 * Each program is started with an empty folder, where it makes its certificates first, and again with what it made; in
 * turns, so that whatever else the machine does falls on all of them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

const ROUNDS = 15;

const times = new Map(
  process.argv.slice(2).map((program) => [program, { first: [] as number[], again: [] as number[] }]),
);
for (let round = 0; round < ROUNDS; round++) {
  for (const [program, { first, again }] of times) {
    const folder = mkdtempSync(join(tmpdir(), "parley-start-"));
    first.push(await start(resolve(program), folder));
    again.push(await start(resolve(program), folder));
    rmSync(folder, { recursive: true });
  }
}
for (const [program, { first, again }] of times) {
  const megabytes = (statSync(program).size / 1_000_000).toFixed(0);
  console.log(`${program}: ${megabytes} MB, first start ${inWords(first)}, again ${inWords(again)}`);
}

/** In milliseconds. It prints its first line when all doors are open. */
async function start(program: string, cwd: string): Promise<number> {
  const before = performance.now();
  const child = spawn(program, ["serve", "--port", "0", "--admin-port", "0"].slice(0, folderIsNew(cwd) ? 5 : 1), {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const took = performance.now() - before;
  child.kill("SIGTERM");
  await once(child, "exit");
  return took;
}

function folderIsNew(folder: string): boolean {
  return statSync(join(folder, "parley-data"), { throwIfNoEntry: false }) === undefined;
}

function inWords(milliseconds: number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const [least = 0, median = 0, most = 0] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  return `${median.toFixed(0)} ms (${least.toFixed(0)} to ${most.toFixed(0)})`;
}
