/**
 * The command line, the same on every runtime: finds the command, and turns what happened into an exit code.
 *
 * 0: done. 1: it was tried and did not work. 2: the arguments make no sense.
 */
import { suggestion } from "../config/nearest.ts";
import type { Runtime } from "../shared/runtime.ts";
import { check } from "./check.ts";
import { type Command, helpFor, readArguments } from "./command.ts";
import { ping } from "./ping.ts";
import { receive } from "./receive.ts";
import { send } from "./send.ts";
import { serve } from "./serve.ts";
import { Refusal, type Terminal, UsageError } from "./terminal.ts";
import { user } from "./user.ts";
import { worker } from "./worker.ts";
import { VERSION } from "./version.ts";

const all: readonly Command[] = [serve, check, user, ping, send, receive, worker];
const commands = all.filter(({ hidden }) => hidden !== true);

export async function runProgram(runtime: Runtime, argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(runtime, argv, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`parley: ${error.message}`);
      const name = commands.some((command) => command.name === argv[0]) ? `${argv[0]} ` : "";
      terminal.err(`Try: parley ${name}--help`);
      return 2;
    }
    if (error instanceof Refusal) {
      terminal.err(`parley: ${error.message}`);
      return 1;
    }
    throw error; // a bug: its stack is worth more than a tidy line
  }
}

async function dispatch(runtime: Runtime, argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) throw new UsageError(`say what to do: ${commands.map((command) => command.name).join(", ")}`);
  if (name === "--version") {
    terminal.out(`parley ${VERSION} (${runtime.name})`);
    return 0;
  }
  if (name === "--help" || name === "help") {
    terminal.out(rest[0] === undefined ? overview() : helpFor(find(rest[0])));
    return 0;
  }
  const command = find(name);
  const given = readArguments(command, rest);
  if (given === "help") {
    terminal.out(helpFor(command));
    return 0;
  }
  return command.run(given, terminal, runtime);
}

function find(name: string): Command {
  const found = all.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = commands.map((command) => command.name);
  throw new UsageError(name.startsWith("-") ? `no flag ${name} here` : `no command ${name}${suggestion(name, names)}`);
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "parley: an MSRP relay (RFC 4975, RFC 4976)",
    "",
    "Usage: parley COMMAND …",
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "parley COMMAND --help says more; parley --version says which one this is.",
  ].join("\n");
}
