/**
 * A real relay in a process of its own, so that its memory can be told from that of the test.
 *
 * It ends when the test's process does, since it listens to the channel between them.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Counters } from "../../core/mod.ts";
import type { RelayOptions } from "./serve-relay.ts";

/** What the process says when it is asked. */
export interface RelayTold {
  readonly tlsPort: number;
  readonly plainPort: number;
  /** Memory it has now, and the most it ever had. */
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly connections: number;
  /** What all of them hold that the kernel has not taken. */
  readonly backlogBytes: number;
  readonly counters: Counters;
  /** Failed dials and caught bugs, in words. */
  readonly troubles: readonly string[];
}

export class RelayProcess {
  readonly tlsPort: number;
  readonly plainPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, told: RelayTold) {
    this.#child = child;
    this.tlsPort = told.tlsPort;
    this.plainPort = told.plainPort;
  }

  static async start(options: Omit<RelayOptions, "runtime">): Promise<RelayProcess> {
    // The flags this process runs with are for tests and would distort what is measured.
    const child = fork(fileURLToPath(new URL("relay-main.ts", import.meta.url)), { execArgv: [] });
    return new RelayProcess(child, await ask(child, options));
  }

  ask(): Promise<RelayTold> {
    return ask(this.#child, "how are you?");
  }

  async end(): Promise<void> {
    const { troubles } = await this.ask();
    this.#child.disconnect();
    await once(this.#child, "exit");
    if (troubles.length > 0) throw new Error(`the relay has had troubles:\n${troubles.join("\n")}`);
  }
}

function ask(child: ChildProcess, question: object | string): Promise<RelayTold> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      child.off("message", answered);
      child.off("exit", ended);
      done();
    };
    const answered = (told: unknown) => settle(() => resolve(told as RelayTold));
    const ended = (code: unknown) => settle(() => reject(new Error(`the relay has ended with ${String(code)}`)));
    child.on("message", answered);
    child.on("exit", ended);
    child.send(question);
  });
}
