/**
 * Accounts in the table of a SIP server: `subscriber` of OpenSIPS and Kamailio as it is, or one like it.
 *
 * One prepared SELECT, whatever the database. Names of tables and columns are checked when the configuration is read and
 * quoted here; what a client sends is only ever a parameter. The database compares with the table's collation, to which
 * `ALICE` may be `alice`: so what it finds is compared again, since limits, logs and policy know users by their octets.
 *
 * A database that is down is asked again by us, with growing pauses, and not by the next client.
 */
import { clearTimeout, setTimeout } from "node:timers";
import type { Credential, DigestAlgorithm } from "../../core/mod.ts";
import { Breaker, PausedError } from "./breaker.ts";
import { isHash } from "./hashes.ts";
import type { AccountStore, Columns, DatabaseSettings, Report } from "./store.ts";
import { inWords } from "./words.ts";

/** Rows of one user that are looked at: a collation may find several. */
const MOST_ROWS = 8;

/** A kind of database: its dialect, its driver, its errors. */
export interface Database {
  /** @param text  always the same for one database, so that it is prepared once for a connection */
  query(text: string, values: readonly string[]): Promise<readonly (readonly unknown[])[]>;
  quote(identifier: string): string;
  /** @param position  counted from 1 */
  parameter(position: number): string;
  /**
   * `LOST`: the connection has gone, which says nothing about the next one. `DATA`: no row can have such a value.
   */
  judge(error: unknown): "LOST" | "DATA" | "OTHER";
  close(): Promise<void>;
}

export class SqlAccounts implements AccountStore {
  readonly #database: Database;
  readonly #columns: Columns;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #select: string;
  readonly #breaker: Breaker;
  #timer: NodeJS.Timeout | undefined;
  #closed: boolean;

  /** Connects to nobody yet. */
  constructor({ table, columns }: Pick<DatabaseSettings, "table" | "columns">, database: Database, report: Report) {
    this.#database = database;
    this.#columns = columns;
    this.#algorithms = Object.keys(columns.ha1) as DigestAlgorithm[];
    this.#select = select(table, columns, this.#algorithms, database);
    this.#timer = undefined;
    this.#closed = false;
    this.#breaker = new Breaker({
      paused: (pause, why, again) => {
        if (!again) report({ up: false, text: `does not answer: ${inWords(why)}; AUTH gets 500 until it does` });
        this.#askAgain(pause);
      },
      healed: (after) => report({ up: true, text: `answers again, after ${(after / 1000).toFixed(1)} s` }),
    });
  }

  find(username: string, realm: string): Promise<Credential | undefined> {
    return this.#breaker.run(() => this.#find(username, realm));
  }

  /** Whether there is such a database, with such a table. What fails now is asked again until it does not. */
  async probe(): Promise<void> {
    this.#breaker.beStrict();
    await this.find("", "");
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#database.close();
  }

  #askAgain(pause: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.find("", "").catch((error: unknown) => {
        // A client's question went first; how that ends is told to the breaker.
        if (error instanceof PausedError && this.#breaker.paused) this.#askAgain(pause);
      });
    }, pause);
    this.#timer.unref();
  }

  async #find(username: string, domain: string): Promise<Credential | undefined> {
    const values = this.#columns.domain === undefined ? [username] : [username, domain];
    const rows = await this.#query(values);
    const row = rows.find(([name, its]) => {
      const sameDomain = this.#columns.domain === undefined || textOf(its)?.toLowerCase() === domain;
      return textOf(name) === username && sameDomain;
    });
    return row === undefined ? undefined : this.#read(row);
  }

  /** A second time where the connection was lost: one that was idle may have ended without our knowing. */
  async #query(values: readonly string[]): Promise<readonly (readonly unknown[])[]> {
    const ask = () => this.#database.query(this.#select, values);
    try {
      return await ask().catch((error: unknown) => {
        if (this.#database.judge(error) !== "LOST") throw error;
        return ask();
      });
    } catch (error) {
      if (this.#database.judge(error) === "DATA") return [];
      throw error;
    }
  }

  /** Tables keep an empty text where there is nothing, and an empty password is none. */
  #read(row: readonly unknown[]): Credential | undefined {
    const values = row.slice(this.#columns.domain === undefined ? 1 : 2);
    const password = this.#columns.password === undefined ? undefined : textOf(values.shift());
    const ha1: { [algorithm in DigestAlgorithm]?: string } = {};
    for (const [index, algorithm] of this.#algorithms.entries()) {
      const hash = textOf(values[index])?.trim(); // CHAR(64) is filled up with blanks
      if (hash !== undefined && isHash(hash, algorithm)) ha1[algorithm] = hash.toLowerCase();
    }
    const known = { ...(password ? { password } : {}), ...(Object.keys(ha1).length > 0 ? { ha1 } : {}) };
    return Object.keys(known).length > 0 ? known : undefined;
  }
}

function select(
  table: readonly string[],
  { username, domain, password, ha1 }: Columns,
  algorithms: readonly DigestAlgorithm[],
  database: Database,
): string {
  const columns = [username, domain, password, ...algorithms.map((algorithm) => ha1[algorithm])];
  const quoted = columns.filter((column) => column !== undefined).map((column) => database.quote(column));
  const from = table.map((part) => database.quote(part)).join(".");
  const conditions = [username, domain]
    .filter((column) => column !== undefined)
    .map((column, index) => `${database.quote(column)} = ${database.parameter(index + 1)}`);
  return `SELECT ${quoted.join(", ")} FROM ${from} WHERE ${conditions.join(" AND ")} LIMIT ${MOST_ROWS}`;
}

/** Binary columns come as octets. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : undefined;
}
