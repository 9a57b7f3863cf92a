/**
 * Records as rows of a table, in PostgreSQL, MySQL or MariaDB.
 *
 * Its columns are the fields of a record; docs/operating.md has the statement that makes it. A row is inserted once, however often
 * it is tried: its id is the key.
 */
import type { Database } from "../accounts/sql.ts";
import type { Occurrence } from "../control/control.ts";
import { columns, type Column } from "./record.ts";
import type { Destination } from "./recorder.ts";

/** What a column of text holds; clients choose names, and a row must not be refused for that. */
export const MOST_CHARACTERS = 255;

const names = Object.keys(columns) as Column[];
/** For each kind of database, what makes a second insertion of the same row do nothing. */
const again = {
  postgres: "ON CONFLICT (id) DO NOTHING",
  mysql: "ON DUPLICATE KEY UPDATE id = id",
  sqlite: "ON CONFLICT (id) DO NOTHING",
} as const;
export type TableKind = keyof typeof again;

export class RecordTable implements Destination {
  readonly #database: Database;
  readonly #insert: string;

  constructor(kind: TableKind, table: readonly string[], database: Database) {
    this.#database = database;
    this.#insert = insertInto(kind, table.map((part) => database.quote(part)).join("."), (at) =>
      database.parameter(at),
    );
  }

  async write(records: readonly Occurrence[]): Promise<readonly string[]> {
    const refused: string[] = [];
    for (const record of records) {
      try {
        await this.#database.query(this.#insert, valuesOf(record));
      } catch (error) {
        if (this.#database.judge(error) !== "DATA") throw error;
        refused.push(error instanceof Error ? error.message : String(error));
      }
    }
    return refused;
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

export function insertInto(kind: TableKind, table: string, parameter: (position: number) => string): string {
  const values = names.map((_, index) => parameter(index + 1)).join(", ");
  return `INSERT INTO ${table} (${names.join(", ")}) VALUES (${values}) ${again[kind]}`;
}

/** In the order of the columns, as every database reads them: times in UTC, without a zone. */
export function valuesOf({ fields }: Occurrence): string[] {
  return names.map((name) => {
    const value = String(fields[name] ?? "");
    if (columns[name] === "time") return value.replace("T", " ").replace("Z", "");
    // PostgreSQL has no NUL in texts, and both count code points.
    return columns[name] === "text" ? Array.from(value.replaceAll("\0", "")).slice(0, MOST_CHARACTERS).join("") : value;
  });
}

const types: Readonly<Record<TableKind, Readonly<Record<(typeof columns)[Column], string>>>> = {
  postgres: {
    uuid: "uuid PRIMARY KEY",
    text: "varchar(255) NOT NULL",
    number: "bigint NOT NULL",
    time: "timestamp(3) NOT NULL",
  },
  mysql: {
    uuid: "char(36) PRIMARY KEY",
    text: "varchar(255) NOT NULL",
    number: "bigint NOT NULL",
    time: "datetime(3) NOT NULL",
  },
  sqlite: { uuid: "text PRIMARY KEY", text: "text NOT NULL", number: "integer NOT NULL", time: "text NOT NULL" },
};

/** The statement that makes the table. */
export function createTable(kind: TableKind, table: string): string {
  const rows = names.map((name) => `  ${name} ${types[kind][columns[name]]}`);
  const set = kind === "mysql" ? " DEFAULT CHARSET utf8mb4" : "";
  return `CREATE TABLE ${table} (\n${rows.join(",\n")}\n)${set};`;
}
