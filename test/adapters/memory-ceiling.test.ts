/** limits.memoryMegabytes: what happens when there is more, and when there is enough again. */
import { afterEach, expect, test } from "vitest";
import { MemoryCeiling } from "../../adapters/shared/memory-ceiling.ts";

let ceiling: MemoryCeiling | undefined;
afterEach(() => ceiling?.stop());

function scene(idle: number) {
  const happened: string[] = [];
  let megabytes = 50;
  let left = idle;
  ceiling = new MemoryCeiling(
    100,
    {
      full: (isFull) => void happened.push(isFull ? "full" : "not full"),
      makeRoom: () => left-- > 0,
      tell: (event) => void happened.push(event),
    },
    () => megabytes * 1024 * 1024,
  );
  const look = (now: number) => {
    megabytes = now;
    ceiling?.look();
  };
  return { happened, look, closed: () => idle - Math.max(0, left) };
}

test("nothing happens below the ceiling", () => {
  const { happened, look, closed } = scene(10);
  for (const now of [50, 99, 100]) look(now);
  expect([happened, closed()]).toEqual([[], 0]);
});

test("above it nobody is let in and idle connections are closed, a few at a time, until there is enough room", () => {
  const { happened, look, closed } = scene(100);
  look(101);
  expect([happened, closed()]).toEqual([["full", "memoryFull"], 32]);
  look(120);
  expect(closed()).toBe(64);
  look(97); // not yet: it would go up and down
  expect(happened).toHaveLength(2);
  look(94);
  expect([happened, closed()]).toEqual([["full", "memoryFull", "not full", "memoryEnough"], 64]);
});

test("that nobody is idle is no reason to close those who are not", () => {
  const { look, closed } = scene(0);
  look(200);
  expect(closed()).toBe(0);
});

test("a ceiling that is taken away lets newcomers in", () => {
  const { happened, look } = scene(0);
  look(200);
  if (ceiling !== undefined) ceiling.megabytes = 0;
  look(200);
  expect(happened).toEqual(["full", "memoryFull", "not full", "memoryEnough"]);
});
