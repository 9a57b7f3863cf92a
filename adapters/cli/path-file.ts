/**
 * A file that says where to send to, for a `receive` and a `send` that share a disk.
 *
 * A URI that a relay gave out dies with the connection it was given on (RFC 4976 §6.3), so whoever comes back has
 * another. With SIP the peer would learn it in a re-INVITE; here it reads it in the file.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { whyUnreadable } from "../config/references.ts";
import type { Flag, Given } from "./command.ts";
import { givenUri } from "./hop.ts";
import { Break, Refusal, type Terminal, UsageError } from "./terminal.ts";

export const pathFileFlag = (help: string): Readonly<Record<string, Flag>> => ({
  "path-file": { value: "FILE", help },
});

/** The file that --path-file names, absolute. */
export function pathFileOf(given: Given, terminal: Terminal): string | undefined {
  const typed = given.text("path-file");
  return typed === undefined ? undefined : resolve(terminal.cwd, typed);
}

/** Puts a path in, in one step: nobody ever reads half of it. Only we may read it, since whoever knows it may send. */
export function writePath(file: string, path: string): void {
  const fresh = `${file}.${process.pid}`;
  try {
    writeFileSync(fresh, `${path}\n`, { mode: 0o600 });
    renameSync(fresh, file);
  } catch (error) {
    throw new Refusal(`cannot write ${file}: ${whyUnreadable(error)}`);
  }
}

/** @throws Refusal when it is not there, or holds no path */
export function readPath(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Break(`cannot read ${file}: ${whyUnreadable(error)}; is parley receive running?`);
  }
  try {
    const uris = text.trim().split(/\s+/).map(givenUri);
    return uris.map((uri) => uri.text).join(" ");
  } catch (error) {
    if (error instanceof UsageError) throw new Refusal(`${file} holds no path: ${error.message}`);
    throw error;
  }
}

export function removePath(file: string): void {
  rmSync(file, { force: true });
}
