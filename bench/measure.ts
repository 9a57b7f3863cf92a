/** One measurement: a fresh subject on one core, the generator on another, and both gone at the end, whatever happens. */
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { Program } from "../test/support/program.ts";
import { until } from "../test/support/wait.ts";
import type { Order, Outcome } from "./load/order.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { type Certificates, pinned, Running, type Subject } from "./subjects/subject.ts";

const generator = fileURLToPath(new URL("load/main.ts", import.meta.url));
/** Beyond what a measurement should take: connecting thousands of sessions, draining, and a slow machine. */
const PATIENCE_MS = 180_000;

/** With a single core both share it, and the figures say little. */
const [relayCore, loadCore] = cpus().length > 1 ? [0, 1] : [undefined, undefined];

export interface Times {
  readonly seconds: number;
  readonly warmupSeconds: number;
}

export async function measure(
  subject: Subject,
  scenario: Scenario,
  times: Times,
  certificates: Certificates,
): Promise<Outcome> {
  const running = await Running.start(subject, scenario.wanted, certificates, relayCore);
  let before: Running | undefined;
  try {
    if (scenario.wanted.chain) before = await Running.start(subject, scenario.wanted, certificates, relayCore);
    const target = before === undefined ? running.target : { ...running.target, entry: before.target };
    const pids = [running, before].flatMap((one) => (one === undefined || one.pid === 0 ? [] : [one.pid]));
    return await generate({ target, load: scenario.load, pids, ...times });
  } catch (error) {
    const said = running.output.replace(/^pid \d+\n/, "");
    throw new Error(`${subject.name}, ${scenario.name}: ${(error as Error).message}\n${said}`, { cause: error });
  } finally {
    await before?.end();
    await running.end();
  }
}

async function generate(order: Order): Promise<Outcome> {
  const command = pinned([process.execPath, generator, JSON.stringify(order)], loadCore) as [string, ...string[]];
  const [program, ...args] = command;
  const load = new Program(program, args);
  try {
    await until(() => load.ended, "the generator to end", PATIENCE_MS);
    const outcome = /^outcome (.+)$/m.exec(load.output)?.[1];
    if (outcome === undefined) throw new Error(`the generator has no outcome:\n${load.output}`);
    return JSON.parse(outcome) as Outcome;
  } finally {
    await load.kill();
  }
}
