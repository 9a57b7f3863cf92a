import { stringify } from "@std/yaml";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { locate, type Path } from "../../adapters/config/locate.ts";

/** A source, a path in it, and `line:column` of its key and of its value. */
const places: readonly [string, string, Path, string, string][] = [
  ["a key", "hostname: x", ["hostname"], "1:1", "1:11"],
  ["a key below a comment", "# one\n\nhostname: x", ["hostname"], "3:1", "3:11"],
  ["a comment behind a value", "a: 1 # b: 2\nc: 3", ["c"], "2:1", "2:4"],
  ["a nested key", "limits:\n  idleSeconds: 5\n  connections: 6", ["limits", "connections"], "3:3", "3:16"],
  ["a key after a deeper one", "a:\n  b:\n    c: 1\nd: 2", ["d"], "4:1", "4:4"],
  ["a list under its key", "a:\n  - x\n  - y", ["a", 1], "3:5", "3:5"],
  ["a list as far left as its key", "a:\n- x\n- y\nb: 1", ["b"], "4:1", "4:4"],
  ["a map in a list", "a:\n  - name: x\n    url: y", ["a", 0, "url"], "3:5", "3:10"],
  ["a map in the second entry", "a:\n  - name: x\n  - name: y", ["a", 1, "name"], "3:5", "3:11"],
  ["a list in a list", "- - x\n  - y\n- z", [0, 1], "2:5", "2:5"],
  ["a flow map", "a: { b: 1, c: 2 }", ["a", "c"], "1:12", "1:15"],
  ["a flow map over lines", "a: {\n  b: 1, # one\n  c: 2,\n}\nd: 3", ["d"], "5:1", "5:4"],
  ["a flow list", 'a: [x, "y, z", w]', ["a", 2], "1:16", "1:16"],
  ["flow in flow", "a: { b: [ { c: 1 } ] }", ["a", "b", 0, "c"], "1:13", "1:16"],
  ["a pair in a flow list", "a: [b: 1, c]", ["a", 0, "b"], "1:5", "1:8"],
  ["a URL in flow style", "a: { url: msrps://0.0.0.0:2855, b: 1 }", ["a", "b"], "1:33", "1:36"],
  ["JSON without spaces", '{"a":{"b":[1,{"c":2}]}}', ["a", "b", 1, "c"], "1:15", "1:19"],
  ["a quoted key", "'it''s': 1\n\"b\\tc\": 2", ["b\tc"], "2:1", "2:9"],
  ["a colon inside a key", "a:b: 1\nc: 2", ["a:b"], "1:1", "1:6"],
  ["a hash inside a value", "a: x#y\nb: 1", ["b"], "2:1", "2:4"],
  ["below a literal", "a: |\n  b: 1\n\n  c: 2\nd: 3", ["d"], "5:1", "5:4"],
  ["below a folded list entry", "- >-\n  b: 1\n- d: 3", [1, "d"], "3:3", "3:6"],
  ["below a value of several lines", "a: one\n  two\n  three\nb: 1", ["b"], "4:1", "4:4"],
  ["below a quoted value of several lines", 'a: "one\n  b: 2\n  "\nb: 1', ["b"], "4:1", "4:4"],
  ["an anchored value", "a: &x\n  b: 1\nc: *x\nd: 2", ["a", "b"], "2:3", "2:6"],
  ["below an alias", "a: &x { b: 1 }\nc: *x\nd: 2", ["d"], "3:1", "3:4"],
  ["a tagged value", "a: !!str 5\nb: 1", ["a"], "1:1", "1:10"],
  ["an empty value", "a:\nb: 1", ["a"], "1:1", "1:1"],
  ["an empty value at the end", "a:\n  b:", ["a", "b"], "2:3", "2:3"],
  ["a document with a head", "%YAML 1.2\n---\na: 1", ["a"], "3:1", "3:4"],
  ["CRLF line ends", "a: 1\r\nb:\r\n  c: 2\r\n", ["b", "c"], "3:3", "3:6"],
  ["a number as a key", "1: x\n2: y", ["2"], "2:1", "2:4"],
  ["a key that is not there: its parent", "a:\n  b: 1", ["a", "c", "d"], "1:1", "2:3"],
  ["nothing that is there: the beginning", "a: 1", ["b"], "1:1", "1:1"],
  ["beneath a key we do not follow: the nearest above", "a:\n  ? [x, y]\n  : z\n", ["a", "x"], "1:1", "2:3"],
];

describe("the place of", () => {
  test.each(places)("%s", (_name, source, path, key, value) => {
    const found = locate(source);
    expect([found.key(path), found.value(path)].map(({ line, column }) => `${line}:${column}`)).toEqual([key, value]);
  });
});

/** Trees whose leaves are all different numbers, so that a leaf is known by its text. */
const trees = fc
  .letrec<{ tree: unknown; leaf: null; list: unknown[]; map: object }>((tie) => ({
    tree: fc.oneof({ maxDepth: 4, depthSize: "medium" }, tie("leaf"), tie("list"), tie("map")),
    leaf: fc.constant(null),
    list: fc.array(tie("tree"), { minLength: 1, maxLength: 4 }),
    map: fc.dictionary(fc.string({ minLength: 1, maxLength: 6, unit: "grapheme-ascii" }), tie("tree"), {
      minKeys: 1,
      maxKeys: 4,
    }),
  }))
  .map.map((map) => numbered(map, { next: 1000 }));

function numbered(tree: unknown, counter: { next: number }): unknown {
  if (Array.isArray(tree)) return tree.map((item) => numbered(item, counter));
  if (typeof tree !== "object" || tree === null) return (counter.next += 1);
  return Object.fromEntries(Object.entries(tree).map(([key, inner]) => [key, numbered(inner, counter)]));
}

function leaves(tree: unknown, path: Path = []): [Path, number][] {
  if (typeof tree === "number") return [[path, tree]];
  if (Array.isArray(tree)) return tree.flatMap((item, index) => leaves(item, [...path, index]));
  return Object.entries(tree as object).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

describe("every leaf of any tree is found where it was written", () => {
  const styles: [string, (tree: unknown) => string][] = [
    ["in block style", (tree) => stringify(tree)],
    ["as JSON", (tree) => JSON.stringify(tree)],
    ["as indented JSON", (tree) => JSON.stringify(tree, undefined, 2)],
  ];
  test.each(styles)("%s", (_name, write) => {
    fc.assert(
      fc.property(trees, (tree) => {
        const source = write(tree);
        const lines = source.split("\n");
        const found = locate(source);
        for (const [path, leaf] of leaves(tree)) {
          const { line, column } = found.value(path);
          expect(lines[line - 1]?.slice(column - 1)).toMatch(new RegExp(`^${leaf}\\b`));
        }
      }),
      { numRuns: 300 },
    );
  });
});
