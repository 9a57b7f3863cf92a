/**
 * A configuration file, read and checked.
 *
 * Every problem is found that can be: types and unknown keys by the schema, and, unless a type was so wrong that
 * nothing can be said, files, certificates and what one part says of another by `build.ts`.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { buildSettings } from "./build.ts";
import type { Pairs } from "./certificates.ts";
import { Complaints, type Context } from "./complaints.ts";
import { locate, type Path } from "./locate.ts";
import { inOrder, type Problem } from "./problem.ts";
import { type Environment, expandEnvironment, whyUnreadable } from "./references.ts";
import { schema, type Written } from "./schema.ts";
import type { Settings } from "./settings.ts";
import { parseYaml } from "./yaml.ts";

export interface Loaded {
  /** Present when none of the problems is an error. */
  readonly settings?: Settings;
  /** What the settings were made of, with the defaults of what was not written. Present with them. */
  readonly written?: Written;
  /** What is wrong with certificates in the files, which therefore stay as they are in use. */
  readonly forgiven?: readonly Problem[];
  /** The text of the file. Present when it could be read. */
  readonly source?: string;
  /** In the order of the file. */
  readonly problems: readonly Problem[];
}

export function loadSettings(file: string, env: Environment, now: number = Date.now()): Loaded {
  let source: string;
  try {
    source = readFileSync(file, "utf8").replace(/^\uFEFF/, ""); // editors put a byte order mark there, and show no column for it
  } catch (error) {
    return { problems: [{ severity: "error", path: [], text: `cannot read it: ${whyUnreadable(error)}` }] };
  }
  return { source, ...readSettings(source, dirname(resolve(file)), env, now) };
}

/** @param folder  what relative paths in the file start from */
export function readSettings(source: string, folder: string, env: Environment, now: number): Loaded {
  const parsed = parseYaml(source);
  if ("problem" in parsed) {
    const { line, column, text } = parsed.problem;
    const place = { line: Math.max(line, 1), column: Math.max(column, 1) };
    return { problems: [{ severity: "error", place, path: [], text }] };
  }
  if (parsed.value === null || parsed.value === undefined) {
    return { problems: [{ severity: "error", place: { line: 1, column: 1 }, path: [], text: "the file is empty" }] };
  }
  const complaints = new Complaints(locate(source));
  const checked = v.safeParse(schema, expandEnvironment(parsed.value, env, complaints));
  for (const issue of checked.issues ?? []) complain(complaints, issue);
  if (!checked.typed) return { problems: inOrder(complaints.problems) };
  return build(checked.output, { folder, now, complaints });
}

/**
 * Builds a configuration that has been read before once more, from its files as they are now.
 *
 * @param source  the text that its problems are about
 * @param kept    certificates in use, which stay where the files of one cannot be used; such a problem is forgiven
 */
export function readWritten(written: Written, source: string, folder: string, now: number, kept?: Pairs): Loaded {
  return build(written, { folder, now, complaints: new Complaints(locate(source)), ...(kept && { kept }) });
}

function build(written: Written, context: Context): Loaded {
  const settings = buildSettings(written, context);
  const problems = inOrder(context.complaints.problems);
  const { failed, forgiven } = context.complaints;
  return failed ? { problems } : { settings, written, problems, forgiven };
}

function complain(complaints: Complaints, issue: v.BaseIssue<unknown>): void {
  const path: Path = (issue.path ?? []).map((step) => step.key as string | number);
  const { message } = issue;
  if (message === "missing" || message.startsWith("unknown key")) complaints.keyError(path, message);
  else complaints.error(path, message);
}
