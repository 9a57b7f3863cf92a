/** What is wrong with a configuration, as a person is told: one line, with the place in the file. */
import type { Path, Place } from "./locate.ts";

export interface Problem {
  /** A warning is printed and things go on. */
  readonly severity: "error" | "warning";
  /** Absent when the file itself could not be read. */
  readonly place?: Place | undefined;
  /** Empty for what concerns the whole file. */
  readonly path: Path;
  readonly text: string;
}

/** `parley.yaml:12:5  limits.idleSecond: unknown key, did you mean idleSeconds?` */
export function formatProblem(file: string, { severity, place, path, text }: Problem): string {
  const where = place === undefined ? file : `${file}:${place.line}:${place.column}`;
  const what = path.length === 0 ? text : `${dotted(path)}: ${text}`;
  return `${where}  ${severity === "warning" ? "warning: " : ""}${what}`;
}

/** `listeners[0].tls.cert`; keys that are no plain words, such as a user's name, in quotes. */
export function dotted(path: Path): string {
  return path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      return /^[\w-]+$/.test(step) ? `.${step}` : `.${JSON.stringify(step)}`;
    })
    .join("")
    .replace(/^\./, "");
}

/** Problems in the order of the file, so that people can go through it from the top. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const at = (problem: Problem) => (problem.place?.line ?? 0) * 1e6 + (problem.place?.column ?? 0);
  return [...problems].sort((one, other) => at(one) - at(other));
}
