import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RangeSet } from "../../../core/endpoint/range-set.ts";

describe("a set of ranges", () => {
  test.each<[string, [number, number][], [number, number][]]>([
    [
      "chunks in order are one range",
      [
        [0, 4],
        [4, 8],
      ],
      [[0, 8]],
    ],
    [
      "a gap keeps them apart",
      [
        [0, 4],
        [5, 8],
      ],
      [
        [0, 4],
        [5, 8],
      ],
    ],
    [
      "the gap is filled",
      [
        [0, 4],
        [5, 8],
        [4, 5],
      ],
      [[0, 8]],
    ],
    [
      "a chunk before the first",
      [
        [4, 8],
        [0, 2],
      ],
      [
        [0, 2],
        [4, 8],
      ],
    ],
    [
      "overlaps at both ends",
      [
        [0, 4],
        [6, 10],
        [2, 8],
      ],
      [[0, 10]],
    ],
    [
      "one that swallows others",
      [
        [2, 3],
        [5, 6],
        [8, 9],
        [0, 20],
      ],
      [[0, 20]],
    ],
    [
      "one that is there already",
      [
        [0, 10],
        [3, 5],
      ],
      [[0, 10]],
    ],
    ["nothing", [[5, 5]], []],
  ])("%s", (_, added, expected) => {
    const set = new RangeSet(8);
    for (const [start, end] of added) expect(set.add(start, end)).toBe(true);
    expect(set.toArray()).toEqual(expected);
  });

  test("holds no more ranges than its bound, and says so", () => {
    const set = new RangeSet(2);
    expect([set.add(0, 1), set.add(10, 11), set.add(20, 21)]).toEqual([true, true, false]);
    expect(set.toArray()).toEqual([
      [0, 1],
      [10, 11],
    ]);
    expect(set.add(1, 20)).toBe(true);
    expect(set.count).toBe(1);
  });

  test("knows what a list of octets would know", () => {
    const range = fc.tuple(fc.nat(60), fc.nat(20));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), (ranges) => {
        const set = new RangeSet(1000);
        const there = Array.from({ length: 100 }, () => false);
        for (const [start, length] of ranges) {
          set.add(start, start + length);
          there.fill(true, start, start + length);
        }
        const gap = there.indexOf(false);
        expect(set.octets).toBe(there.filter(Boolean).length);
        expect(set.contiguous).toBe(gap);
        expect(set.end).toBe(there.lastIndexOf(true) + 1);
        for (const total of [0, gap, gap + 1]) expect(set.covers(total)).toBe(total <= gap);
        const edges = set.toArray().flat();
        expect(edges).toEqual([...new Set(edges)].sort((a, b) => a - b));
      }),
    );
  });
});
