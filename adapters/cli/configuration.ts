/** The configuration a command was told to use, with its problems printed as they are found. */
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type Loaded, loadSettings } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Settings } from "../config/settings.ts";
import type { Flag, Given } from "./command.ts";
import { Refusal, type Terminal, UsageError } from "./terminal.ts";

/** Where `parley serve` keeps everything when it is not told otherwise. */
export const DATA_FOLDER = "parley-data";
export const CONFIGURATION = "parley.yaml";

export const configurationFlags: Readonly<Record<string, Flag>> = {
  config: { value: "FILE", help: "the configuration" },
  data: { value: "DIR", help: `a data folder with a ${CONFIGURATION} in it (${DATA_FOLDER})` },
};

/** The data folder, unless a configuration was named. */
export function dataFolder(given: Given, terminal: Terminal): string | undefined {
  const [config, data] = [given.text("config"), given.text("data")];
  if (config !== undefined && data !== undefined) throw new UsageError("--config and --data exclude each other");
  return config === undefined ? resolve(terminal.cwd, data ?? DATA_FOLDER) : undefined;
}

/** The file that --config, --data or neither names. */
export function configurationFile(given: Given, terminal: Terminal): string {
  const folder = dataFolder(given, terminal);
  if (folder === undefined) return resolve(terminal.cwd, given.text("config") ?? "");
  const file = join(folder, CONFIGURATION);
  if (existsSync(file)) return file;
  throw new Refusal(`no configuration: there is no ${shortPath(file, terminal)} and no --config was given`);
}

/** Undefined when it has errors; everything found is printed to standard error either way. */
export function readConfiguration(file: string, terminal: Terminal): Settings | undefined {
  return loadConfiguration(file, terminal).settings;
}

/** The same, with what the settings were made of. */
export function loadConfiguration(file: string, terminal: Terminal): Loaded {
  const loaded = loadSettings(file, terminal.env);
  const name = shortPath(file, terminal);
  for (const problem of loaded.problems) terminal.err(formatProblem(name, problem));
  return loaded;
}

/** Relative to where the person is, when that is the shorter name. */
export function shortPath(path: string, terminal: Terminal): string {
  const near = relative(terminal.cwd, path);
  return near !== "" && near.length < path.length ? near : path;
}
