/**
 * Accounts in an SQLite file, over `node:sqlite`, which all three runtimes have.
 *
 * The table keeps H(A1) for each algorithm and never the password. A running relay and `parley user` open the file at
 * the same time: write-ahead logging lets one read while the other writes, writers wait for each other, and the
 * schema is made or brought up to date inside one transaction, so two first starts cannot trip over each other.
 */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Credential } from "../../core/mod.ts";
import { hashPassword } from "./hashes.ts";
import type { AccountStore } from "./store.ts";

export interface Account {
  readonly username: string;
  readonly domain: string;
  /** When the password was last set, as ISO 8601 in UTC. */
  readonly changed: string;
}

/** How long a writer waits for another, in milliseconds, unless it is in more of a hurry. */
const PATIENCE = 5000;

/** `PRAGMA user_version` counts how many of these a file has seen. Add at the end, never change what is there. */
const migrations: readonly string[] = [
  `CREATE TABLE users (
     username TEXT NOT NULL,
     domain TEXT NOT NULL,
     ha1_md5 TEXT NOT NULL,
     ha1_sha256 TEXT NOT NULL,
     ha1_sha512_256 TEXT NOT NULL,
     changed TEXT NOT NULL,
     PRIMARY KEY (username, domain)
   ) WITHOUT ROWID`,
];

export class SqliteAccounts implements AccountStore {
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;

  /** Makes the file (readable by its owner only) if it is not there. @throws Error with words for the operator */
  constructor(path: string, patience = PATIENCE) {
    try {
      closeSync(openSync(path, "a", 0o600));
      this.#database = new DatabaseSync(path);
      this.#database.exec(`PRAGMA busy_timeout = ${patience}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
      migrate(this.#database);
    } catch (error) {
      throw new Error(
        `cannot use the account store ${path}: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    }
    this.#find = this.#database.prepare(
      "SELECT ha1_md5, ha1_sha256, ha1_sha512_256 FROM users WHERE username = ? AND domain = ?",
    );
  }

  async find(username: string, realm: string): Promise<Credential | undefined> {
    const row = this.#find.get(username, realm);
    if (row === undefined || row === null) return undefined;
    const ha1 = {
      MD5: String(row.ha1_md5),
      "SHA-256": String(row.ha1_sha256),
      "SHA-512-256": String(row.ha1_sha512_256),
    };
    return { ha1 };
  }

  /** False when there is such a user already. */
  add(username: string, domain: string, password: string): boolean {
    const ha1 = hashPassword(username, domain, password);
    const done = this.#database
      .prepare("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
      .run(username, domain, ha1.MD5, ha1["SHA-256"], ha1["SHA-512-256"], timestamp());
    return Number(done.changes) === 1;
  }

  /** False when there is no such user. */
  setPassword(username: string, domain: string, password: string): boolean {
    const ha1 = hashPassword(username, domain, password);
    const done = this.#database
      .prepare(
        "UPDATE users SET ha1_md5 = ?, ha1_sha256 = ?, ha1_sha512_256 = ?, changed = ? WHERE username = ? AND domain = ?",
      )
      .run(ha1.MD5, ha1["SHA-256"], ha1["SHA-512-256"], timestamp(), username, domain);
    return Number(done.changes) === 1;
  }

  /** False when there is no such user. */
  remove(username: string, domain: string): boolean {
    const done = this.#database.prepare("DELETE FROM users WHERE username = ? AND domain = ?").run(username, domain);
    return Number(done.changes) === 1;
  }

  /** By domain, then name. */
  list(): Account[] {
    const rows = this.#database.prepare("SELECT username, domain, changed FROM users ORDER BY domain, username").all();
    return rows.map(accountOf);
  }

  /** Those of one domain, by name, that come after a name. */
  page(domain: string, after: string, limit: number): Account[] {
    return this.#database
      .prepare(
        "SELECT username, domain, changed FROM users WHERE domain = ? AND username > ? ORDER BY username LIMIT ?",
      )
      .all(domain, after, limit)
      .map(accountOf);
  }

  /** What may be told of one. */
  account(username: string, domain: string): Account | undefined {
    const row = this.#database
      .prepare("SELECT username, domain, changed FROM users WHERE username = ? AND domain = ?")
      .get(username, domain);
    return row === undefined || row === null ? undefined : accountOf(row);
  }

  close(): void {
    this.#database.close();
  }
}

function accountOf(row: Readonly<Record<string, unknown>>): Account {
  return { username: String(row.username), domain: String(row.domain), changed: String(row.changed) };
}

function migrate(database: DatabaseSync): void {
  if (versionOf(database) === migrations.length) return; // and nothing is written, not even the same number
  // IMMEDIATE takes the write lock before the version is read again, so of two first starts one makes the table.
  database.exec("BEGIN IMMEDIATE");
  try {
    const version = versionOf(database);
    if (version > migrations.length) throw new Error(`it was made by a newer parley (schema ${version})`);
    for (const migration of migrations.slice(version)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

function timestamp(): string {
  return new Date().toISOString();
}
