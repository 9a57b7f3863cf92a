/** The admin app on its HTTP address, over node:http, which all three runtimes have. */
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { AdminSettings } from "../config/settings.ts";
import { authority } from "../shared/address.ts";
import { type AdminView, makeAdminApp } from "./app.ts";

export class AdminListener {
  readonly url: string;
  readonly #server: Server;

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  /** @throws Error with words for the operator */
  static open({ host, port }: AdminSettings, view: AdminView): Promise<AdminListener> {
    const server = createAdaptorServer({ fetch: makeAdminApp(view).fetch }) as Server;
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        const why = error.code === "EADDRINUSE" ? "the address is in use" : error.message;
        reject(new Error(`admin.url: cannot listen on http://${authority(host, port)}: ${why}`, { cause: error }));
      });
      server.listen(port, host, () => {
        const address = server.address();
        const real = typeof address === "object" && address !== null ? address.port : port;
        resolve(new AdminListener(`http://${authority(host, real)}`, server));
      });
    });
  }

  /** Ends idle and open connections alike; nothing here is worth waiting for. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
