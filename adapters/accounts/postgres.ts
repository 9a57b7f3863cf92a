/** PostgreSQL, over `pg`. */
import pg from "pg";
import type { Database } from "./sql.ts";
import type { DatabaseSettings } from "./store.ts";
import { within } from "./within.ts";

/** A connection that nobody needs is closed after this time, in milliseconds. */
const IDLE = 60_000;
/** How long a farewell may take, in seconds. */
const FAREWELL_SECONDS = 1;

export class Postgres implements Database {
  readonly #pool: pg.Pool;

  constructor(settings: DatabaseSettings) {
    const { server, user, password, database, tls, connections, connectSeconds, querySeconds } = settings;
    this.#pool = new pg.Pool({
      ...server,
      user,
      // A function, so that no dump of the pool shows it, and that the environment is not asked for another.
      password: () => password ?? "",
      database,
      ssl:
        tls === undefined
          ? false
          : { rejectUnauthorized: true, ...(tls.ca.length === 0 ? {} : { ca: [...tls.ca] }), ...tls.own },
      max: connections,
      connectionTimeoutMillis: connectSeconds * 1000,
      query_timeout: querySeconds * 1000,
      idleTimeoutMillis: IDLE,
      allowExitOnIdle: true,
      keepAlive: true,
      application_name: "parley",
    });
    // Of connections that nobody uses just now: the pool opens others.
    this.#pool.on("error", () => {});
  }

  async query(text: string, values: readonly string[]): Promise<unknown[][]> {
    const query = { name: "parley-account", text, values: [...values], rowMode: "array" as const };
    const { rows } = await this.#pool.query<unknown[]>(query);
    return rows;
  }

  quote(identifier: string): string {
    return `"${identifier.replaceAll('"', '""')}"`;
  }

  parameter(position: number): string {
    return `$${position}`;
  }

  judge(error: unknown): "LOST" | "DATA" | "OTHER" {
    const { code = "", message = "" } = error as { code?: string; message?: string };
    // SQLSTATE 22: data exception, such as a character that the database's encoding does not have.
    if (/^22\w{3}$/.test(code)) return "DATA";
    // 57P01 to 57P03: the server stops or starts. 08: the connection.
    const lost =
      /^(57P0[123]|08\w{3}|ECONNRESET|EPIPE)$/.test(code) || /terminated unexpectedly|not queryable/.test(message);
    return lost ? "LOST" : "OTHER";
  }

  async close(): Promise<void> {
    await within(FAREWELL_SECONDS, this.#pool.end()).catch(() => {});
  }
}
