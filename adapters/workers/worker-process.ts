/**
 * One worker, as the supervisor sees it: a process of this same program that is started again when it ends.
 *
 * It ends by itself when its standard input does, so it never outlives the supervisor, however that came to its end.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Occurrence } from "../control/control.ts";
import { Asking } from "./asking.ts";
import { Lines } from "./lines.ts";
import type { Method, ToSupervisor, ToWorker } from "./messages.ts";

/** The program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

export type Listening = Extract<ToSupervisor, { type: "listening" }>;

/** How long (ms) a worker may take until it listens. */
const START_MS = 30_000;
/** How long (ms) one that was told to stop may take besides its patience before it is killed: records are written last. */
const GRACE_MS = 10_000;

/** What a worker says without being asked. */
export interface Told {
  occurred(occurrence: Occurrence): void;
  drained(): void;
}

export class WorkerProcess {
  readonly number: number;
  readonly #child: ChildProcess;
  readonly #lines: Lines<ToSupervisor, ToWorker>;
  readonly #asking: Asking;
  /** Resolves with how it ended: `SIGKILL`, `exit code 1`. */
  readonly ended: Promise<string>;
  /** Resolves when it listens; rejects with words for the operator when it ends before. */
  readonly listening: Promise<Listening>;

  /** @param told  hears what it says unasked, once it listens */
  constructor(number: number, command: Command, start: Extract<ToWorker, { type: "start" }>, told: Told) {
    const [program, ...args] = command;
    this.number = number;
    this.#asking = new Asking((message) => this.send(message));
    // What it logs goes where our own log goes.
    // Its number is for those who look at the list of processes.
    this.#child = spawn(program, [...args, String(number)], { stdio: ["pipe", "pipe", "inherit"] });
    const child = this.#child;
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      // Not `exit`: what it said last may still be in the pipe then.
      child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const { stdin, stdout } = child as ChildProcess & { stdin: NonNullable<ChildProcess["stdin"]> };
    let tell: (message: ToSupervisor) => void = () => {};
    this.#lines = new Lines(
      stdout as NonNullable<typeof stdout>,
      stdin,
      (message) => tell(message),
      () => this.kill(),
    );
    void this.ended.then(() => this.#asking.end());
    this.listening = new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`worker ${number} did not listen after ${START_MS / 1000} s`));
        this.kill();
      }, START_MS);
      tell = (message) => {
        clearTimeout(late);
        if (message.type === "failed") {
          reject(new Error(message.text));
          this.kill();
        } else if (message.type === "listening") resolve(message);
        tell = (said) => {
          if (said.type === "occurred") told.occurred(said.occurrence);
          else if (said.type === "drained") told.drained();
          else this.#asking.heard(said);
        };
      };
      void this.ended.then((how) => {
        clearTimeout(late);
        reject(new Error(`worker ${number} ended before it listened: ${how}`));
      });
    });
    this.listening.catch(() => {}); // whoever waits for it hears of it
    this.send(start);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToWorker): boolean {
    return this.#lines.send(message);
  }

  /** The worker is this same program: its answer has the type that Control says. */
  ask<T>(method: Method, ...args: unknown[]): Promise<T> {
    return this.#asking.ask(method, args) as Promise<T>;
  }

  trace(...trace: Parameters<Asking["trace"]>): ReturnType<Asking["trace"]> {
    return this.#asking.trace(...trace);
  }

  /** Asks it to end, and kills it when it does not. Resolves when it has gone. */
  async stop(patience: number): Promise<void> {
    this.send({ type: "stop", patience });
    const timer = setTimeout(() => this.kill(), patience + GRACE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
