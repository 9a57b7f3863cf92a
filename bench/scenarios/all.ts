/** All scenarios, in the order in which they are run. */
import { auth } from "./auth.ts";
import { chain } from "./chain.ts";
import { chunks } from "./chunks.ts";
import { endless } from "./endless.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import type { Scenario } from "./scenario.ts";
import { smallMessages } from "./small.ts";
import { stall } from "./stall.ts";

export const scenarios: readonly Scenario[] = [
  ...smallMessages,
  ...latency,
  ...chunks,
  ...endless,
  ...auth,
  ...idle,
  ...stall,
  ...chain,
];

/** Those of the given names or groups; `small` means every small message, `small-256` that one. */
export function scenariosNamed(names: readonly string[]): Scenario[] {
  const known = new Set(scenarios.flatMap(({ name }) => [name, groupOf(name)]));
  const unknown = names.find((name) => name !== "all" && !known.has(name));
  if (unknown !== undefined) throw new RangeError(`no scenario ${unknown}; there are ${[...known].join(", ")}`);
  return scenarios.filter(({ name }) => ["all", name, groupOf(name)].some((word) => names.includes(word)));
}

function groupOf(name: string): string {
  return name.split("-")[0] as string;
}
