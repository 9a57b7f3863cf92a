/**
 * What a webhook has yet to be told, in a file that outlives the program.
 *
 * The file holds JSON lines that are only ever appended to: an event, or how far delivery has come. Both are written when
 * the disk gets round to it, so nobody waits for one; what the last moment before a crash had not written is lost, and
 * what it had delivered and not yet noted is delivered again. The file is emptied when everything has been delivered.
 *
 * Every process has a file of its own, and takes over those of processes that are gone: two that hand over to each other
 * never write to the same one. Of several workers each has a queue of its own, so that no two take over the same file;
 * the first takes those of workers that there are no more.
 */
import { readFileSync, statSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Occurrence } from "./control.ts";

/** Events that may wait, and octets of them: some hours of a busy relay. */
const MOST_EVENTS = 10_000;
const MOST_OCTETS = 16 << 20;
/** The file is written anew when it holds this much that was delivered long ago. */
const LARGEST_FILE = 64 << 20;

/** Which of how many, where several processes have a queue of the same name. */
export interface Share {
  readonly worker: number;
  readonly of: number;
}

/** Of the times in /proc, on every Linux. */
const TICKS_A_SECOND = 100;

type Line = { readonly event: Occurrence } | { readonly done: number };

interface Waiting {
  readonly event: Occurrence;
  readonly octets: number;
}

export class WebhookQueue {
  readonly #file: string;
  readonly #trouble: (text: string) => void;
  readonly #waiting: Waiting[];
  #octets: number;
  /** Lines that are not in the file yet. */
  #unwritten: string;
  #fileOctets: number;
  #writing: Promise<void> | undefined;
  /** The disk refused, and that has been told: the file lacks some of what waits. */
  #failing: boolean;

  private constructor(file: string, left: readonly Occurrence[], trouble: (text: string) => void) {
    this.#file = file;
    this.#trouble = trouble;
    this.#waiting = [];
    this.#octets = 0;
    this.#unwritten = "";
    this.#fileOctets = 0;
    this.#writing = undefined;
    this.#failing = false;
    // The files of several processes may together hold more than has room: they were promised to be kept.
    for (const event of left) this.#keep(event, lineOf({ event }));
  }

  /**
   * @param trouble  told when the disk does not take what it should
   * @throws Error when the folder cannot be used
   */
  static async open(
    folder: string,
    name: string,
    trouble: (text: string) => void,
    share: Share = { worker: 1, of: 1 },
  ): Promise<WebhookQueue> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const abandoned = await filesLeft(folder, name, share);
    const left = (await Promise.all(abandoned.map(eventsIn))).flat().sort((one, other) => one.id - other.id);
    const queue = new WebhookQueue(join(folder, fileOf(name, share.worker)), left, trouble);
    await queue.#rewrite();
    for (const file of abandoned) if (file !== queue.#file) await rm(file, { force: true });
    return queue;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get first(): Occurrence | undefined {
    return this.#waiting[0]?.event;
  }

  /** False when there is no more room. */
  add(event: Occurrence): boolean {
    const line = lineOf({ event });
    if (this.#waiting.length >= MOST_EVENTS || this.#octets + line.length > MOST_OCTETS) return false;
    this.#keep(event, line);
    return true;
  }

  #keep(event: Occurrence, line: string): void {
    this.#waiting.push({ event, octets: line.length });
    this.#octets += line.length;
    this.#write(line);
  }

  /** The first ones, at most so many. */
  some(most: number): Occurrence[] {
    return this.#waiting.slice(0, most).map(({ event }) => event);
  }

  /** Would what waits be there after a crash? */
  get kept(): boolean {
    return !this.#failing;
  }

  /** The first has been delivered, or given up. */
  done(): void {
    const first = this.#waiting.shift();
    if (first === undefined) return;
    this.#octets -= first.octets;
    this.#write(lineOf({ done: first.event.id }));
  }

  /** Resolves when the file has everything. */
  async close(): Promise<void> {
    await this.#settled();
    // There may be room again.
    if (this.#failing && this.#waiting.length > 0) this.#write("");
    await this.#settled();
    if (this.#waiting.length === 0) await rm(this.#file, { force: true }).catch(() => {});
  }

  async #settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #write(line: string): void {
    this.#unwritten += line;
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
      if (this.#unwritten !== "") this.#write(""); // it came in the moment between
    });
  }

  async #flush(): Promise<void> {
    do {
      try {
        if (this.#waiting.length === 0) await this.#empty();
        else if (this.#failing || this.#fileOctets > LARGEST_FILE) await this.#rewrite();
        else await this.#append();
        this.#failing = false;
      } catch (error) {
        // What is in memory is delivered all the same; the next line tries again.
        this.#unwritten = "";
        if (this.#failing) return;
        this.#failing = true;
        this.#trouble(`${this.#file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
      }
    } while (this.#unwritten !== "");
  }

  async #append(): Promise<void> {
    const text = this.#unwritten;
    this.#unwritten = "";
    await appendFile(this.#file, text, { mode: 0o600 });
    this.#fileOctets += text.length;
  }

  async #empty(): Promise<void> {
    this.#unwritten = "";
    this.#fileOctets = 0;
    await truncate(this.#file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  }

  async #rewrite(): Promise<void> {
    this.#unwritten = "";
    const text = this.#waiting.map(({ event }) => lineOf({ event })).join("");
    this.#fileOctets = text.length;
    await writeFile(this.#file, text, { mode: 0o600 });
  }
}

function lineOf(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/** `billing.4711.jsonl`, and of another worker than the first `billing.2.4712.jsonl`: no name of a webhook has a dot. */
function fileOf(name: string, worker: number): string {
  return `${name}.${worker === 1 ? "" : `${worker}.`}${process.pid}.jsonl`;
}

/** Files of this webhook that no running process owns, ours of a program before us that had our number included. */
async function filesLeft(folder: string, name: string, { worker, of }: Share): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => {
      if (!file.startsWith(`${name}.`)) return false;
      const [, owner = "1", pid] = /^(?:(\d+)\.)?(\d+)\.jsonl$/.exec(file.slice(name.length + 1)) ?? [];
      if (pid === undefined) return false;
      const isOurs = Number(owner) === worker || (worker === 1 && Number(owner) > of);
      return isOurs && (Number(pid) === process.pid || !isRunning(Number(pid), join(folder, file)));
    })
    .map((file) => join(folder, file));
}

/** Does who wrote this file run still? In a container that was started again its number is soon somebody else's. */
function isRunning(pid: number, file: string): boolean {
  try {
    process.kill(pid, 0);
    const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    return !(startOf(pid) > written);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process (or a thread: they share the numbers) began, in Unix milliseconds; NaN where Linux does not tell. */
function startOf(pid: number): number {
  try {
    const [uptime] = readFileSync("/proc/uptime", "utf8").split(" ");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc(5): starttime is the 22nd, in ticks since the system began; the second, a name, may have blanks in it.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const age = Number(uptime) - Number(ticks) / TICKS_A_SECOND;
    return age < 0 ? Number.NaN : Date.now() - age * 1000; // a container may have an uptime of its own
  } catch {
    return Number.NaN;
  }
}

/** What was not delivered. A line that was cut off by a crash is passed over. */
async function eventsIn(file: string): Promise<Occurrence[]> {
  let events: Occurrence[] = [];
  for (const text of (await readFile(file, "utf8")).split("\n")) {
    const line = parse(text);
    if (line === undefined) continue;
    if ("event" in line) events.push(line.event);
    else events = events.slice(events.findIndex(({ id }) => id === line.done) + 1);
  }
  return events;
}

function parse(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line !== "object" || line === null) return undefined;
    if ("done" in line && typeof line.done === "number") return { done: line.done };
    const { event } = line as { event?: Partial<Occurrence> };
    return typeof event?.id === "number" && typeof event.type === "string" ? { event: event as Occurrence } : undefined;
  } catch {
    return undefined;
  }
}
