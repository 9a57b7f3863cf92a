import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Few } from "../../../core/session/few.ts";

describe("a set of few", () => {
  it("is like any other set, whatever is done to it", () => {
    const step = fc.record({
      what: fc.constantFrom("add", "add", "delete", "clear"),
      member: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const few = new Few<number>();
        const set = new Set<number>();
        for (const { what, member } of steps) {
          if (what === "add") {
            few.add(member);
            set.add(member);
          } else if (what === "delete") expect(few.delete(member)).toBe(set.delete(member));
          else if (member === 0) {
            few.clear();
            set.clear();
          }
          expect([...few]).toEqual([...set]);
          expect(few.size).toBe(set.size);
          expect(few.has(member)).toBe(set.has(member));
        }
      }),
    );
  });
});
