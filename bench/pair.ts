/**
 * Two checkouts of parley against each other on a machine that others use: `node bench/pair.ts --before FOLDER`.
 *
 * Both relays run all the time and the load goes to one and the other in turns of less than half a second. Whatever
 * disturbs the machine then disturbs both alike, and the median of the pairs' ratios is steady where figures are not.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeCertificates } from "./certificates.ts";
import type { Load } from "./load/order.ts";
import { family, nanosecondsOnCpu } from "./load/processes.ts";
import { openEnds, Session } from "./load/session.ts";
import { drained } from "./load/stream.ts";
import { scenariosNamed } from "./scenarios/all.ts";
import { parley, type RuntimeName } from "./subjects/parley.ts";
import { Running } from "./subjects/subject.ts";

const { values } = parseArgs({
  options: {
    before: { type: "string" },
    runtime: { type: "string", default: "node" },
    scenario: { type: "string", default: "small-256,chunks-10k" },
    turns: { type: "string", default: "30" },
    ms: { type: "string", default: "400" },
  },
});
if (values.before === undefined) throw new RangeError("--before FOLDER: the other checkout of parley");
/** Turns to warm up in. */
const WARM_UP = 4;

const certificates = await makeCertificates();
for (const runtime of values.runtime.split(",") as RuntimeName[]) {
  for (const { name, load, wanted } of scenariosNamed(values.scenario.split(","))) {
    if (load.kind !== "stream") throw new RangeError(`${name} is no stream of messages`);
    const subjects = [parley(runtime, "now"), parley(runtime, "before", values.before)];
    const running: Running[] = [];
    try {
      for (const subject of subjects) running.push(await Running.start(subject, wanted, certificates, 0));
      console.log(`${runtime} ${name}: ${await compare(running, load)}`);
    } finally {
      for (const one of running) await one.end();
    }
  }
}

async function compare(running: readonly Running[], load: Load & { kind: "stream" }): Promise<string> {
  const failed = (error: Error) => {
    throw error;
  };
  const sides: Side[] = [];
  for (const { target, pid } of running) {
    const sessions: Session[] = [];
    for (let i = 0; i < load.sessions; i++) {
      sessions.push(new Session(i, await openEnds(i, target, undefined), target, load, failed));
    }
    for (const session of sessions) session.send(1);
    await drained(sessions);
    sides.push({ sessions, pids: family(pid) });
  }
  const ratios: number[] = [];
  const rates: number[][] = [[], []];
  for (let turn = 0; turn < WARM_UP + Number(values.turns); turn++) {
    const order = turn % 2 === 0 ? [0, 1] : [1, 0];
    const rate = [0, 0];
    for (const side of order) rate[side] = await messagesPerCpuSecond(sides[side] as Side);
    if (turn < WARM_UP) continue;
    ratios.push((rate[0] as number) / (rate[1] as number));
    rates.forEach((all, side) => all.push(rate[side] as number));
  }
  for (const { sessions } of sides) for (const session of sessions) session.end();
  const quarter = (part: number) => at(ratios, part).toFixed(3);
  const [now, before] = rates.map((all) => Math.round(at(all, 0.5)));
  return `${quarter(0.5)} (quartiles ${quarter(0.25)}–${quarter(0.75)}); ${now} against ${before} messages per CPU second`;
}

interface Side {
  readonly sessions: readonly Session[];
  readonly pids: readonly number[];
}

async function messagesPerCpuSecond({ sessions, pids }: Side): Promise<number> {
  const delivered = () => sessions.reduce((sum, { receiver }) => sum + receiver.delivered, 0);
  const before = [delivered(), nanosecondsOnCpu(pids)] as const;
  for (const session of sessions) {
    session.running = true;
    session.pump();
  }
  await sleep(Number(values.ms));
  for (const session of sessions) session.running = false;
  await drained(sessions);
  return ((delivered() - before[0]) * 1e9) / (nanosecondsOnCpu(pids) - before[1]);
}

function at(unsorted: readonly number[], part: number): number {
  const sorted = [...unsorted].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
