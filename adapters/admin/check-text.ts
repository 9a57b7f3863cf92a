/**
 * A configuration that came over HTTP, checked as `parley check` would.
 *
 * It may name environment variables, and what is wrong with a value is often told by repeating it. Whoever may ask here
 * may not therefore read our environment, so a text that would show what a variable holds is replaced.
 */
import { readSettings } from "../config/load.ts";
import { dotted, type Problem } from "../config/problem.ts";
import type { Surroundings } from "./configuration.ts";

export interface Checked {
  readonly ok: boolean;
  readonly problems: readonly {
    readonly severity: "error" | "warning";
    readonly line?: number;
    readonly column?: number;
    readonly path: string;
    readonly text: string;
  }[];
}

/** Values shorter than this say nothing, and occur in any text. */
const SHORTEST_SECRET = 4;
/** As much of a value as a problem repeats at most; see `found` in config/shapes.ts. */
const REPEATED = 40;

export function checkText(text: string, { folder, env }: Surroundings): Checked {
  const asked = new Set<string>();
  const watched = new Proxy(env, {
    get: (target, name) => {
      const value = readable(() => Reflect.get(target, name) as string | undefined);
      if (typeof name === "string" && value !== undefined) asked.add(value);
      return value;
    },
  });
  const { settings, problems } = readSettings(text.replace(/^\uFEFF/, ""), folder, watched, Date.now());
  const secrets = [...asked].filter((value) => value.length >= SHORTEST_SECRET).map(beginning);
  return {
    ok: settings !== undefined,
    problems: problems.map(({ severity, place, path, text: words }: Problem) => ({
      severity,
      ...(place !== undefined && { line: place.line, column: place.column }),
      path: dotted(path),
      text: secrets.some((secret) => words.toLowerCase().includes(secret))
        ? "is wrong with the value of its environment variable; parley check on the machine itself says how"
        : words,
    })),
  };
}

/** Deno refuses what it was not started with; that is as if it were not set. */
function readable(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** How a problem would repeat it: as JSON does, cut off, and perhaps in lower case. */
function beginning(value: string): string {
  return JSON.stringify(value).slice(1, -1).slice(0, REPEATED).toLowerCase();
}
