/**
 * Measures relays over real sockets: `npm run bench -- --help`.
 *
 * A scenario is run with every subject, then with every subject again, as many rounds as are asked for: A B C A B C.
 * Whatever disturbs the machine for a while then disturbs all of them. Figures are per CPU second of the subject, since
 * that is what a core can carry; the generator has a core of its own and says how busy it was.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makeCertificates } from "./certificates.ts";
import { chart } from "./chart.ts";
import type { Outcome } from "./load/order.ts";
import { goalsTable } from "./goals.ts";
import { commit, loadAverage, machine } from "./machine.ts";
import { measure } from "./measure.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { type Report, type Result, summarise, table } from "./report.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import type { Certificates, Subject } from "./subjects/subject.ts";

if (process.argv.includes("--help")) console.log(USAGE);
else if (process.argv[2] === "--readme") console.log(forReadme(process.argv[3] ?? ""));
else process.exitCode = await main(readOptions(process.argv.slice(2)));

/** What README says of a run that was kept. */
function forReadme(file: string): string {
  const report = JSON.parse(readFileSync(file, "utf8")) as Report;
  const { commit: at, date, machine: of, loadAverage: load, versions, rounds } = report;
  const measured = Object.entries(versions).map(([name, version]) => `${name} (${version})`);
  return [
    goalsTable(report),
    "",
    `Commit ${at}, ${date.slice(0, 10)}; ${of.cores} cores, ${of.memoryGigabytes} GB, Linux ${of.kernel}; medians of ${rounds} rounds, load`,
    `average ${load.join(" to ")}. Measured: ${measured.join(", ")}.`,
  ].join("\n");
}

async function main(options: Options): Promise<number> {
  const versions: Record<string, string> = {};
  for (const subject of options.subjects) {
    const version = subject.version();
    if (version === undefined) console.warn(`${subject.name} is not installed: left out`);
    else versions[subject.name] = version;
  }
  const present = options.subjects.filter(({ name }) => name in versions);
  const certificates = await makeCertificates();
  const { rounds, seconds, name } = options;
  const before = loadAverage();
  const results: Result[] = [];
  const [at, of] = [commit(), machine()];
  for (const scenario of options.scenarios) {
    const rows = await runScenario(scenario, present, options, certificates);
    results.push(...rows);
    console.log(`${table(scenario, rows)}\n`);
    const date = new Date().toISOString();
    const load = [before, loadAverage()] as const;
    // After every scenario, so that a run that is ended early leaves what it has found.
    const report: Report = { commit: at, date, machine: of, loadAverage: load, versions, seconds, rounds, results };
    if (name !== undefined) keep(name, report);
  }
  console.log(`Reached, what is wanted in brackets, bold where it is met:\n\n${goalsTable({ results })}\n`);
  const failures = results.flatMap((result) => result.failures);
  for (const failure of failures) console.error(`FAILED ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

async function runScenario(
  scenario: Scenario,
  present: readonly Subject[],
  { rounds, seconds, warmupSeconds }: Options,
  certificates: Certificates,
): Promise<Result[]> {
  const suited = present.filter((subject) => scenario.suits(subject));
  const outcomes = new Map<Subject, Outcome[]>(suited.map((subject) => [subject, []]));
  const failures = new Map<Subject, string[]>(suited.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of suited) {
      try {
        const times = { seconds: scenario.seconds ?? seconds, warmupSeconds };
        outcomes.get(subject)?.push(await measure(subject, scenario, times, certificates));
      } catch (error) {
        console.error((error as Error).message);
        // The rest is for whoever is watching, and names places on this machine.
        failures.get(subject)?.push((error as Error).message.split("\n").slice(0, 2).join(" "));
      }
    }
  }
  return suited.map((subject) =>
    summarise(scenario, subject.name, outcomes.get(subject) ?? [], failures.get(subject) ?? []),
  );
}

function keep(name: string, report: Report): void {
  const folder = new URL("results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = fileURLToPath(new URL(`${name}.json`, folder));
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
  // Files of the repository are formatted, and these may become such.
  spawnSync("npx", ["--no", "biome", "format", "--write", file]);
  writeFileSync(new URL(`${name}.svg`, folder), chart(report));
}
