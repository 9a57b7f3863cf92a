/**
 * A connection as the relay knows it: a Link, or the promise of one while we still dial.
 *
 * Everybody who writes to it goes through here, because only one chunk may be open on it at a time: whoever has a frame
 * to write interrupts the chunk that is open (RFC 4975 §7.1.1), and its stream goes on in a new chunk later.
 */
import type { RandomPool } from "../bytes/random.ts";
import { Scratch } from "../bytes/scratch.ts";
import { Reader } from "../codec/reader.ts";
import type { FrameSink } from "../codec/reader.ts";
import type { Hop, Link, ListenerConfig, Millis, Peer } from "../ports.ts";
import { Few } from "./few.ts";
import { Flight } from "./flight.ts";
import type { Lease } from "./lease.ts";
import type { Timer } from "./timers.ts";
import { TransactionTable, type TransactionTimers } from "./transaction.ts";

/** A message on its way to a connection piece by piece. */
export interface Feeder {
  /** Ends its open chunk with `+`, now. */
  interrupt(): void;
  /** The connection is lost: no more of it can be written. */
  lost(status: number): void;
  /** The connection takes nothing, and others share the way its octets come: this message ends here. */
  giveUp(source: Connection): void;
}

export class Connection {
  readonly number: number; // for logs
  readonly listener: ListenerConfig | undefined; // of an accepted connection
  readonly hop: Hop | undefined; // of a dialed one
  link: Link | undefined; // undefined while dialing
  closed: boolean;
  readonly #waiting: Scratch | undefined; // octets for a link that is still being dialed
  read: number; // octets it has ever brought
  written: number; // octets ever accepted for this connection
  openChunk: Feeder | undefined; // whose chunk is open
  readonly feeders: Few<Feeder>; // all that have more to write

  reader: Reader | undefined;
  readonly #random: RandomPool;
  readonly #timers: TransactionTimers;
  #transactions: TransactionTable | undefined; // requests we have sent here, once there was one
  flight: Flight | undefined; // what is under way, if a relay is there
  readonly leases: Few<Lease>; // URIs handed out to the client here

  holds: number; // why we do not read from it: how many connections it is waiting for
  heldAt: Millis; // since when
  readonly held: Connection[]; // those that wait for this one, oldest first
  readonly overflowing: Few<Connection>; // those that do not wait any longer: while it is full, theirs is refused
  weighed: number; // what it had brought when we began to look how much it brings
  weighedAt: Millis;
  readonly hopKeys: Few<string>; // next hops it is known to lead to; see next-hops.ts

  proven: boolean; // a request of its has succeeded: probation is over (RFC 4976 §6.1)
  refusals: number; // requests refused while on probation
  faults: number; // of every kind, ever
  authFailures: number; // since the last AUTH that succeeded here
  remoteAuthFailures: number; // through us at other relays, since the last that succeeded at one
  authsPending: number;
  authsRefused: number; // and told of, since
  authsRefusedAt: Millis;
  readonly openedAt: Millis;
  usedAt: Millis;
  takenAt: Millis; // when the kernel last took octets of a backlog
  taken: number; // and how many it had taken then
  probation: Timer | undefined;
  stallTimer: Timer | undefined;
  holdTimer: Timer | undefined; // set while it waits for others
  idleTimer: Timer | undefined;

  constructor(
    number: number,
    at: { link: Link; listener: ListenerConfig } | { hop: Hop },
    random: RandomPool,
    timers: TransactionTimers,
    now: Millis,
  ) {
    this.number = number;
    this.listener = "listener" in at ? at.listener : undefined;
    this.hop = "hop" in at ? at.hop : undefined;
    this.link = "link" in at ? at.link : undefined;
    this.closed = false;
    this.#waiting = "hop" in at ? new Scratch() : undefined;
    this.read = 0;
    this.written = 0;
    this.openChunk = undefined;
    this.feeders = new Few();
    this.reader = undefined;
    this.#random = random;
    this.#timers = timers;
    this.#transactions = undefined;
    this.flight = "hop" in at ? new Flight() : undefined;
    this.leases = new Few();
    this.holds = 0;
    this.heldAt = 0;
    this.held = [];
    this.overflowing = new Few();
    this.weighed = 0;
    this.weighedAt = now;
    this.hopKeys = new Few();
    this.proven = "hop" in at;
    this.refusals = 0;
    this.faults = 0;
    this.authFailures = 0;
    this.remoteAuthFailures = 0;
    this.authsPending = 0;
    this.authsRefused = 0;
    this.authsRefusedAt = now;
    this.openedAt = now;
    this.usedAt = now;
    this.takenAt = now;
    this.taken = 0;
    this.probation = undefined;
    this.stallTimer = undefined;
    this.holdTimer = undefined;
    this.idleTimer = undefined;
  }

  /** Who is there; while dialing, nobody yet. */
  get peer(): Peer {
    return this.link?.peer ?? { address: "", port: 0, secure: this.hop?.secure ?? false, names: [] };
  }

  /** Requests we have sent here. */
  get transactions(): TransactionTable {
    this.#transactions ??= new TransactionTable(this, this.#random, this.#timers);
    return this.#transactions;
  }

  /** How many of them are open; asked of connections that never had one, too. */
  get openTransactions(): number {
    return this.#transactions?.open ?? 0;
  }

  get backlog(): number {
    return this.link === undefined ? (this.#waiting as Scratch).length : this.link.backlog;
  }

  write(source: Uint8Array, start: number, end: number): void {
    if (this.closed) return;
    this.written += end - start;
    if (this.link === undefined) (this.#waiting as Scratch).copy(source, start, end);
    else this.link.write(source, start, end);
  }

  /** Writes what was composed as a frame of its own: interrupts an open chunk first. */
  writeFrame(frame: Scratch): void {
    this.openChunk?.interrupt();
    this.write(frame.octets, 0, frame.length);
  }

  /** There is one more reason not to read from it. */
  hold(now: Millis): void {
    if (this.holds++ > 0) return;
    this.heldAt = now;
    this.link?.setReading(false);
  }

  /** There is one reason less; returns for how long it was not read from, if that is over. */
  letGo(now: Millis): Millis {
    if (--this.holds > 0) return 0;
    if (!this.closed) this.link?.setReading(true);
    return now - this.heldAt;
  }

  /** The dial succeeded: what was waiting goes out. */
  attach(link: Link): void {
    const waiting = this.#waiting as Scratch;
    this.link = link;
    if (waiting.length > 0) link.write(waiting.octets, 0, waiting.length);
    waiting.octets = new Uint8Array(0);
    waiting.length = 0;
  }

  readWith(sink: FrameSink, maxHead: number): void {
    this.reader = new Reader(sink, maxHead);
  }
}
