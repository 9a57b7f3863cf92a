/** From outcomes to what people read: medians, spread, ratios; a table and a chart. */
import type { Outcome } from "./load/order.ts";
import type { Machine } from "./machine.ts";
import type { Figure, Scenario } from "./scenarios/scenario.ts";

/** What one subject made of one scenario. */
export interface Result {
  readonly scenario: string;
  readonly subject: string;
  readonly outcomes: readonly Outcome[];
  readonly figures: Readonly<Record<string, Spread>>;
  /** Why there are fewer outcomes than rounds. */
  readonly failures: readonly string[];
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Report {
  readonly commit: string;
  readonly date: string;
  readonly machine: Machine;
  /** Before and after; on a machine that others use, ratios of one run say more than figures. */
  readonly loadAverage: readonly [number, number];
  readonly versions: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly rounds: number;
  readonly results: readonly Result[];
}

export function summarise(
  scenario: Scenario,
  subject: string,
  outcomes: readonly Outcome[],
  failures: readonly string[],
): Result {
  const figures: Record<string, Spread> = {};
  for (const figure of scenario.figures) {
    const values = outcomes.map((outcome) => figure.of(outcome)).filter((value) => value !== undefined);
    const spread = spreadOf(values);
    if (spread !== undefined) figures[figure.name] = spread;
  }
  const system = spreadOf(
    outcomes.filter(({ relayCpu }) => relayCpu > 0).map(({ relayCpu, relaySystem }) => (100 * relaySystem) / relayCpu),
  );
  if (system !== undefined) figures["in the kernel, %"] = system;
  const busy = outcomes.map(({ loadCpu, seconds }) => (100 * loadCpu) / seconds);
  const load = spreadOf(busy);
  if (load !== undefined) figures["generator CPU, %"] = load;
  return { scenario: scenario.name, subject, outcomes, figures, failures };
}

function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
  return { median, min: sorted[0] as number, max: sorted.at(-1) as number };
}

/** The table of one scenario: a row for each subject, and each of parley's first figures in relation to the others'. */
export function table(scenario: Scenario, results: readonly Result[]): string {
  const ours = results.filter(({ subject }) => subject.startsWith("parley"));
  const others = results.filter(({ subject }) => !subject.startsWith("parley"));
  const [first] = scenario.figures as [Figure];
  const columns = [...scenario.figures.map(({ name }) => name), "in the kernel, %", "generator CPU, %"];
  const rows = results.map((result) => [
    result.subject,
    ...columns.map((name) => spreadText(result.figures[name])),
    ...others.map((other) => (ours.includes(result) ? ratioText(result, other, first) : "")),
    result.failures.length > 0 ? `FAILED ${result.failures.length}×` : "",
  ]);
  const header = [scenario.name, ...columns, ...others.map(({ subject }) => `× ${subject}`), ""];
  return aligned([header, ...rows]);
}

export function figureOf(result: Result, figure: string): number | undefined {
  return result.figures[figure]?.median;
}

export function ratio(result: Result, other: Result, figure: string): number | undefined {
  const mine = figureOf(result, figure);
  const theirs = figureOf(other, figure);
  return mine === undefined || theirs === undefined || theirs === 0 ? undefined : mine / theirs;
}

function ratioText(result: Result, other: Result, figure: Figure): string {
  const found = ratio(result, other, figure.name);
  return found === undefined ? "–" : `${found.toFixed(2)}${figure.more ? "" : " (less is better)"}`;
}

function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return "–";
  const { median, min, max } = spread;
  return min === max ? short(median) : `${short(median)} (${short(min)}–${short(max)})`;
}

export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  if (size >= 1e3) return `${(value / 1e3).toFixed(2)} k`;
  return size >= 100 ? value.toFixed(0) : size >= 1 ? value.toFixed(1) : value.toFixed(3);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))))
    .map((row) => row.join("  ").trimEnd())
    .join("\n");
}
