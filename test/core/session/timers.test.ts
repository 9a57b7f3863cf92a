import fc from "fast-check";
import { expect, test } from "vitest";
import { Timers } from "../../../core/session/timers.ts";

test("timers run in the order of their times, whatever the order they were set in", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ at: fc.nat(50), cancelled: fc.boolean() })), (wanted) => {
      const timers = new Timers();
      const ran: number[] = [];
      for (const { at, cancelled } of wanted) {
        const timer = timers.set(at, () => ran.push(at));
        if (cancelled) timers.cancel(timer);
      }
      while (timers.next !== Number.POSITIVE_INFINITY) timers.run(timers.next);
      const expected = wanted.filter(({ cancelled }) => !cancelled).map(({ at }) => at);
      expect(ran).toEqual(expected.toSorted((a, b) => a - b));
      expect(timers.size).toBe(0);
    }),
  );
});

test("a timer runs once, at its time, and is told the time", () => {
  const timers = new Timers();
  const ran: number[] = [];
  timers.set(100, (now) => ran.push(now));
  timers.run(99);
  expect(ran).toEqual([]);
  timers.run(130);
  timers.run(200);
  expect(ran).toEqual([130]);
});

test("a timer set by another for the same time runs in the same turn", () => {
  const timers = new Timers();
  const ran: string[] = [];
  timers.set(10, (now) => {
    ran.push("first");
    timers.set(now, () => ran.push("second"));
  });
  timers.run(10);
  expect(ran).toEqual(["first", "second"]);
});

test("canceling a timer that has run does no harm", () => {
  const timers = new Timers();
  const timer = timers.set(1, () => {});
  timers.run(1);
  timers.cancel(timer);
  timers.cancel(timer);
  expect(timers.size).toBe(0);
});

test("what was cancelled wakes nobody and is not kept, though a day lies before it", () => {
  const timers = new Timers();
  const kept = timers.set(86_400_000, () => {});
  for (let i = 0; i < 100_000; i++) timers.cancel(timers.set(3_600_000 + i, () => {}));
  expect(timers.size).toBeLessThan(200);
  expect(timers.next).toBe(kept.at);
  timers.cancel(kept);
  expect(timers.next).toBe(Number.POSITIVE_INFINITY);
});
