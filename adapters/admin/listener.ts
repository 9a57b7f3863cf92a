/** The admin app on its address, over node:http and node:https, which all three runtimes have. */
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
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

export class AdminListener {
  readonly url: string;
  readonly #server: Server | TlsServer;

  private constructor(url: string, server: Server | TlsServer) {
    this.url = url;
    this.#server = server;
  }

  /** @throws Error with words for the operator */
  static open(
    { host, port, tls }: Pick<AdminSettings, "host" | "port" | "tls">,
    answer: AdminApp["fetch"],
  ): Promise<AdminListener> {
    const scheme = tls === undefined ? "http" : "https";
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
        const address = server.address();
        const real = typeof address === "object" && address !== null ? address.port : port;
        resolve(new AdminListener(`${scheme}://${authority(host, real)}`, server));
      });
    });
  }

  /** New handshakes use this certificate; of no effect without TLS. */
  setTls({ cert, key }: KeyPair): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext({ cert, key, minVersion: "TLSv1.2" });
  }

  /** Ends idle and open connections alike; nothing here is worth waiting for. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

function serverFor(answer: AdminApp["fetch"], tls: KeyPair | undefined): Server | TlsServer {
  // What it needs of the environment is what @hono/node-server puts there.
  const fetch = answer as (request: Request) => Response | Promise<Response>;
  if (tls === undefined) return createAdaptorServer({ fetch, createServer }) as Server;
  const serverOptions = { cert: tls.cert, key: tls.key, minVersion: "TLSv1.2" as const };
  return createAdaptorServer({ fetch, createServer: createTlsServer, serverOptions }) as TlsServer;
}
