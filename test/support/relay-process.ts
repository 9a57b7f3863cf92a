/**
 * A real relay in a process of its own, on any runtime, so that its memory can be told from that of the test.
 *
 * They talk in lines of JSON over the standard streams, which every runtime has. It ends when the test's process does,
 * since that ends its standard input.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Counters } from "../../core/mod.ts";
import type { RelayOptions } from "./serve-relay.ts";

/** What the process says when it is asked. */
export interface RelayTold {
  readonly tlsPort: number;
  readonly plainPort: number;
  /** Memory it has now, and the most it had since it was last asked (on Linux; elsewhere ever). */
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly connections: number;
  /** What all of them hold that the kernel has not taken. */
  readonly backlogBytes: number;
  readonly counters: Counters;
  /** Failed dials and caught bugs, in words. */
  readonly troubles: readonly string[];
}

export type RuntimeName = "node" | "bun" | "deno";

const root = fileURLToPath(new URL("../..", import.meta.url));
const commands: Readonly<Record<RuntimeName, readonly [string, ...string[]]>> = {
  // The flags the test's process runs with are for tests and would distort what is measured.
  node: [process.execPath],
  bun: [`${root}node_modules/.bin/bun`],
  deno: [`${root}node_modules/.bin/deno`, "run", "-A"],
};

/** A question that takes longer has been put to a process that is stuck. */
const PATIENCE_MS = 20_000;

export class RelayProcess {
  readonly runtime: RuntimeName;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  #ports: { readonly tls: number; readonly plain: number };

  private constructor(runtime: RuntimeName) {
    const [program, ...args] = commands[runtime];
    this.runtime = runtime;
    this.#child = spawn(program, [...args, `${root}test/support/relay-main.ts`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdin.on("error", () => {});
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#ports = { tls: 0, plain: 0 };
  }

  static async start(options: Omit<RelayOptions, "runtime">, runtime: RuntimeName = "node"): Promise<RelayProcess> {
    const relay = new RelayProcess(runtime);
    const { tlsPort, plainPort } = await relay.#say(options);
    relay.#ports = { tls: tlsPort, plain: plainPort };
    return relay;
  }

  get tlsPort(): number {
    return this.#ports.tls;
  }

  get plainPort(): number {
    return this.#ports.plain;
  }

  ask(): Promise<RelayTold> {
    return this.#say("how are you?");
  }

  async end(): Promise<void> {
    const { troubles } = await this.ask();
    const exit = once(this.#child, "exit");
    this.#child.stdin.end();
    await exit;
    if (troubles.length > 0) throw new Error(`the relay has had troubles:\n${troubles.join("\n")}`);
  }

  /** One question at a time. */
  async #say(question: object | string): Promise<RelayTold> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MS);
    const { value, done } = await this.#answers.next();
    clearTimeout(patience);
    if (done)
      throw new Error(`the relay on ${this.runtime} has ended: ${this.#child.signalCode ?? this.#child.exitCode}`);
    return JSON.parse(value) as RelayTold;
  }
}
