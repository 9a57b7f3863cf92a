/** The dashboard and the alert rules speak of metrics, labels and codes that there are. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "@std/yaml";
import { describe, expect, test } from "vitest";
import { families, type Family, metricNames } from "../../adapters/control/families.ts";
import { faults } from "../../core/faults.ts";
import { describeWith, program, whereIs } from "../support/present.ts";

const file = (name: string) => fileURLToPath(new URL(`../../packaging/${name}`, import.meta.url));

interface Expression {
  readonly where: string;
  readonly text: string;
  /** What is written with its labels in it. */
  readonly words: readonly string[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
const alerts = parse(readFileSync(file("prometheus/alerts.yaml"), "utf8")) as { groups: { rules: Rule[] }[] };
const rules = alerts.groups.flatMap((group) => group.rules);

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string; readonly refId: string }[];
}
const dashboard = JSON.parse(readFileSync(file("grafana/parley.json"), "utf8")) as {
  panels: Panel[];
  annotations: { list: { name: string; expr: string }[] };
};

const expressions: Expression[] = [
  ...rules.map(({ alert, annotations, expr }) => ({ where: alert, text: expr, words: Object.values(annotations) })),
  ...dashboard.panels.flatMap(({ targets = [], title }) =>
    targets.map(({ expr, legendFormat }) => ({ where: title, text: expr, words: [legendFormat] })),
  ),
  ...dashboard.annotations.list.map(({ expr, name }) => ({ where: name, text: expr, words: [] })),
];

/** Every label that the metrics of an expression have, and those that Prometheus adds. */
function labelsOf(text: string): Set<string> {
  const named = [...text.matchAll(/\bparley_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ""));
  const known: Readonly<Record<string, Family>> = families;
  return new Set(["instance", "job", "le", ...named.flatMap((name) => known[name]?.labels ?? [])]);
}

describe.each(expressions.map((one) => [one.where, one] as const))("%s", (_, { text, words }) => {
  test("names metrics that there are", () => {
    const names = [...text.matchAll(/\bparley_\w+/g)].map(([name]) => name);
    if (!/\bup\{/.test(text)) expect(names).not.toEqual([]);
    expect(names.filter((name) => !metricNames.has(name))).toEqual([]);
  });

  test("names labels that they have", () => {
    const grouped = [...text.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/,\s*/));
    const matched = [...text.matchAll(/\b(\w+)(?:=~|!~|!=|=)"/g)].map(([, name = ""]) => name);
    const shown = words.flatMap((word) =>
      [...word.matchAll(/\{\{\s*(?:\$labels\.)?([a-z]\w*)\s*\}\}/g)].map(([, name = ""]) => name),
    );
    const known = labelsOf(text);
    expect([...grouped, ...matched, ...shown].filter((label) => !known.has(label))).toEqual([]);
  });

  test("names codes that there are", () => {
    const codes = [...text.matchAll(/"([A-Z_|]+)"/g)].flatMap(([, list = ""]) => list.split("|"));
    expect(codes.filter((code) => code !== "OK" && !(code in faults))).toEqual([]);
  });
});

test("every family that is exported is on the dashboard or in a rule, or said to be of no interest there", () => {
  const all = expressions.map(({ text }) => text).join(" ");
  const unseen = Object.keys(families).filter((name) => !new RegExp(`\\b${name}(?:_bucket|_sum|_count)?\\b`).test(all));
  // Somebody who adds a family puts it on the dashboard, or here.
  expect(unseen.sort()).toEqual([
    "parley_account_cached_users",
    "parley_body_bytes_total", // parley_bytes_total has them with their heads
    "parley_build_info", // what the dashboard finds its instances by
    "parley_chunk_interrupts_total",
    "parley_policy_decisions_total", // few relays have one
    "parley_timers_fired_total",
  ]);
});

test("every alert has a severity, and says what it means and what to do", () => {
  for (const { alert, annotations, labels } of rules) {
    expect(alert).toMatch(/^Parley[A-Z]\w+$/);
    expect(["critical", "warning", "info"]).toContain(labels.severity);
    expect(annotations.summary).not.toBe("");
    expect(annotations.description).toMatch(/\.$|\?$/);
  }
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

test("no two panels of the dashboard are in each other's place, and ids are theirs alone", () => {
  const taken = new Set<string>();
  for (const { gridPos, title } of dashboard.panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.has(`${x},${y}`), title).toBe(false);
        taken.add(`${x},${y}`);
      }
    }
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  }
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
});

describeWith([program("promtool", "prometheus")], "promtool", () => {
  const check = (rulesFile: string) =>
    String(execFileSync(whereIs("promtool") ?? "promtool", ["check", "rules", rulesFile]));

  test("takes the rules", () => {
    expect(check(file("prometheus/alerts.yaml"))).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  test("takes every question of the dashboard", () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-promtool-"));
    try {
      const asked = expressions.map(({ text }) =>
        text.replace(/\$__(?:rate_)?interval/g, "5m").replaceAll("$instance", ".*"),
      );
      const recorded = [...new Set(asked)].map((expr, index) => ({ record: `dashboard:question${index}`, expr }));
      const questions = join(folder, "questions.yaml");
      // JSON is YAML as well.
      writeFileSync(questions, JSON.stringify({ groups: [{ name: "dashboard", rules: recorded }] }));
      expect(check(questions)).toContain(`SUCCESS: ${recorded.length} rules found`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
