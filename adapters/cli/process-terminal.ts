/** The terminal of the process we are. `node:process` is the same on all three runtimes. */
import { relative } from "node:path";
import process from "node:process";
import { shellWord } from "./shell-word.ts";
import { Refusal, type Terminal } from "./terminal.ts";

/**
 * @param compiled  are we one file that runs by itself, with the runtime in it?
 * @param flags  what the runtime needs to run a script as it runs us; null when we may not start programs
 */
export function processTerminal(compiled: boolean, flags: readonly string[] | null = process.execArgv): Terminal {
  // Whoever read our output may have gone (`parley serve | head`); a relay does not end because of that.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  return {
    env: process.env,
    cwd: process.cwd(),
    self: compiled ? shellWord(process.argv0) : ourselves(),
    again: flags === null ? undefined : [process.execPath, ...(compiled ? [] : [...flags, process.argv[1] ?? ""])],
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    columns: process.stderr.isTTY === true ? process.stderr.columns : undefined,
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    draw: (text) => void process.stderr.write(text),
    readSecret: (prompt) => (process.stdin.isTTY === true ? ask(prompt) : firstLine()),
    onStop(call) {
      process.on("SIGTERM", call);
      process.on("SIGINT", call);
      return () => {
        process.off("SIGTERM", call);
        process.off("SIGINT", call);
      };
    },
    onHangup(call) {
      process.on("SIGHUP", call);
      return () => void process.off("SIGHUP", call);
    },
    exit: (code) => process.exit(code),
  };
}

/** The npm script when npm started us, or else the line that would. The compiled file is called what it was called by. */
function ourselves(): string {
  const { bun, deno } = process.versions;
  if (process.env.npm_lifecycle_event !== undefined) {
    return `npm run parley${bun !== undefined ? ":bun" : deno !== undefined ? ":deno" : ""} --`;
  }
  const script = process.argv[1] ?? "";
  if (!script.endsWith(".ts")) return "parley";
  const runtime = bun !== undefined ? "bun" : deno !== undefined ? "deno run -A" : "node";
  const near = relative(process.cwd(), script);
  return `${runtime} ${near.length < script.length ? near : script}`;
}

async function firstLine(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  const [line = ""] = text.split(/\r?\n/);
  if (line === "") throw new Refusal("standard input is empty; a password is expected there");
  return line;
}

/** Reads a line key by key, since only so it stays unseen. */
function ask(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = "";
    const finish = () => {
      stdin.off("data", onKeys);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
    };
    const onKeys = (keys: string | Buffer) => {
      for (const key of String(keys)) {
        if (key === "\r" || key === "\n" || key === "\u0004") {
          finish();
          resolve(typed);
          return;
        }
        if (key === "\u0003") {
          finish();
          reject(new Refusal("interrupted"));
          return;
        }
        if (key === "\u007f" || key === "\b") typed = typed.replace(/.$/u, "");
        else if (key >= " ") typed += key;
      }
    };
    stdin.on("data", onKeys);
  });
}
