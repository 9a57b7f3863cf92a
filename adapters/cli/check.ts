/** `parley check FILE`: what is wrong in a configuration, with line and column. */
import { resolve } from "node:path";
import type { Command } from "./command.ts";
import { readConfiguration, shortPath } from "./configuration.ts";

export const check: Command = {
  name: "check",
  usage: ["FILE"],
  summary: "says what is wrong in a configuration, with line and column",
  about: "Reads the certificates and secrets that FILE names as well. Exits 1 when parley serve would refuse it.",
  flags: {},
  positionals: [1, 1],
  async run(given, terminal) {
    const file = resolve(terminal.cwd, given.positionals[0] ?? "");
    const settings = readConfiguration(file, terminal);
    if (settings === undefined) return 1;
    terminal.out(`${shortPath(file, terminal)} is fine`);
    return 0;
  },
};
