/**
 * Records in an SQLite file, which is made with its table when it is not there.
 *
 * `node:sqlite` writes in the relay's own thread. In WAL mode that is a write to the page cache, and the disk is waited
 * for now and then only; where even that is too much, a file of lines is the better choice. Several workers write to one file,
 * in turn: each says that it will write before it does, or SQLite would refuse whoever comes second without a wait.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Occurrence } from "../control/control.ts";
import type { Destination } from "./recorder.ts";
import { createTable, insertInto, valuesOf } from "./record-table.ts";

/** How long another program may hold the file (ms): longer would hold us. */
const BUSY_MS = 20;
/** The same at the start, when a sibling may be making the file and we have no clients yet. */
const BUSY_AT_START_MS = 1000;

export class RecordSqlite implements Destination {
  readonly #path: string;
  readonly #table: string;
  #open: { readonly database: DatabaseSync; readonly insert: StatementSync } | undefined;

  /** @param table  checked when the configuration was read */
  constructor(path: string, table: string) {
    this.#path = path;
    this.#table = table;
    this.#open = undefined;
    try {
      this.#open = this.#opened(BUSY_AT_START_MS);
    } catch {
      // The first record tries again, and whoever writes it tells why not.
    }
  }

  async write(records: readonly Occurrence[]): Promise<void> {
    const { database, insert } = (this.#open ??= this.#opened(BUSY_MS));
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const record of records) insert.run(...valuesOf(record));
      database.exec("COMMIT");
    } catch (error) {
      // Whatever it was, the next attempt begins anew.
      this.#open = undefined;
      database.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#open?.database.close();
    this.#open = undefined;
  }

  #opened(patience: number) {
    const database = new DatabaseSync(this.#path);
    try {
      // The wait first: the mode of a file that another is opening cannot be changed at once.
      database.exec(`PRAGMA busy_timeout = ${patience}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`);
      database.exec(`BEGIN IMMEDIATE; ${createTable("sqlite", `IF NOT EXISTS "${this.#table}"`)}; COMMIT`);
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      return { database, insert: database.prepare(insertInto("sqlite", `"${this.#table}"`, () => "?")) };
    } catch (error) {
      database.close();
      throw error;
    }
  }
}
