/** Runs parley as people do: as a program, with its own process, standard streams and signals. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

/** How parley is started: the program, and what stands before our own arguments. */
export type Start = readonly [program: string, ...args: string[]];

const root = new URL("../..", import.meta.url).pathname;
export const starts = {
  node: [process.execPath, `${root}adapters/node/main.ts`],
  bun: [`${root}node_modules/.bin/bun`, `${root}adapters/bun/main.ts`],
  deno: denoWith("-A"),
} as const satisfies Record<string, Start>;

export function denoWith(...permissions: readonly string[]): Start {
  return [`${root}node_modules/.bin/deno`, "run", "--no-prompt", ...permissions, `${root}adapters/deno/main.ts`];
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const running = new Set<ChildProcess>();
const folders: string[] = [];

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that is gone after the test. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "parley-cli-"));
  folders.push(folder);
  return folder;
}

/** A parley that runs until it is told to stop. */
export class Parley {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  out = "";
  err = "";

  constructor(cwd: string, args: readonly string[], input = "", [program, ...before]: Start = starts.node) {
    // npm's variables would change how the program names itself.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
    this.#child = spawn(program, [...before, ...args], { cwd, env });
    running.add(this.#child);
    this.#child.stdout?.on("data", (chunk) => (this.out += String(chunk)));
    this.#child.stderr?.on("data", (chunk) => (this.err += String(chunk)));
    this.#child.stdin?.end(input);
    this.#ended = new Promise((resolve) => this.#child.on("close", (code) => resolve(code)));
  }

  /** What the pattern found in standard output (or error), as soon as it is there. */
  async says(pattern: RegExp, where: "out" | "err" = "out"): Promise<RegExpExecArray> {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
      const found = pattern.exec(this[where]);
      if (found !== null) return found;
      if (this.#child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no ${pattern} in:\n${this.out}\n${this.err}`);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(): Promise<Ran> {
    const code = await this.#ended;
    running.delete(this.#child);
    return { code, out: this.out, err: this.err };
  }
}

/** Runs a command to its end. */
export function parley(cwd: string, args: readonly string[], input?: string, start?: Start): Promise<Ran> {
  return new Parley(cwd, args, input, start).end();
}
