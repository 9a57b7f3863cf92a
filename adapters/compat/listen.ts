/**
 * Listeners over node:net and node:tls.
 *
 * Every connection is accepted as plain TCP, so that the limits are asked before TLS costs anything; node:tls is then
 * given the socket.
 */
import { EventEmitter } from "node:events";
import process from "node:process";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import type { Peer } from "../../core/mod.ts";
import { plainAddress } from "../shared/address.ts";
import { cannotListen } from "../shared/advice.ts";
import { byServerName, certifiedNames } from "../shared/certified-names.ts";
import type { Driver } from "../shared/driver.ts";
import type { Origin } from "../shared/proxy-protocol.ts";
import type { Accepted, KeyPair, Listening, ListenOptions, TlsServerOptions } from "../shared/runtime.ts";
import { connect, ignore, tlsVersion } from "./channel.ts";
import type { Gate } from "./gate.ts";
import { Proxied } from "./proxied.ts";
import { readInto } from "./reads.ts";
import type { Cures } from "./runtime.ts";
import { usable } from "./usable.ts";

export async function listen(
  options: ListenOptions,
  driver: Driver,
  accepted: Accepted,
  { makeGate, reads }: Cures = {},
): Promise<Listening> {
  let open = true;
  const give = (secure: boolean, { socket, gate, origin }: Arrived, names: readonly string[]) => {
    const from = originOf(gate?.raw ?? socket);
    // The client has hung up already, or we closed while it was in its handshake.
    if (from === undefined && open) options.refused?.("HANDSHAKE", origin?.address ?? "", "it hung up");
    if (from === undefined || !open) return void socket.destroy();
    const peer: Peer = { ...(origin ?? from), secure, ...tlsVersion(socket), names };
    connect(socket, peer, driver, accepted, gate);
  };
  const tls = options.tls && new Tls(options.tls, options, (arrived, names) => give(true, arrived, names));
  const proxied = options.proxyProtocol && new Proxied(options);

  /** @param origin  where it says otherwise than the socket */
  const begin = (socket: Socket, origin?: Origin) => {
    const address = origin?.address ?? plainAddress(socket.remoteAddress ?? "");
    const admitted = options.limits?.admit(address);
    if (typeof admitted === "string") {
      options.refused?.(admitted, address, "too many connections");
      return void socket.destroy();
    }
    if (admitted !== undefined) socket.once("close", admitted);
    // Asked now: of a client that has hung up nothing is known any more.
    if (tls !== undefined) return tls.begin({ socket, origin: origin ?? originOf(socket), gate: makeGate?.(socket) });
    if (origin !== undefined) socket.resume(); // stopped when its header had been read; nothing comes before the next turn
    give(false, { socket, origin }, []);
  };
  const ours = tls === undefined && proxied === undefined ? reads : undefined;
  // A client that has finished still gets what we owe it; but in a handshake we owe nothing, and node:tls would wait on.
  const server = createServer({ allowHalfOpen: tls === undefined, pauseOnConnect: ours !== undefined }, (given) => {
    const socket = ours === undefined ? given : readInto(ours, given);
    socket.on("error", ignore);
    if (proxied === undefined) begin(socket);
    else proxied.begin(socket, (origin) => begin(socket, origin));
  });
  await opened(server, options);
  server.on("error", (error) => options.refused?.("ACCEPT", "", error.message));
  return {
    host: options.host,
    port: (server.address() as AddressInfo).port,
    via: { api: tls === undefined ? "node:net" : "node:tls", because: "nothing else is asked for" },
    setTls: async (changed) => tls?.set(changed),
    stopAccepting: async () => void server.close(),
    close: async () => {
      open = false;
      // Not awaited: it would be, for the last open connection.
      server.close();
    },
  };
}

/** Where a socket comes from; undefined when it has hung up already. */
function originOf({ remoteAddress, remotePort }: Socket): Origin | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { address: plainAddress(remoteAddress), port: remotePort };
}

/** A socket on its way to core. */
interface Arrived {
  readonly socket: Socket;
  readonly gate?: Gate | undefined;
  /** Whose connection it is, when a proxy has said. */
  readonly origin?: Origin | undefined;
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** On Bun, a server that is ours in everything but whom it tells never hears of a handshake that fails. */
const ONE_SERVER = process.versions.bun !== undefined;

type Give = (arrived: Arrived, names: readonly string[]) => void;

/** The TLS of one listener. */
class Tls {
  readonly #server: TlsServer;
  readonly #options: ListenOptions;
  readonly #give: Give;
  /** By the two ends of the socket, which are all that a TLSSocket and the one under it have in common on every runtime. */
  readonly #origins: Map<string, Origin>;
  #byName: ReadonlyMap<string, SecureContext>;

  constructor(tls: TlsServerOptions, options: ListenOptions, give: Give) {
    this.#options = options;
    this.#give = give;
    this.#origins = new Map();
    this.#byName = contextsByName(tls);
    this.#server = createTlsServer({
      ...contextOptions(tls.fallback, tls),
      SNICallback: (name, done) => done(null, byServerName(this.#byName, name)),
      // Clients have no certificate and authenticate by Digest; a relay's is looked at when there is one (RFC 4976 §6.1).
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: options.handshakeSeconds * 1000,
    });
    this.#server.on("secureConnection", (socket: TLSSocket) =>
      this.#secured({ socket, origin: this.#origins.get(endsOf(socket)) }),
    );
    this.#server.on("tlsClientError", (error: Error, socket: TLSSocket) =>
      this.#failed(error, { socket, origin: this.#origins.get(endsOf(socket)) }),
    );
  }

  begin({ socket, gate, origin }: Arrived): void {
    if (gate === undefined && ONE_SERVER) {
      if (origin !== undefined) this.#remember(socket, origin);
      return void this.#server.emit("connection", socket);
    }
    // node:tls knows no way back from a TLSSocket to the stream under it. So each connection has a server of its own,
    // which is ours in everything but whom it tells.
    const tell = (event: string, first: unknown, second: unknown): boolean => {
      if (event === "secureConnection") this.#secured({ socket: first as TLSSocket, gate, origin });
      if (event === "tlsClientError") this.#failed(first as Error, { socket: second as TLSSocket, gate, origin });
      return true;
    };
    const own: TlsServer = Object.create(this.#server, { emit: { value: tell } });
    EventEmitter.prototype.emit.call(own, "connection", gate?.stream ?? socket);
  }

  #remember(socket: Socket, origin: Origin): void {
    const ends = endsOf(socket);
    this.#origins.set(ends, origin);
    socket.once("close", () => this.#origins.delete(ends));
  }

  set(tls: TlsServerOptions): void {
    const byName = contextsByName(tls);
    this.#server.setSecureContext(contextOptions(tls.fallback, tls));
    this.#byName = byName;
  }

  #secured(arrived: Arrived & { readonly socket: TLSSocket }): void {
    const { socket } = arrived;
    socket.on("error", ignore);
    socket.allowHalfOpen = true;
    const names = socket.authorized ? certifiedNames(socket.getPeerCertificate().subjectaltname) : [];
    this.#give(arrived, names);
  }

  #failed(error: NodeJS.ErrnoException, { socket, gate, origin }: Arrived): void {
    const address = origin?.address ?? plainAddress((gate?.raw ?? socket).remoteAddress ?? "");
    this.#options.refused?.("HANDSHAKE", address, error.code ?? error.message);
    socket.destroy(); // node:tls leaves one that took too long to its listener
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
  return { ...usable(pair), ca: [...tls.clientCa], minVersion: "TLSv1.2" };
}

function opened(server: Server, { host, port, reusePort = false }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(host, port, error)));
    server.listen({ host, port, reusePort }, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}
