/**
 * What is wanted of parley, and whether a run says that it is so. Ratios are of medians of one run: per CPU second of
 * the subject, against another program in the same scenario.
 */
import { figureOf, ratio, type Report } from "./report.ts";
import type { RuntimeName } from "./subjects/parley.ts";

export interface Goal {
  readonly what: string;
  readonly scenario: string;
  /** The figure as it is named in the scenario. */
  readonly figure: string;
  /** The other program, for ratios; absent: the figure itself. */
  readonly against?: string;
  /** Bun, Node and Deno, in this order; undefined where nothing is asked for. */
  readonly wanted: readonly [number | undefined, number | undefined, number | undefined];
  /** `least`: that much or more. `most`: that much or less. */
  readonly is: "least" | "most";
}

const messages = "messages per CPU second";
const megabytes = "MB per CPU second";

export const goals: readonly Goal[] = [
  ratioGoal("256 octets, against Kamailio", "small-256", messages, "kamailio", [10, 6, 3]),
  ratioGoal("256 octets over TLS, against Kamailio", "small-256-tls", messages, "kamailio", [8, 5, 2]),
  ratioGoal("10 KB, against haproxy", "chunks-10k", megabytes, "haproxy", [0.7, 0.4, 0.2]),
  ratioGoal("one chunk of 256 MB, against haproxy", "endless", megabytes, "haproxy", [0.9, 0.7, 0.25]),
  ratioGoal("10 KB over TLS, against haproxy", "chunks-10k-tls", megabytes, "haproxy", [0.75, 0.4, 0.15]),
  ratioGoal("AUTH over TLS, against Kamailio", "auth-tls", "AUTHs per CPU second", "kamailio", [1, 1, 0.5]),
  bound("p99 at 5,000 messages a second, ms", "latency", "p99, ms", [1, 1, undefined]),
  bound("KB of an idle session, 9,500 of them", "idle", "KB per session", [8, 8, 8]),
  bound("KB of an idle session with TLS, 1,000 of them", "idle-tls", "KB per session", [30, 30, 30]),
  bound("CPU of 9,500 idle sessions, %", "idle", "CPU, %", [1, 1, 1]),
  bound("taken from the sender of a stalled receiver, MB", "stall", "taken from its sender, MB", [4, 4, 4]),
  bound("p99 of the others meanwhile, ms", "stall", "p99, ms", [10, 10, 10]),
  bound("p99 of a chat beside a file on one connection, ms", "shared", "p99, ms", [10, 10, 10]),
];

function ratioGoal(what: string, scenario: string, figure: string, against: string, wanted: Goal["wanted"]): Goal {
  return { what, scenario, figure, against, wanted, is: "least" };
}

function bound(what: string, scenario: string, figure: string, wanted: Goal["wanted"]): Goal {
  return { what, scenario, figure, wanted, is: "most" };
}

/** Undefined when the run does not say. */
export function reached(goal: Goal, runtime: string, { results }: Pick<Report, "results">): number | undefined {
  const of = (subject: string) =>
    results.find((result) => result.scenario === goal.scenario && result.subject === subject);
  const mine = of(`parley ${runtime}`);
  if (mine === undefined) return undefined;
  if (goal.against === undefined) return figureOf(mine, goal.figure);
  const other = of(goal.against);
  return other && ratio(mine, other, goal.figure);
}

export function isMet({ is }: Goal, value: number, wanted: number): boolean {
  return is === "least" ? value >= wanted : value <= wanted;
}

/** A Markdown table: what was reached, what is wanted in brackets, bold where it is met. Goals the run is silent about are left out. */
export function goalsTable(report: Pick<Report, "results">): string {
  const order = ["bun", "node", "deno"] as const satisfies readonly RuntimeName[];
  const rows = goals.flatMap((goal) => {
    const values = order.map((runtime) => reached(goal, runtime, report));
    if (values.every((value) => value === undefined)) return [];
    const cells = values.map((value, i) => cell(goal, value, goal.wanted[i]));
    return [`| ${goal.what} | ${cells.join(" | ")} |`];
  });
  return ["| | Bun | Node | Deno |", "|---|---|---|---|", ...rows].join("\n");
}

function cell(goal: Goal, value: number | undefined, wanted: number | undefined): string {
  if (value === undefined) return "–";
  const text = value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);
  if (wanted === undefined) return text;
  return isMet(goal, value, wanted) ? `**${text}** (${wanted})` : `${text} (${wanted})`;
}
