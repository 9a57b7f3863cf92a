/**
 * Thousands of random afternoons. Each is decided by its seed, which every failure names:
 *
 *     PARLEY_SIM_SEED=306 vitest run test/sim/random.test.ts      that one alone
 *     PARLEY_SIM_SEEDS=100000 vitest run test/sim/random.test.ts  more of them
 *
 * A seed that has failed once becomes a named test in seeds.test.ts.
 */
import { describe, expect, it } from "vitest";
import { type Findings, randomRun } from "./random-run.ts";

const only = process.env.PARLEY_SIM_SEED;
const seeds = Number(process.env.PARLEY_SIM_SEEDS ?? 1500);
const BLOCK = 100;

describe("nothing is lost in silence, doubled, reordered, changed or misled, and memory stays bounded", () => {
  if (only !== undefined) {
    it(`in seed ${only}`, () => void randomRun(Number(only)));
    return;
  }
  const sum: Findings = { messages: 0, arrived: 0, failed: 0, silent: 0, peak: 0 };
  for (let first = 1; first <= seeds; first += BLOCK) {
    const last = Math.min(first + BLOCK - 1, seeds);
    it(`in seeds ${first} to ${last}`, { timeout: 120_000 }, () => {
      for (let seed = first; seed <= last; seed++) {
        const found = randomRun(seed);
        sum.messages += found.messages;
        sum.arrived += found.arrived;
        sum.failed += found.failed;
      }
    });
  }

  it("though plenty happened", () => {
    expect(sum.messages).toBeGreaterThan(5 * seeds);
    expect(sum.arrived).toBeGreaterThan(0.8 * sum.messages);
    expect(sum.failed).toBeGreaterThan(0.02 * sum.messages);
  });
});
