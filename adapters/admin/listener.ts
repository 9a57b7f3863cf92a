/** The admin app on its address, over node:http and node:https, which all three runtimes have. */
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import type { AdminApp } from "./app.ts";
import type { AdminSettings } from "../config/settings.ts";
import { authority } from "../shared/address.ts";
import { cannotListen } from "../shared/advice.ts";
import type { KeyPair } from "../shared/runtime.ts";

/** Sockets at once; who needs more is attacking or leaks them. */
const MOST_SOCKETS = 256;
/** How long a request may take to come in, head and body, and an unused connection may stay (ms). */
const HEAD_PATIENCE = 10_000;
const REQUEST_PATIENCE = 30_000;
const IDLE_PATIENCE = 30_000;
/** How often, and how long after (ms), a port we have just left is asked for again. */
const REOPENINGS = 40;
const REOPENING_MS = 25;
/** How long requests under way may take when the server is opened again (ms). */
const LAST_ANSWERS = 1000;

type At = Pick<AdminSettings, "host" | "port" | "tls">;

export class AdminListener {
  readonly url: string;
  readonly #at: At;
  readonly #answer: AdminApp["fetch"];
  #server: Server | TlsServer;
  #over: boolean;

  private constructor(at: At, answer: AdminApp["fetch"], server: Server | TlsServer) {
    this.url = `${at.tls === undefined ? "http" : "https"}://${authority(at.host, at.port)}`;
    this.#at = at;
    this.#answer = answer;
    this.#server = server;
    this.#over = false;
  }

  /** @throws Error with words for the operator */
  static async open(at: At, answer: AdminApp["fetch"]): Promise<AdminListener> {
    const server = await listening(at, answer);
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : at.port;
    return new AdminListener({ ...at, port }, answer, server);
  }

  /**
   * Resolves when new handshakes get this certificate; of no effect without TLS. Where the server must be opened again for
   * that, requests under way are answered first: so a request must not wait for it.
   */
  async setTls(tls: KeyPair): Promise<void> {
    if (this.#at.tls === undefined) return;
    // Not there on Bun 1.4.
    if ("setSecureContext" in this.#server) {
      return this.#server.setSecureContext({ ...tls, minVersion: "TLSv1.2" });
    }
    const old = this.#server;
    const closed = new Promise((resolve) => old.close(resolve));
    // Bun listens on until the last request is answered, and those for events never are.
    await Promise.race([closed, sleep(LAST_ANSWERS)]);
    old.closeAllConnections();
    await closed;
    this.#server = await persistently(() => listening({ ...this.#at, tls }, this.#answer));
    if (this.#over) await this.close();
  }

  /** Ends idle and open connections alike; nothing here is worth waiting for. */
  close(): Promise<void> {
    this.#over = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

function listening({ host, port, tls }: At, answer: AdminApp["fetch"]): Promise<Server | TlsServer> {
  const server = serverFor(answer, tls);
  server.maxConnections = MOST_SOCKETS;
  server.headersTimeout = HEAD_PATIENCE;
  server.requestTimeout = REQUEST_PATIENCE;
  server.keepAliveTimeout = IDLE_PATIENCE;
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Error(`admin.url: ${cannotListen(host, port, error).message}`, { cause: error }));
    });
    server.listen(port, host, () => {
      // One connection that could not be accepted is no reason to end the program.
      server.on("error", () => {});
      resolve(server);
    });
  });
}

function serverFor(answer: AdminApp["fetch"], tls: KeyPair | undefined): Server | TlsServer {
  // What it needs of the environment is what @hono/node-server puts there.
  const fetch = answer as (request: Request) => Response | Promise<Response>;
  if (tls === undefined) return createAdaptorServer({ fetch, createServer }) as Server;
  const serverOptions = { cert: tls.cert, key: tls.key, minVersion: "TLSv1.2" as const };
  return createAdaptorServer({ fetch, createServer: createTlsServer, serverOptions }) as TlsServer;
}

async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = REOPENINGS; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(REOPENING_MS);
    }
  }
}
