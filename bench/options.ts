/** What `npm run bench -- …` understands. */
import { parseArgs } from "node:util";
import { scenariosNamed } from "./scenarios/all.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { haproxy, kamailio, nothing } from "./subjects/others.ts";
import { bare, parley, type RuntimeName, runtimes, severalWorkers } from "./subjects/parley.ts";
import type { Subject } from "./subjects/subject.ts";

export const USAGE = `npm run bench -- [options]
  --runtime node,bun,deno       parley on these (default: all three)
  --scenario small,chunks-10k   scenarios or groups of them, or all (default: small-256,chunks-10k)
  --against kamailio,haproxy    others that are measured beside it, where installed
  --workers 2                   the same with that many workers as well, all of them on the one core
  --bare                        the same runtimes copying octets, with nothing of ours: the floor
  --before FOLDER               another checkout of parley, beside this one
  --seconds 3 --warmup 3        of each measurement; a relay is warm when it has used as many CPU seconds
  --rounds 3                    measurements of each scenario and subject, interleaved
  --self                        the generator against itself as well: its ceiling
  --profile FOLDER              parley on Node writes CPU profiles there; its figures then count for nothing
  --readme FILE                 nothing is measured: what README says of a run, from its file in bench/results/
  --name NAME                   of the files in bench/results/; without it nothing is written`;

export interface Options {
  readonly subjects: readonly Subject[];
  readonly scenarios: readonly Scenario[];
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly rounds: number;
  readonly name: string | undefined;
}

const text = (value: string) => ({ type: "string", default: value }) as const;

export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      runtime: text(runtimes.join(",")),
      scenario: text("small-256,chunks-10k"),
      against: text(""),
      before: { type: "string" },
      seconds: text("3"),
      warmup: text("3"),
      rounds: text("3"),
      workers: { type: "string" },
      bare: { type: "boolean", default: false },
      self: { type: "boolean", default: false },
      profile: { type: "string" },
      name: { type: "string" },
    },
  });
  const names = words(values.runtime).map(runtimeNamed);
  const flags = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  return {
    subjects: [
      ...names.map((name) => parley(name, `parley ${name}`, undefined, name === "node" ? flags : [])),
      ...(values.before === undefined ? [] : names.map((name) => parley(name, `before ${name}`, values.before))),
      ...(values.workers === undefined
        ? []
        : names.map((name) => severalWorkers(name, positive("workers", values.workers ?? "")))),
      ...(values.bare ? names.map(bare) : []),
      ...words(values.against).map(otherNamed),
      ...(values.self ? [nothing] : []),
    ],
    scenarios: scenariosNamed(words(values.scenario)),
    seconds: positive("seconds", values.seconds),
    warmupSeconds: positive("warmup", values.warmup),
    rounds: positive("rounds", values.rounds),
    name: values.name,
  };
}

function words(list: string): string[] {
  return list.split(",").filter((word) => word !== "");
}

function runtimeNamed(name: string): RuntimeName {
  const found = runtimes.find((runtime) => runtime === name);
  if (found === undefined) throw new RangeError(`no runtime ${name}; there are ${runtimes.join(", ")}`);
  return found;
}

function otherNamed(name: string): Subject {
  const found = [kamailio, haproxy].find((other) => other.name === name);
  if (found === undefined) throw new RangeError(`nothing named ${name} to compare with; there are kamailio, haproxy`);
  return found;
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number > 0 && number < 1000)) throw new RangeError(`--${name} ${value} is no sensible number`);
  return number;
}
