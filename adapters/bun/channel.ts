/**
 * A socket of Bun as the shared parts see one.
 *
 * Bun buffers nothing: `write` hands to the kernel (or to TLS) what it takes at once, and says how much that was; the
 * rest is offered again after `drain`. All sockets share one set of handlers, and `socket.data` is the `Wire` they are
 * about.
 */
import type { Peer } from "../../core/mod.ts";
import { plainAddress } from "../shared/address.ts";
import { Connection } from "../shared/connection.ts";
import type { Driver } from "../shared/driver.ts";
import type { Channel } from "../shared/outbox.ts";
import type { Accepted } from "../shared/runtime.ts";

export type BunSocket = Bun.Socket<Wire>;

/** A peer that vanished without a word is noticed by the kernel asking it now and then, starting after this. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Each call is one of the system and under TLS a record, so what is short goes with the beginning of what follows it.
 * Sockets share it: what is not taken is offered again.
 */
const scratch = new Uint8Array(16 * 1024);

/** A socket from its first moment to its last; a connection of core's for most of that time. */
export class Wire implements Channel {
  /** All there is: `write` says exactly what was taken. */
  readonly lot = Number.POSITIVE_INFINITY;
  readonly socket: BunSocket;
  /** Undefined in a handshake. */
  #connection: Connection | undefined;
  /** The kernel did not take everything, and `drain` will come. */
  #full: boolean;
  /** The socket has closed, perhaps before core was given it. */
  #closed: boolean;

  constructor(socket: BunSocket) {
    this.socket = socket;
    this.#connection = undefined;
    this.#full = false;
    this.#closed = false;
  }

  /** Gives the socket to core. */
  connect(secure: boolean, driver: Driver, open: Accepted): void {
    const { socket } = this;
    // Only dNSNames of verified certificates count, and a listener that verifies some is not opened this way.
    const { remoteAddress, remotePort: port } = socket;
    const tls = secure ? { tls: socket.getTLSVersion() } : {};
    const peer: Peer = { address: plainAddress(remoteAddress), port, secure, ...tls, names: [] };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#connection = new Connection(driver, peer, this, { freshReads: true });
    this.#connection.attach(open);
    if (this.#closed) this.#connection.gone();
  }

  // What Bun calls.

  received(bytes: Uint8Array): void {
    this.#connection?.received(bytes);
  }

  /** Bun calls this for no reason as well. */
  drained(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#connection?.taken(0);
  }

  finished(): void {
    this.#connection?.finished();
  }

  gone(): void {
    this.#closed = true;
    this.#connection?.gone();
  }

  // What the connection calls.

  write(pieces: readonly Uint8Array[], octets: number): number {
    let taken = 0;
    let offset = 0; // octets of pieces[i] that went with those before it
    for (let i = 0; i < pieces.length; ) {
      let lot = pieces[i] as Uint8Array;
      if (offset > 0) lot = lot.subarray(offset);
      offset = 0;
      i++;
      if (lot.length < scratch.length && i < pieces.length) {
        scratch.set(lot);
        let length = lot.length;
        while (i < pieces.length && length < scratch.length) {
          const piece = pieces[i] as Uint8Array;
          const more = Math.min(piece.length, scratch.length - length);
          scratch.set(more < piece.length ? piece.subarray(0, more) : piece, length);
          length += more;
          if (more < piece.length) offset = more;
          else i++;
        }
        lot = scratch.subarray(0, length);
      }
      const now = this.socket.write(lot);
      if (now < 0) return taken; // it is closed, and `close` is on its way
      taken += now;
      if (now < lot.length) break;
    }
    this.#full = taken < octets;
    return taken;
  }

  setReading(on: boolean): void {
    if (on) this.socket.resume();
    else this.socket.pause();
  }

  finish(): void {
    this.socket.shutdown();
  }

  destroy(): void {
    this.socket.terminate();
  }
}

/** For listeners and dials alike; what differs comes in by `others`. */
export function handlers(others: Partial<Bun.SocketHandler<Wire>>): Bun.SocketHandler<Wire> {
  return {
    data: ({ data: wire }, bytes) => wire.received(bytes),
    drain: ({ data: wire }) => wire.drained(),
    end: ({ data: wire }) => wire.finished(),
    close: ({ data: wire }) => wire.gone(),
    error() {}, // `close` always follows
    ...others,
  };
}
