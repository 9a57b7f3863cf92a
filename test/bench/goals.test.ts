/** A run says of each goal whether it was met; which goals there are is in bench/goals.ts. */
import { describe, expect, test } from "vitest";
import { goals, goalsTable, isMet } from "../../bench/goals.ts";
import type { Result } from "../../bench/report.ts";
import { scenarios } from "../../bench/scenarios/all.ts";

function result(scenario: string, subject: string, figure: string, median: number): Result {
  return { scenario, subject, outcomes: [], failures: [], figures: { [figure]: { median, min: median, max: median } } };
}

describe("goals", () => {
  test.each(goals)("$what: is a figure of a scenario", ({ scenario, figure }) => {
    const found = scenarios.find(({ name }) => name === scenario);
    expect(found?.figures.map(({ name }) => name)).toContain(figure);
  });

  test("are ratios of medians of the same run, bold where they are met", () => {
    const figure = "messages per CPU second";
    const results = [
      result("small-256", "parley bun", figure, 500_000),
      result("small-256", "parley node", figure, 100_000),
      result("small-256", "kamailio", figure, 50_000),
    ];
    expect(goalsTable({ results }).split("\n").slice(2)).toEqual([
      "| 256 octets, against Kamailio | **10** (10) | 2.0 (6) | – |",
    ]);
  });

  test("with an upper bound are met below it", () => {
    const results = [
      result("idle", "parley node", "KB per session", 7.5),
      result("idle", "parley bun", "KB per session", 12),
    ];
    expect(goalsTable({ results }).split("\n")[2]).toBe(
      "| KB of an idle session, 9,500 of them | 12 (8) | **7.5** (8) | – |",
    );
  });

  test("are met when they are just reached", () => {
    for (const goal of goals) expect(isMet(goal, 1, 1)).toBe(true);
  });
});
