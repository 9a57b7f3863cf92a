/** What has happened is told once, in order, and remembered within bounds. */
import { expect, test } from "vitest";
import type { Occurrence } from "../../adapters/control/control.ts";
import { Occurrences } from "../../adapters/control/occurrences.ts";

const happen = (occurrences: Occurrences, count = 1) => {
  for (let i = 0; i < count; i++) occurrences.add({ at: 0, type: "fault", text: "", fields: {} });
};

function follow(occurrences: Occurrences, after: number | undefined): { ids: number[]; stop: () => void } {
  const ids: number[] = [];
  const stop = occurrences.follow(after, ({ id }: Occurrence) => void ids.push(id));
  return { ids, stop };
}

test("whoever follows is told what happens from then on, until it has had enough", () => {
  const occurrences = new Occurrences(0);
  happen(occurrences, 2);
  const { ids, stop } = follow(occurrences, undefined);
  happen(occurrences, 2);
  stop();
  happen(occurrences);
  expect(ids).toEqual([2, 3]);
});

test("whoever comes back is told what it has not seen, once", () => {
  const occurrences = new Occurrences(0);
  happen(occurrences, 5);
  const { ids } = follow(occurrences, 2);
  happen(occurrences);
  expect(ids).toEqual([3, 4, 5]);
});

test("the last 4096 are remembered", () => {
  const occurrences = new Occurrences(0);
  happen(occurrences, 10_000);
  const { ids } = follow(occurrences, 5);
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([4096, 5904, 9999]);
});

test("ids of a program that was restarted are larger than those before, so an old id is behind all of them", () => {
  const before = new Occurrences(1_700_000_000_000);
  const old = follow(before, undefined);
  happen(before, 50);
  const after = new Occurrences(1_700_000_001_000);
  happen(after, 3);
  expect(follow(after, old.ids.at(-1)).ids).toHaveLength(3);
  expect(Number.isSafeInteger(follow(after, 0).ids[2])).toBe(true);
});

test("an id that was never given out keeps nothing back", () => {
  const occurrences = new Occurrences(0);
  happen(occurrences, 3);
  const { ids } = follow(occurrences, 1000);
  happen(occurrences);
  expect(ids).toEqual([3]);
});
