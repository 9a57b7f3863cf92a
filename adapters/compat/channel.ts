/**
 * A socket of node:net or node:tls as the shared parts see one.
 *
 * A socket is given one lot at a time: `cork` makes one system call of its pieces, and `writableLength` says right
 * after it whether the kernel took everything, which is the common case on plain TCP and the reason why no callback
 * has to be waited for. TLS always answers later.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Peer } from "../../core/mod.ts";
import { Connection } from "../shared/connection.ts";
import type { Driver } from "../shared/driver.ts";
import { type Channel, LOT } from "../shared/outbox.ts";
import type { Accepted } from "../shared/runtime.ts";
import type { Gate } from "./gate.ts";
import { type Connected, isReadIntoOurs, key } from "./reads.ts";

/** A peer that vanished without a word is noticed by the kernel asking it now and then, starting after this. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Gives an open socket to core.
 *
 * @param gate  what stands between a TLS socket and its ciphertext, where something has to
 */
export function connect(socket: Socket, peer: Peer, driver: Driver, open: Accepted, gate?: Gate): void {
  const channel = new SocketChannel(socket, gate);
  const intoOurs = isReadIntoOurs(socket);
  const connection = new Connection(driver, peer, channel, { freshReads: !intoOurs });
  channel.connection = connection;
  channel.raw.setNoDelay(true);
  channel.raw.setKeepAlive(true, KEEP_ALIVE_MS);
  (socket as Connected)[key] = connection;
  socket.on("error", ignore); // "close" always follows
  socket.on("close", gone);
  socket.on("end", finished);
  connection.attach(open);
  if (socket.destroyed) return connection.gone(); // it closed on its way here
  if (intoOurs) socket.resume();
  else socket.on("data", received);
}

/** Sockets have their listeners in common: ten thousand idle ones would have four functions each. */
function gone(this: Socket): void {
  (this as Connected)[key]?.gone();
}

function finished(this: Socket): void {
  (this as Connected)[key]?.finished();
}

function received(this: Socket, bytes: Uint8Array): void {
  (this as Connected)[key]?.received(bytes);
}

export function ignore(): void {}

/** What there is to say of the version of TLS: nothing where there is no TLS, or the runtime does not tell. */
export function tlsVersion(socket: Socket | TLSSocket): Pick<Peer, "tls"> {
  const tls = "getProtocol" in socket ? socket.getProtocol() : null;
  return tls === null ? {} : { tls };
}

class SocketChannel implements Channel {
  readonly lot = LOT;
  connection: Connection | undefined;
  /** The socket of the kernel, as far as it can be had. */
  readonly raw: Socket;
  readonly #socket: Socket;
  readonly #gate: Gate | undefined;
  /** Lots written whose callback has not come. */
  #unconfirmed: number;
  /** Octets of the lot that was not taken at once. */
  #inFlight: number;
  readonly #confirm: (error?: Error | null) => void;

  constructor(socket: Socket, gate: Gate | undefined) {
    this.connection = undefined;
    this.raw = gate?.raw ?? socket;
    this.#socket = socket;
    this.#gate = gate;
    this.#unconfirmed = 0;
    this.#inFlight = 0;
    this.#confirm = (error) => {
      this.#unconfirmed--;
      // Deno confirms what was lost with the raw socket under a gate as if it had been sent.
      const lost = error || this.raw.destroyed;
      if (lost || this.#unconfirmed > 0 || this.#inFlight === 0) return;
      const taken = this.#inFlight;
      this.#inFlight = 0;
      this.connection?.taken(taken);
    };
  }

  write(pieces: readonly Uint8Array[], octets: number): number {
    const socket = this.#socket;
    if (!socket.writable) return 0; // it is ending, and "close" is on its way
    const last = pieces.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(pieces[i] as Uint8Array);
    this.#unconfirmed++;
    socket.write(pieces[last] as Uint8Array, this.#confirm);
    if (last > 0) socket.uncork();
    if (socket.writableLength === 0) return octets;
    this.#inFlight = octets;
    return 0;
  }

  setReading(on: boolean): void {
    if (on) this.#socket.resume();
    else this.#socket.pause();
    this.#gate?.hold(!on);
  }

  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
