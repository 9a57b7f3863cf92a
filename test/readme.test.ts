/** README says what an operator reads when a peer is refused: the same as core/faults.ts. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Consequence, faults } from "../core/mod.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

function row(code: string, { then, status, rfc, text }: Consequence): string {
  const follows = { answer: `${status}, and on`, close: "connection closed", ignore: "ignored" }[then];
  return `| \`${code}\` | ${text} | ${follows} | RFC ${rfc} |`;
}

test("README's table of faults is the one of core, line for line", () => {
  const written = readme.split("\n").filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  expect(written).toEqual(Object.entries(faults).map(([code, consequence]) => row(code, consequence)));
});
