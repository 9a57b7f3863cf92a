/**
 * YAML to plain values: the only place that knows which parser we use.
 *
 * The specifier is `@std/yaml`, which package.json maps to a package with the same `parse`; where JSR is reachable
 * one line there points it at the original. We use what both have: `parse`, and an error whose message says
 * `at line L, column C`. Neither tells where a value stood, so `locate.ts` finds that from the source.
 */
import { parse } from "@std/yaml";

/** What is wrong with the YAML itself. Line and column count from 1; 0 where the parser did not say. */
export interface SyntaxProblem {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export type Parsed = { readonly value: unknown } | { readonly problem: SyntaxProblem };

export function parseYaml(source: string): Parsed {
  try {
    return { value: parse(source) as unknown };
  } catch (error) {
    return { problem: problemIn(error instanceof Error ? error.message : String(error)) };
  }
}

/** The first line of the message says what and where; the lines below it draw the source, which people have open. */
function problemIn(message: string): SyntaxProblem {
  const place = /\s*\(?at line (\d+), column (\d+)\)?:?/.exec(message);
  const [first = ""] = message.split("\n");
  const text = (place === null ? first : first.replace(place[0], "")).trim();
  return { line: Number(place?.[1] ?? 0), column: Number(place?.[2] ?? 0), text: `not YAML: ${text}` };
}
