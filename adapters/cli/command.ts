/**
 * How a command describes itself, and what becomes of the arguments people give it.
 *
 * `node:util` splits the arguments; we look at what it found, because a person who mistypes a flag wants to hear
 * which one was meant.
 */
import { parseArgs } from "node:util";
import { suggestion } from "../config/nearest.ts";
import type { Runtime } from "../shared/runtime.ts";
import { type Terminal, UsageError } from "./terminal.ts";

export interface Flag {
  /** Shown as `--name VALUE`; a flag without it is on or off. */
  readonly value?: string;
  readonly help: string;
}

export interface Command {
  readonly name: string;
  /** What follows the name in `Usage:`, one line for each way. */
  readonly usage: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs below `Usage:`; may be empty. */
  readonly about: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** Fewest and most arguments besides flags. */
  readonly positionals: readonly [number, number];
  /** Not for people. */
  readonly hidden?: boolean;
  run(given: Given, terminal: Terminal, runtime: Runtime): Promise<number>;
}

/** The arguments of a command, checked against its flags. */
export interface Given {
  readonly positionals: readonly string[];
  text(flag: string): string | undefined;
  /** Each value of a flag that may be given several times, in order. */
  all(flag: string): readonly string[];
  on(flag: string): boolean;
}

const helpFlag: Readonly<Record<string, Flag>> = { help: { help: "shows this" } };

/** @throws UsageError */
export function readArguments(command: Command, argv: readonly string[]): Given | "help" {
  const flags = { ...command.flags, ...helpFlag };
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? "boolean" : "string" } as const,
    ]),
  );
  const { tokens, positionals } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  const values = new Map<string, string | true>();
  const each = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (flag === undefined) {
      const guess = suggestion(token.name, Object.keys(flags)).replace("mean ", "mean --");
      throw new UsageError(`${command.name} has no flag ${token.rawName}${guess}`);
    }
    const value = valueOf(token, flag);
    values.set(token.name, value);
    if (typeof value === "string") each.set(token.name, [...(each.get(token.name) ?? []), value]);
  }
  if (values.has("help")) return "help";
  const [least, most] = command.positionals;
  if (positionals.length < least) throw new UsageError(`${command.name} needs more arguments`);
  if (positionals.length > most)
    throw new UsageError(`${command.name} does not know what to do with ${positionals[most]}`);
  return {
    positionals,
    all: (name) => each.get(name) ?? [],
    on: (name) => values.get(name) === true,
    text: (name) => {
      const value = values.get(name);
      return typeof value === "string" ? value : undefined;
    },
  };
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function valueOf({ rawName, value, inlineValue }: OptionToken, flag: Flag): string | true {
  if (flag.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} is on or off and takes no value`);
    return true;
  }
  // `--config --data x` is a forgotten value; whoever means it writes `--config=--data`.
  if (value === undefined || (inlineValue !== true && value.startsWith("--"))) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${flag.value}`);
  }
  return value;
}

/** The help text of one command. */
export function helpFor(command: Command): string {
  const usage = command.usage.map((line) => `parley ${command.name} ${line}`.trimEnd());
  const flags = Object.entries({ ...command.flags, ...helpFlag }).map(([name, { value, help }]) => [
    `--${name}${value === undefined ? "" : ` ${value}`}`,
    help,
  ]);
  const width = Math.max(...flags.map(([left = ""]) => left.length));
  const lines = flags.map(([left = "", right = ""]) => `  ${left.padEnd(width)}  ${right}`);
  const about = command.about === "" ? [] : [command.about, ""];
  return [`Usage: ${usage.join("\n       ")}`, "", ...about, ...lines].join("\n");
}
