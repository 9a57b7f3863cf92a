/**
 * The bench's generator finds what it is there to find. A smoke test: nothing is timed here.
 */
import { describe, expect, test } from "vitest";
import { measure } from "../../bench/measure.ts";
import { makeCertificates } from "../../bench/certificates.ts";
import { contentSlice, countEqual } from "../../bench/load/content.ts";
import type { Load } from "../../bench/load/order.ts";
import { scenarios, scenariosNamed } from "../../bench/scenarios/all.ts";
import { perSecond, plain, type Scenario, tls } from "../../bench/scenarios/scenario.ts";
import { nothing } from "../../bench/subjects/others.ts";
import { parley } from "../../bench/subjects/parley.ts";
import { onNode } from "../support/present.ts";

const times = { seconds: 0.3, warmupSeconds: 0.1 };

describe.runIf(onNode)("the bench's generator", () => {
  const loads: Record<string, Load> = {
    "small messages": { kind: "stream", bytes: 256, failureReport: "yes", sessions: 3, window: 4, rate: 0 },
    "messages nobody answers": { kind: "stream", bytes: 64, failureReport: "no", sessions: 2, window: 16, rate: 0 },
    "chunks that are cut by reads": {
      kind: "stream",
      bytes: 50_000,
      failureReport: "yes",
      sessions: 2,
      window: 4,
      rate: 0,
    },
    "a paced rate": { kind: "stream", bytes: 256, failureReport: "yes", sessions: 2, window: 64, rate: 500 },
    "an endless chunk": { kind: "endless", bytes: 4_000_000 },
    AUTHs: { kind: "auth", atOnce: 2 },
    "idle sessions": { kind: "idle", sessions: 20 },
    "a file beside chats": { kind: "shared", sessions: 2, rate: 100, bytes: 8_000_000 },
    "a stalled receiver": { kind: "stall", sessions: 1, rate: 100, bytes: 20_000_000 },
  };

  for (const [name, load] of Object.entries(loads)) {
    test(`carries ${name} through parley, and every octet arrives`, async () => {
      const certificates = await makeCertificates();
      const outcome = await measure(parley("node"), scenario(load), times, certificates);
      expect(outcome.count).toBeGreaterThan(0);
      if (load.kind === "endless") expect(outcome.octets).toBe(load.bytes);
    });
  }

  test("carries messages over TLS on both legs", async () => {
    const load = loads["small messages"] as Load;
    const outcome = await measure(parley("node"), { ...scenario(load), wanted: tls }, times, await makeCertificates());
    expect(outcome.octets).toBe(256 * outcome.count);
  });

  test.each(["small messages", "a file beside chats"])("carries %s along a chain of two relays", async (name) => {
    const chained = { ...scenario(loads[name] as Load), wanted: { ...plain, chain: true } };
    const outcome = await measure(parley("node"), chained, times, await makeCertificates());
    expect(outcome.octets).toBeGreaterThan(0);
  });

  test("runs against itself", async () => {
    const load = loads["small messages"] as Load;
    const outcome = await measure(nothing, scenario(load), times, await makeCertificates());
    expect(outcome.count).toBeGreaterThan(0);
  });
});

test("an octet that differs is found where it stands", () => {
  const copy = Buffer.from(contentSlice(1_000_000, 100_000));
  expect(countEqual(copy, 0, copy.length, 1_000_000)).toBe(100_000);
  copy[70_001] = (copy[70_001] as number) ^ 1;
  expect(countEqual(copy, 0, copy.length, 1_000_000)).toBe(70_001);
  expect(countEqual(copy, 10, 70_001, 1_000_010)).toBe(69_991);
});

test("every scenario has a name of its own and can be asked for by it", () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  for (const { name } of scenarios) expect(scenariosNamed([name]).map((found) => found.name)).toContain(name);
});

function scenario(load: Load): Scenario {
  return { name: "smoke", load, wanted: plain, suits: () => true, figures: [perSecond] };
}
