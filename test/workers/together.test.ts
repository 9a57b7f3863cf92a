import { expect, test } from "vitest";
import type { MetricFamily } from "../../adapters/control/control.ts";
import { Together } from "../../adapters/workers/together.ts";

const counter = (value: number): MetricFamily => ({
  name: "frames",
  help: "",
  type: "counter",
  aggregator: "sum",
  values: [{ labels: {}, value }],
});
const gauge = (value: number): MetricFamily => ({ ...counter(value), name: "open", type: "gauge" });

async function read(together: Together): Promise<Record<string, unknown>> {
  const values = ({ name, values: [first] }: MetricFamily) => [name, (first as { value: number }).value];
  return Object.fromEntries((await together.all([])).map(values)) as Record<string, unknown>;
}

test("what workers count is added up", async () => {
  const together = new Together();
  together.heard(1, [counter(10), gauge(3)]);
  together.heard(2, [counter(5), gauge(4)]);
  expect(await read(together)).toEqual({ frames: 15, open: 7 });
});

test("a counter never goes back when workers die, and what they held open is gone", async () => {
  const together = new Together();
  together.heard(1, [counter(10), gauge(3)]);
  together.heard(2, [counter(5), gauge(4)]);
  together.died(1);
  expect(await read(together)).toEqual({ frames: 15, open: 4 });
  together.heard(1, [counter(2), gauge(1)]);
  expect(await read(together)).toEqual({ frames: 17, open: 5 });
  together.died(1);
  together.died(2);
  expect(await read(together)).toEqual({ frames: 17 });
});
