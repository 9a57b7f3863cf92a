/**
 * What is measured: a program that is started for one measurement and ended after it, on a core of its own.
 *
 * Every measurement gets a fresh process, so that none inherits another's memory, warm code or connections.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyPair } from "../../adapters/shared/runtime.ts";
import { whereIs } from "../../test/support/present.ts";
import { Program } from "../../test/support/program.ts";
import { freePort, pause } from "../../test/support/wait.ts";
import { family } from "../load/processes.ts";
import type { Target } from "../load/order.ts";

export type KeyKind = "p256" | "rsa2048";

/** How clients reach it. */
export interface Wanted {
  readonly secure: boolean;
  readonly keys: KeyKind;
  /** Two of it, one behind the other. */
  readonly chain?: boolean;
  /** Clients say nothing, and nobody waits behind the subject. */
  readonly silent?: boolean;
}

/** The certificates of a run; all of them are of one authority. */
export interface Certificates extends Record<KeyKind, KeyPair> {
  readonly ca: string;
}

/** A kind of subject. */
export interface Subject {
  readonly name: string;
  readonly kind: Target["kind"];
  /** As it says itself; undefined when it is not installed. */
  version(): string | undefined;
  /** What to run, with files written to `place.folder`. */
  command(place: Place): readonly [string, ...string[]];
  /** It has something to write when it ends, and is asked to end instead of killed. */
  readonly polite?: boolean;
}

/** What a command may use. */
export interface Place {
  readonly folder: string;
  readonly wanted: Wanted;
  readonly port: number;
  /** Of client B's listener. */
  readonly listenPort: number;
  readonly pair: KeyPair;
  readonly file: (name: string, text: string) => string;
}

export const USERNAME = "alice";
export const PASSWORD = "secret";

export class Running {
  readonly target: Target;
  readonly pid: number;
  readonly #program: Program | undefined;
  readonly #folder: string;
  readonly #polite: boolean;

  private constructor(target: Target, pid: number, program: Program | undefined, folder: string, polite = false) {
    this.target = target;
    this.pid = pid;
    this.#program = program;
    this.#folder = folder;
    this.#polite = polite;
  }

  /** @param core  to which it is bound; undefined leaves that to the system */
  static async start(
    subject: Subject,
    wanted: Wanted,
    certificates: Certificates,
    core: number | undefined,
  ): Promise<Running> {
    const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
    const port = await freePort();
    const listenPort = subject.kind === "self" ? port : await freePort();
    const pair = certificates[wanted.keys];
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const target: Target = {
      kind: subject.kind,
      port,
      listenPort,
      secure: wanted.secure,
      ca: certificates.ca,
      ...pair,
      authUri: `${wanted.secure ? "msrps" : "msrp"}://localhost:${port};tcp`,
      username: USERNAME,
      password: PASSWORD,
    };
    if (subject.kind === "self") return new Running(target, 0, undefined, folder);
    const command = subject.command({ folder, wanted, port, listenPort, pair, file });
    const program = new Program("/bin/sh", ["-c", 'echo "pid $$"; exec "$@"', "sh", ...pinned(command, core)]);
    try {
      await program.answersOn(port);
      const pid = Number(/^pid (\d+)$/m.exec(program.output)?.[1]);
      await settled(pid);
      return new Running(target, pid, program, folder, subject.polite);
    } catch (error) {
      await program.kill();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The last of what it printed, for when something went wrong. */
  get output(): string {
    return this.#program?.output.slice(-2000) ?? "";
  }

  async end(): Promise<void> {
    if (this.#polite) await this.#program?.stop();
    await this.#program?.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Some answer before they have started all of their processes, which are to be counted. */
async function settled(pid: number): Promise<void> {
  for (let known = 0, tries = 0; tries < 20; tries++) {
    const now = family(pid).length;
    if (now === known) return;
    known = now;
    await pause(300);
  }
}

export function pinned(command: readonly string[], core: number | undefined): string[] {
  const taskset = core === undefined ? undefined : whereIs("taskset");
  return taskset === undefined ? [...command] : [taskset, "-c", String(core), ...command];
}

/** The first line of what a program prints about itself, without the address it was got from. */
export function firstLine(text: string): string {
  return (text.trim().split("\n")[0] ?? "").replace(/ - https?:.*/, "").trim();
}
