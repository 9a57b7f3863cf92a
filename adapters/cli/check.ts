/** `parley check FILE`: what is wrong in a configuration, with line and column. */
import { resolve } from "node:path";
import { openStore } from "../accounts/open.ts";
import { inWords } from "../accounts/words.ts";
import { formatProblem } from "../config/problem.ts";
import type { Settings } from "../config/settings.ts";
import type { Command } from "./command.ts";
import { readConfiguration, shortPath } from "./configuration.ts";

export const check: Command = {
  name: "check",
  usage: ["FILE"],
  summary: "says what is wrong in a configuration, with line and column",
  about:
    "Reads the certificates and secrets that FILE names as well, and asks the databases whether they can be asked.\n" +
    "Exits 1 when parley serve would refuse it. A database that does not answer is a warning: serve would wait for it.",
  flags: {},
  positionals: [1, 1],
  async run(given, terminal) {
    const file = resolve(terminal.cwd, given.positionals[0] ?? "");
    const settings = readConfiguration(file, terminal);
    if (settings === undefined) return 1;
    for (const [name, why] of await silentDatabases(settings)) {
      const text = `cannot be asked now: ${why}`;
      terminal.err(formatProblem(shortPath(file, terminal), { severity: "warning", path: ["accounts", name], text }));
    }
    terminal.out(`${shortPath(file, terminal)} is fine`);
    return 0;
  },
};

/** Databases that do not answer, or have no such table; and why. */
async function silentDatabases({ accounts }: Settings): Promise<[string, string][]> {
  const silent: [string, string][] = [];
  for (const [name, described] of accounts) {
    if (described.type !== "postgres" && described.type !== "mysql") continue;
    const store = await openStore(described, () => {});
    await store.probe?.().catch((error: unknown) => silent.push([name, inWords(error)]));
    await store.close();
  }
  return silent;
}
