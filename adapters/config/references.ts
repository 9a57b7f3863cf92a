/**
 * `${NAME}` and `file:`: how a configuration keeps secrets elsewhere.
 *
 * `${NAME}` stands for an environment variable in any text of the file; `$${` is a dollar and a brace. `file:` in
 * front of a path works where a secret is wanted, and means the file's content without its last line end.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Path } from "./locate.ts";
import type { Complaints } from "./complaints.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The same tree with every variable replaced. */
export function expandEnvironment(value: unknown, env: Environment, complaints: Complaints, path: Path = []): unknown {
  if (typeof value === "string") {
    return value.replace(/\$(\$\{)|\$\{([^}]*)\}/g, (whole, escaped: string | undefined, name: string) => {
      if (escaped !== undefined) return escaped;
      const found = env[name];
      if (found === undefined) complaints.error(path, `environment variable ${name} is not set`);
      return found ?? whole;
    });
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => expandEnvironment(item, env, complaints, [...path, index]));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, inner]) => [key, expandEnvironment(inner, env, complaints, [...path, key])]),
    );
  }
  return value;
}

/** A secret as it is, or what its file holds; undefined, with a complaint, when that cannot be had. */
export function readSecret(written: string, folder: string, complaints: Complaints, path: Path): string | undefined {
  if (!written.startsWith("file:")) return written;
  const content = readText(resolve(folder, written.slice("file:".length)), complaints, path)?.replace(/\r?\n$/, "");
  if (content === "") complaints.error(path, "the file is empty");
  return content === "" ? undefined : content;
}

/** A file named by the configuration. */
export function readText(file: string, complaints: Complaints, path: Path): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    complaints.error(path, `cannot read ${file}: ${whyUnreadable(error)}`);
    return undefined;
  }
}

/** Why the system would not give us a file, in words. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words: Record<string, string> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EISDIR: "it is a folder",
    ENOTDIR: "no such folder",
  };
  return words[code] ?? (error instanceof Error ? error.message : String(error));
}
