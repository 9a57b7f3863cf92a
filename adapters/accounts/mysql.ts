/** MySQL and MariaDB, over `mysql2`. */
import mysql from "mysql2/promise";
import type { Database } from "./sql.ts";
import type { DatabaseSettings } from "./store.ts";
import { within } from "./within.ts";

/** How long a farewell may take, in seconds. */
const FAREWELL_SECONDS = 1;
/** Who waits for a connection; each gives up after `connectSeconds`. */
const MOST_WAITING = 4096;

export class Mysql implements Database {
  readonly #pool: mysql.Pool;
  readonly #connectSeconds: number;
  readonly #querySeconds: number;

  constructor(settings: DatabaseSettings) {
    const { server, user, password, database, tls, connections, connectSeconds, querySeconds } = settings;
    this.#connectSeconds = connectSeconds;
    this.#querySeconds = querySeconds;
    this.#pool = mysql.createPool({
      ...(server.host.startsWith("/") ? { socketPath: server.host } : server),
      user,
      password: password ?? "",
      database,
      ...(tls === undefined
        ? {}
        : {
            ssl: {
              rejectUnauthorized: true,
              verifyIdentity: true, // or any certificate of these authorities would do
              minVersion: "TLSv1.2",
              ...(tls.ca.length === 0 ? {} : { ca: [...tls.ca] }),
              ...tls.own,
            },
          }),
      connectionLimit: connections,
      queueLimit: MOST_WAITING,
      connectTimeout: connectSeconds * 1000,
      charset: "utf8mb4",
      rowsAsArray: true,
      disableEval: true, // rows are few and small: no code is made for them
      enableKeepAlive: true,
    });
    // The pool listens to the first error of a connection only, and one that nobody hears ends the process.
    this.#pool.pool.on("connection", (connection) => connection.on("error", () => {}));
  }

  /**
   * The driver's own time-out does not cover the preparing of a statement, so the time is ours, and a connection that
   * has failed in any way is not used again.
   */
  async query(text: string, values: readonly string[]): Promise<unknown[][]> {
    const acquired = this.#pool.getConnection();
    const connection = await within(this.#connectSeconds, acquired, (late) => late.release());
    try {
      const asked = connection.execute<mysql.RowDataPacket[][]>(text, [...values]);
      const [rows] = await within(this.#querySeconds, asked);
      connection.release();
      return rows;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  quote(identifier: string): string {
    return `\`${identifier.replaceAll("`", "``")}\``;
  }

  parameter(): string {
    return "?";
  }

  judge(error: unknown): "LOST" | "DATA" | "OTHER" {
    const { code = "" } = error as { code?: string };
    // A character that the column's character set does not have.
    if (/^ER_(CANT_AGGREGATE_2COLLATIONS|CANNOT_CONVERT_STRING|CANNOT_CONVERT_CHARACTER)$/.test(code)) return "DATA";
    const lost =
      /^(PROTOCOL_CONNECTION_LOST|ECONNRESET|EPIPE|ER_SERVER_SHUTDOWN|ER_NORMAL_SHUTDOWN|ER_CONNECTION_KILLED)$/;
    return lost.test(code) ? "LOST" : "OTHER";
  }

  async close(): Promise<void> {
    await within(FAREWELL_SECONDS, this.#pool.end()).catch(() => {});
  }
}
