/**
 * A connection of Deno as the shared parts see one.
 *
 * Deno has promises where the others have events: a loop reads for as long as core wants octets, and a write answers
 * later how much was taken, which may be less than was offered. Errors of both mean the same, that it is over.
 */
import type { Peer } from "../../core/mod.ts";
import { plainAddress } from "../shared/address.ts";
import { Connection } from "../shared/connection.ts";
import type { Driver } from "../shared/driver.ts";
import { type Channel, LOT } from "../shared/outbox.ts";
import type { Accepted } from "../shared/runtime.ts";

/**
 * A read that waits owns its buffer, and most connections wait most of the time. So the buffer is small until it was
 * filled, then larger, and small again when much less came than it has room for.
 */
const SMALL = 1024;
const LARGE = 64 * 1024;
const STEP = 8;

/** Pieces shorter than this together are written in one call. */
const JOINED = 64 * 1024;

/**
 * Gives an open connection to core.
 *
 * @param gone  called when it has ended
 */
export function connect(conn: Deno.TcpConn, driver: Driver, open: Accepted, gone: () => void = nothing): void {
  const { hostname, port } = conn.remoteAddr;
  const peer: Peer = { address: plainAddress(hostname), port, secure: false, names: [] };
  conn.setNoDelay(true);
  conn.setKeepAlive(true);
  const channel = new ConnChannel(conn, gone);
  const connection = new Connection(driver, peer, channel, { freshReads: false });
  channel.connection = connection;
  connection.attach(open);
  void channel.read(connection);
}

function nothing(): void {}

class ConnChannel implements Channel {
  readonly lot = LOT;
  connection: Connection | undefined;
  readonly #conn: Deno.TcpConn;
  readonly #gone: () => void;
  /** Ends the pause of the reading loop; undefined while it reads. */
  #resume: (() => void) | undefined;
  /** Settles when reading goes on; undefined while it does. */
  #paused: Promise<void> | undefined;
  /** We have said that we finished. */
  #finished: boolean;
  /** The peer has. */
  #over: boolean;
  #closed: boolean;

  constructor(conn: Deno.TcpConn, gone: () => void) {
    this.connection = undefined;
    this.#conn = conn;
    this.#gone = gone;
    this.#resume = undefined;
    this.#paused = undefined;
    this.#finished = false;
    this.#over = false;
    this.#closed = false;
  }

  async read(connection: Connection): Promise<void> {
    let buffer = new Uint8Array(SMALL);
    try {
      for (;;) {
        while (this.#paused !== undefined) await this.#paused;
        if (this.#closed) return;
        const length = await this.#conn.read(buffer);
        if (length === null) break;
        connection.received(buffer.subarray(0, length));
        if (length === buffer.length && length < LARGE) buffer = new Uint8Array(buffer.length * STEP);
        else if (length < SMALL && buffer.length > SMALL) buffer = new Uint8Array(SMALL);
      }
    } catch {
      return this.destroy();
    }
    this.#over = true;
    connection.finished();
    if (this.#finished) this.destroy();
  }

  write(pieces: readonly Uint8Array[]): number {
    void this.#write(joined(pieces));
    return 0;
  }

  async #write(lot: Uint8Array): Promise<void> {
    try {
      const taken = await this.#conn.write(lot);
      this.connection?.taken(taken);
    } catch {
      this.destroy();
    }
  }

  setReading(on: boolean): void {
    if (on) {
      this.#resume?.();
      this.#resume = undefined;
      this.#paused = undefined;
    } else {
      this.#paused ??= new Promise((resolve) => {
        this.#resume = resolve;
      });
    }
  }

  finish(): void {
    this.#conn.closeWrite().then(
      () => {
        this.#finished = true;
        if (this.#over) this.destroy();
      },
      () => this.destroy(),
    );
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resume?.();
    this.#conn.close();
    this.#gone();
    this.connection?.gone();
  }
}

/** As many pieces as fit into one call; each call is a promise. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces as [Uint8Array];
  let length = first.length;
  let count = 1;
  for (; count < pieces.length; count++) {
    const more = (pieces[count] as Uint8Array).length;
    if (length + more > JOINED) break;
    length += more;
  }
  if (count === 1) return first;
  const lot = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const piece = pieces[i] as Uint8Array;
    lot.set(piece, at);
    at += piece.length;
  }
  return lot;
}
