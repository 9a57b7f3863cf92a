/**
 * Programs that a test starts, and that are gone when it ends, however it ends.
 *
 * Each runs in a process group of its own under a shell that waits for its standard input to close: when the test's
 * process dies without a word, the pipe closes, and the program goes with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createConnection } from "node:net";
import { pause, until } from "./wait.ts";

/** Output kept for the message of a failed test. */
const KEPT_OUTPUT = 64 * 1024;
/** How long a program has to end by itself before it is killed. */
const PATIENCE_MS = 5_000;

export class Program {
  readonly name: string;
  /** Everything it has printed, the last part of it. */
  output: string;
  ended: boolean;
  readonly #child: ChildProcess;

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.name = command;
    this.output = "";
    this.ended = false;
    this.#child = spawn("/bin/sh", ["-c", GUARD, "sh", command, ...args], {
      detached: true, // its own process group
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output = (this.output + text).slice(-KEPT_OUTPUT);
      });
    }
    this.#child.stdin?.on("error", () => {});
    this.#child.on("error", (error) => {
      this.output += error.message;
    });
    // What a program that crashed has left behind goes with it.
    this.#child.on("exit", () => this.#killGroup());
    this.#child.on("close", () => {
      this.ended = true;
    });
  }

  /** Waits until something answers on a port of the loopback. */
  async answersOn(port: number): Promise<void> {
    const end = performance.now() + 15_000;
    while (!(await answers(port))) {
      if (this.ended) throw new Error(`${this.name} ended at once and said:\n${this.output}`);
      if (performance.now() > end) throw new Error(`${this.name} does not answer on port ${port}:\n${this.output}`);
      await pause(20);
    }
  }

  /** Ends it politely; kills it when it does not mind. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await until(() => this.ended, "", PATIENCE_MS).catch(() => this.kill());
  }

  /** Holds it still: its connections stay open, and nobody answers. */
  freeze(): void {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGSTOP");
  }

  /** Ends it without a word, as a crash would. */
  async kill(): Promise<void> {
    if (!this.ended) this.#killGroup();
    await until(() => this.ended, `the end of ${this.name}`);
  }

  #killGroup(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // Nobody was left in it.
    }
  }
}

/** Runs "$@" until it ends or our standard input does; kills it when it does not mind. */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ cat <&3; kill "$program"; sleep 5; kill -9 0; } >/dev/null 2>&1 &
wait "$program"
`;

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
