import { expect, test } from "vitest";
import { octetString, octets } from "../../../core/bytes/octets.ts";
import { Collector } from "../../../core/endpoint/collector.ts";

function gather(limit: number, ...pieces: [number, string][]): [string, boolean[]] {
  const collector = new Collector(limit);
  const took = pieces.map(([position, text]) => collector.put(position, octets(`>${text}<`), 1, text.length + 1));
  return [octetString(collector.octets), took];
}

test.each<[string, number, [number, string][], string, boolean[]]>([
  [
    "pieces in order",
    10,
    [
      [0, "abc"],
      [3, "def"],
    ],
    "abcdef",
    [true, true],
  ],
  [
    "pieces out of order",
    10,
    [
      [3, "def"],
      [0, "abc"],
    ],
    "abcdef",
    [true, true],
  ],
  [
    "of overlapping pieces the last stands (RFC 4975 §7.3.1)",
    10,
    [
      [0, "abcd"],
      [2, "XY"],
    ],
    "abXY",
    [true, true],
  ],
  [
    "up to the limit",
    6,
    [
      [0, "abc"],
      [3, "def"],
    ],
    "abcdef",
    [true, true],
  ],
  [
    "beyond the limit nothing",
    5,
    [
      [0, "abc"],
      [3, "def"],
    ],
    "abc",
    [true, false],
  ],
  ["nothing far behind it either", 5, [[4_000_000_000, "x"]], "", [false]],
])("a collector takes %s", (_, limit, pieces, expected, took) => {
  expect(gather(limit, ...pieces)).toEqual([expected, took]);
});
