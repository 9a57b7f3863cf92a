/**
 * Records as lines of JSON in a file, a new one when it is large or a period is over.
 *
 * The file is opened for each write, so whoever moves it away (logrotate) needs to tell nobody. A disk that is full takes
 * part of a write: then the rest of that very text is what is written next, so no line is cut for good and none is there
 * twice. A process that is killed may leave part of a line, which nobody goes on with: the next one begins a line of its
 * own, and the queue has the record still.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Buffer } from "node:buffer";
import type { Occurrence } from "../control/control.ts";
import type { Destination } from "./recorder.ts";

const HOUR = 3_600_000;
const NEWLINE = 0x0a;

export interface RecordFileSettings {
  readonly path: string;
  readonly rotate: {
    readonly bytes: number;
    /** Periods begin at midnight UTC, or so many hours after the one before. */
    readonly hours: number;
    /** How many files that are full are kept. */
    readonly keep: number;
  };
}

export class RecordFile implements Destination {
  readonly #settings: RecordFileSettings;
  /** What is left of the records that were begun, and the first of them. */
  #rest: Buffer;
  #begun: Occurrence | undefined;
  /** Is what stands in the file, if it ends within a line, somebody's who is gone? */
  #isFirst: boolean;

  constructor(settings: RecordFileSettings) {
    this.#settings = settings;
    this.#rest = Buffer.alloc(0);
    this.#begun = undefined;
    this.#isFirst = true;
  }

  async write(records: readonly Occurrence[]): Promise<void> {
    if (records[0] !== this.#begun) {
      this.#begun = records[0];
      this.#rest = Buffer.from(records.map(({ fields }) => `${JSON.stringify(fields)}\n`).join(""));
      await this.#rotate();
    }
    const { path } = this.#settings;
    const file = await this.#open();
    try {
      if (this.#isFirst && (await endsWithinLine(path))) await file.write("\n");
      this.#isFirst = false;
      while (this.#rest.length > 0) {
        const { bytesWritten } = await file.write(this.#rest, 0, this.#rest.length, null);
        this.#rest = this.#rest.subarray(bytesWritten);
      }
    } finally {
      await file.close();
    }
    this.#begun = undefined;
  }

  async close(): Promise<void> {}

  async #open(): Promise<FileHandle> {
    const { path } = this.#settings;
    try {
      return await open(path, "a", 0o640);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(dirname(path), { recursive: true });
      return open(path, "a", 0o640);
    }
  }

  /** Moves a file away that is full, or whose period is over. */
  async #rotate(): Promise<void> {
    const { path, rotate } = this.#settings;
    const now = Date.now();
    const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: now }));
    const period = (time: number) => Math.floor(time / (rotate.hours * HOUR));
    if (size === 0 || (size + this.#rest.length <= rotate.bytes && period(mtimeMs) === period(now))) return;
    // Sorted by name they are sorted by age.
    await rename(path, `${path}.${new Date(now).toISOString().replaceAll(/[:.]/g, "-")}`);
    const beginning = `${basename(path)}.2`;
    const full = (await readdir(dirname(path))).filter((name) => name.startsWith(beginning)).sort();
    for (const name of full.slice(0, Math.max(0, full.length - rotate.keep))) await rm(join(dirname(path), name));
  }
}

async function endsWithinLine(path: string): Promise<boolean> {
  const stats = await stat(path);
  if (!stats.isFile() || stats.size === 0) return false;
  // Whoever may write it may not be allowed to read it.
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, stats.size - 1);
    return buffer[0] !== NEWLINE;
  } finally {
    await file.close();
  }
}
