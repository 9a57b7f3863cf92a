/** What a scenario is: prose, a load, and how its figures are read. */
import type { Load, Outcome } from "../load/order.ts";
import type { Subject, Wanted } from "../subjects/subject.ts";

export interface Scenario {
  /** As `--scenario` names it; the part before the first dash is its group, which can be named too. */
  readonly name: string;
  readonly load: Load;
  readonly wanted: Wanted;
  /** Can it be asked of this subject? A word why not is in the scenario's prose. */
  suits(subject: Subject): boolean;
  readonly figures: readonly Figure[];
  /** Seconds to measure, where the run's own number is of no use. */
  readonly seconds?: number;
}

export interface Figure {
  readonly name: string;
  of(outcome: Outcome): number | undefined;
  /** More of it is better; decides how a ratio reads. */
  readonly more: boolean;
}

export const plain: Wanted = { secure: false, keys: "p256" };
export const tls: Wanted = { secure: true, keys: "p256" };

export const relays = ({ kind }: Subject) => kind === "relay";
export const parleys = ({ name }: Subject) => name.startsWith("parley");
export const everybody = () => true;

const MEGA = 1e6;

/** Below a few ticks of the clock there is nothing to divide by. */
function perCpu(amount: number, { relayCpu }: Outcome): number | undefined {
  return relayCpu < 0.05 ? undefined : amount / relayCpu;
}

export const messagesPerCpu: Figure = {
  name: "messages per CPU second",
  of: (outcome) => perCpu(outcome.count, outcome),
  more: true,
};
export const megabytesPerCpu: Figure = {
  name: "MB per CPU second",
  of: (outcome) => perCpu(outcome.octets / MEGA, outcome),
  more: true,
};
export const authsPerCpu: Figure = { ...messagesPerCpu, name: "AUTHs per CPU second" };
export const perSecond: Figure = { name: "a second", of: ({ count, seconds }) => count / seconds, more: true };
export const megabytesPerSecond: Figure = {
  name: "MB a second",
  of: ({ octets, seconds }) => octets / MEGA / seconds,
  more: true,
};
export const p50: Figure = { name: "p50, ms", of: (outcome) => outcome.p50, more: false };
export const p99: Figure = { name: "p99, ms", of: (outcome) => outcome.p99, more: false };
export const cpuPercent: Figure = {
  name: "CPU, %",
  of: ({ relayCpu, seconds }) => (100 * relayCpu) / seconds,
  more: false,
};
export const kilobytesEach: Figure = {
  name: "KB per session",
  of: ({ memoryAfter, memoryBefore, count }) => (memoryAfter - memoryBefore) / 1024 / count,
  more: false,
};
export const memoryGrown: Figure = {
  name: "memory grown, MB",
  of: ({ memoryAfter, memoryBefore }) => (memoryAfter - memoryBefore) / MEGA,
  more: false,
};
export const swallowed: Figure = {
  name: "taken from its sender, MB",
  of: (outcome) => (outcome.swallowed === undefined ? undefined : outcome.swallowed / MEGA),
  more: false,
};
