/**
 * What a test needs and a machine may not have: programs of other people, mostly.
 *
 * Where it is absent the tests are skipped aloud, each by name and with the reason. Where everything has to be there,
 * in `.ci/run` or with PARLEY_REQUIRE_ALL set, they fail instead, so that nothing is skipped for years unnoticed.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";

export interface Need {
  /** What is needed, and how one gets it. */
  readonly what: string;
  readonly found: boolean;
}

/** System programs that serve often stand where only an administrator's PATH leads. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/** Where a program stands; undefined when it is not installed. */
export function whereIs(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, program)).find(mayRun);
}

export function program(name: string, packages: string): Need {
  return { what: `${name} (Debian: apt-get install ${packages})`, found: whereIs(name) !== undefined };
}

/** Bun and Deno have a Node in them too; what is tested of them has files of its own in `test/runtime`. */
export const onNode = process.versions.bun === undefined && process.versions.deno === undefined;

/** Like `describe`, for tests that run on Node and not without all of `needs`. */
export function describeWith(needs: readonly Need[], name: string, tests: () => void): void {
  if (onNode) describeEverywhereWith(needs, name, tests);
  else describe.skip(`${name} (skipped: what it tests is the same on every runtime, and Node's run has it)`, tests);
}

/** The same on every runtime: for what our own code does there. */
export function describeEverywhereWith(needs: readonly Need[], name: string, tests: () => void): void {
  const missing = needs.filter(({ found }) => !found).map(({ what }) => what);
  if (missing.length === 0) {
    describe(name, tests);
  } else if (isSet("CI") || isSet("PARLEY_REQUIRE_ALL")) {
    describe(name, () => {
      it("has what it needs", () => expect(missing, "not on this machine").toEqual([]));
    });
  } else {
    const reason = `skipped for want of ${missing.join(", ")}`;
    console.warn(`${name}: ${reason}`);
    describe.skip(`${name} [${reason}]`, tests);
  }
}

function isSet(variable: string): boolean {
  return (process.env[variable] ?? "") !== "";
}

function mayRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
