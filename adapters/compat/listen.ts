/**
 * Listeners over node:net and node:tls.
 *
 * Every connection is accepted as plain TCP, so that the limits are asked before TLS costs anything; node:tls is then
 * given the socket.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import type { Feed, Link, Millis, Peer } from "../../core/mod.ts";
import { authority, plainAddress } from "../shared/address.ts";
import { byServerName, certifiedNames } from "../shared/certified-names.ts";
import type { Driver } from "../shared/driver.ts";
import type { KeyPair, Listening, ListenOptions, TlsServerOptions } from "../shared/runtime.ts";
import { connect, ignore } from "./channel.ts";

export async function listen(
  options: ListenOptions,
  driver: Driver,
  accepted: (link: Link, now: Millis) => Feed,
): Promise<Listening> {
  let open = true;
  const give = (socket: Socket, secure: boolean, names: readonly string[]) => {
    const { remoteAddress, remotePort } = socket;
    // The client has hung up already, or we closed while it was in its handshake.
    if (remoteAddress === undefined || remotePort === undefined || !open) return void socket.destroy();
    const peer: Peer = { address: plainAddress(remoteAddress), port: remotePort, secure, names };
    connect(socket, peer, driver, accepted);
  };
  const tls = options.tls && new Tls(options.tls, options, (socket, names) => give(socket, true, names));

  // A client that has finished still gets what we owe it; but in a handshake we owe nothing, and node:tls would wait on.
  const server = createServer({ allowHalfOpen: tls === undefined }, (socket) => {
    socket.on("error", ignore);
    const address = plainAddress(socket.remoteAddress ?? "");
    const admitted = options.limits?.admit(address);
    if (typeof admitted === "string") {
      options.refused?.(admitted, address, "too many connections");
      return void socket.destroy();
    }
    if (admitted !== undefined) socket.once("close", admitted);
    if (tls === undefined) give(socket, false, []);
    else tls.begin(socket);
  });
  await opened(server, options);
  server.on("error", (error) => options.refused?.("ACCEPT", "", error.message));
  return {
    host: options.host,
    port: (server.address() as AddressInfo).port,
    setTls: (changed) => tls?.set(changed),
    close: async () => {
      open = false;
      // Not awaited: it would be, for the last open connection.
      server.close();
    },
  };
}

/** The TLS of one listener. */
class Tls {
  readonly #server: TlsServer;
  #byName: ReadonlyMap<string, SecureContext>;

  constructor(tls: TlsServerOptions, options: ListenOptions, give: (socket: Socket, names: string[]) => void) {
    this.#byName = contextsByName(tls);
    this.#server = createTlsServer({
      ...contextOptions(tls.fallback, tls),
      SNICallback: (name, done) => done(null, byServerName(this.#byName, name)),
      // Clients have no certificate and authenticate by Digest; a relay's is looked at when there is one (RFC 4976 §6.1).
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: options.handshakeSeconds * 1000,
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", ignore);
      socket.allowHalfOpen = true;
      give(socket, socket.authorized ? certifiedNames(socket.getPeerCertificate().subjectaltname) : []);
    });
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      options.refused?.("HANDSHAKE", plainAddress(socket.remoteAddress ?? ""), error.code ?? error.message);
      socket.destroy(); // node:tls leaves one that took too long to its listener
    });
  }

  begin(socket: Socket): void {
    this.#server.emit("connection", socket);
  }

  set(tls: TlsServerOptions): void {
    this.#server.setSecureContext(contextOptions(tls.fallback, tls));
    this.#byName = contextsByName(tls);
  }
}

function contextsByName(tls: TlsServerOptions): Map<string, SecureContext> {
  const contexts = [...tls.byName].map(
    ([name, pair]) => [name.toLowerCase(), createSecureContext(contextOptions(pair, tls))] as const,
  );
  return new Map(contexts);
}

function contextOptions(pair: KeyPair, tls: TlsServerOptions): SecureContextOptions {
  // An empty list of authorities believes nobody; an absent one would believe every public authority.
  return { cert: pair.cert, key: pair.key, ca: [...tls.clientCa], minVersion: "TLSv1.2" };
}

function opened(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = advice[error.code ?? ""] ?? error.message;
      reject(new Error(`cannot listen on ${authority(options.host, options.port)}: ${why}`, { cause: error }));
    });
    server.listen({ host: options.host, port: options.port }, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

/** What to do when listening failed, by error code. */
const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has it; stop that one or choose another port",
  EACCES: "not permitted; ports below 1024 need a privilege",
  EADDRNOTAVAIL: "no interface of this machine has that address",
  ENOTFOUND: "there is no such host; write an address",
};
