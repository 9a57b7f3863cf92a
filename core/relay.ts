/**
 * The relay (RFC 4976 §6): joins the rooms of core. A program makes one, tells it what happens on its connections, and
 * does what it asks of its Host and Links.
 *
 * Here is a connection's life from probation on, and what an operator may ask. How it ends is in endings.ts, AUTH in
 * admission.ts; where a SEND goes is decided in forwarding/incoming.ts.
 */
import { Admission } from "./admission.ts";
import { readPath } from "./codec/path.ts";
import type { Head } from "./codec/head.ts";
import { USE_PATH } from "./codec/header.ts";
import { parseUri, type Uri } from "./codec/uri.ts";
import { Endings } from "./endings.ts";
import type { Fault } from "./faults.ts";
import { BackPressure } from "./forwarding/back-pressure.ts";
import { Incoming, type Surroundings } from "./forwarding/incoming.ts";
import { dialFault, NextHops } from "./forwarding/next-hops.ts";
import { takeResponse, timeOut } from "./forwarding/response.ts";
import { Pace } from "./forwarding/pace.ts";
import type { Counters } from "./forwarding/counters.ts";
import { State } from "./forwarding/state.ts";
import type { TraceSink } from "./forwarding/trace.ts";
import type { Credential, DialFailure, Feed, Host, Link, Millis, RelayConfig, RelayPort, Ticket } from "./ports.ts";
import { Connection } from "./session/connection.ts";
import { LeastUsed } from "./session/least-used.ts";
import { isRelay } from "./session/relay-peer.ts";
import { type ConnectionNow, connectionNow, type SessionNow, sessionNow } from "./session/snapshot.ts";

/** RFC 4976 §6.1: how long a new connection has to make a request that succeeds. */
const PROBATION: Millis = 30_000;

/** Sizes of the relay's tables. */
export interface Census {
  /** Dials included. */
  readonly connections: number;
  /** Those that have expired and are still remembered included. */
  readonly leases: number;
  readonly transactions: number;
  readonly dials: number;
  readonly pendingAuths: number;
  /** Connections with room again whose senders are being let go. */
  readonly releasing: number;
  readonly timers: number;
  /** Octets that wait for the kernel, or for a dial. */
  readonly backlog: number;
  /** Connections that are not read from just now. */
  readonly held: number;
}

export class Relay implements RelayPort, Surroundings {
  readonly state: State;
  readonly nextHops: NextHops;
  readonly backPressure: BackPressure;
  readonly #pace: Pace;
  readonly #admission: Admission;
  readonly #incoming: Map<Connection, Incoming>;
  readonly #leastUsed: LeastUsed;
  readonly #endings: Endings;
  readonly #fed: Fed;

  constructor(config: RelayConfig, host: Host, now: Millis) {
    this.state = new State(config, host, now);
    this.nextHops = new NextHops(this.state);
    this.backPressure = new BackPressure(
      this.state,
      (connection) => this.close(connection, "STALLED", ""),
      (source) => this.#incoming.get(source)?.isShared === true,
    );
    this.state.wayBack = (origin) => {
      const previous = previousUri(origin);
      return previous !== undefined && this.#isFromRelay(origin) ? this.nextHops.backTo(previous) : undefined;
    };
    this.#pace = new Pace(this.state);
    this.#admission = new Admission(this);
    this.#incoming = new Map();
    this.#leastUsed = new LeastUsed(this.state.connections);
    const { state, nextHops, backPressure } = this;
    this.#endings = new Endings({ state, nextHops, backPressure, pace: this.#pace, incoming: this.#incoming });
    state.leaseEnded = (lease, why) => this.#endings.leaseEnded(lease, why);
    this.#fed = { state, backPressure, pace: this.#pace, endings: this.#endings };
  }

  /** What was seen and done so far: a copy. */
  get counters(): Counters {
    const { connections, counters, now, timers } = this.state;
    let bytesOut = 0;
    let heldMillis: Millis = 0;
    for (const connection of connections) {
      bytesOut += connection.written;
      if (connection.holds > 0) heldMillis += now - connection.heldAt;
    }
    return counters.copy({ bytesOut, heldMillis, timersFired: timers.fired });
  }

  /** How many connections there are, dials included. */
  get connections(): number {
    return this.state.connections.size;
  }

  /** How much is held; all of it is bounded, and nothing is left when every connection has ended. */
  get census(): Census {
    const { state } = this;
    let transactions = 0;
    let backlog = 0;
    let held = 0;
    for (const connection of state.connections) {
      transactions += connection.openTransactions;
      backlog += connection.backlog;
      if (connection.holds > 0) held++;
    }
    return {
      connections: state.connections.size,
      leases: state.leases.size,
      transactions,
      dials: this.nextHops.dialing,
      pendingAuths: this.#admission.pending,
      releasing: this.backPressure.releasing,
      timers: state.timers.size,
      backlog,
      held,
    };
  }

  // ---- what the adapter tells ----

  accepted(link: Link, listener: string, now: Millis): Feed {
    const { state } = this;
    state.now = now;
    const at = state.config.listeners.find(({ name }) => name === listener);
    if (at === undefined) throw new RangeError(`no listener named ${listener}`);
    if (this.#endings.closing) return this.#turnAway(link);
    const place = { link, listener: at };
    const connection = new Connection(++state.connectionsEver, place, state.random, state.transactionTimers, now);
    state.connections.add(connection);
    state.counters.connectionsAccepted++;
    state.host.note({ type: "connectionOpened", connection: connection.number, peer: link.peer, listener });
    // §6.1: close it when no request succeeds in time.
    connection.probation = state.timers.set(now + PROBATION, () => {
      if (!connection.proven) this.close(connection, "PROBATION", "");
    });
    return this.#feed(connection);
  }

  dialed(ticket: Ticket, link: Link, now: Millis): Feed {
    const { state } = this;
    state.now = now;
    const connection = this.nextHops.answered(ticket);
    if (connection === undefined || connection.hop === undefined) {
      // Given up while it was being dialed.
      return this.#turnAway(link);
    }
    connection.attach(link);
    connection.usedAt = now;
    const { number, hop } = connection;
    state.host.note({ type: "connectionDialed", connection: number, peer: link.peer, hop });
    this.backPressure.eased(connection);
    state.counters.dialOutcomes.OK++;
    return this.#feed(connection);
  }

  dialFailed(ticket: Ticket, why: DialFailure, now: Millis): void {
    const { state } = this;
    state.now = now;
    const connection = this.nextHops.answered(ticket);
    if (connection === undefined || connection.hop === undefined) return;
    state.counters.dialOutcomes[why]++;
    state.host.note({ type: "dialFailed", hop: connection.hop, why });
    this.#endings.endConnection(connection, "PEER", dialFault(why));
  }

  credential(ticket: Ticket, found: Credential | undefined | "UNAVAILABLE", now: Millis): void {
    this.state.now = now;
    this.#admission.answer(ticket, found);
  }

  decided(ticket: Ticket, verdict: "ALLOW" | "DENY" | "UNAVAILABLE", now: Millis): void {
    this.state.now = now;
    this.#admission.decided(ticket, verdict);
  }

  get deadline(): Millis {
    const { state } = this;
    if (this.backPressure.pending) return state.now;
    return Math.min(state.timers.next, state.transactionTimers.next);
  }

  tick(now: Millis): void {
    const { state } = this;
    state.now = now;
    while (true) {
      const transaction = state.transactionTimers.due(now);
      if (transaction === undefined) break;
      timeOut(state, this.backPressure, transaction);
      this.backPressure.eased(transaction.table.connection);
    }
    state.timers.run(now);
    this.backPressure.tick();
  }

  /** §6.5: makes room for another connection by closing one that nobody uses; false when all are in use. */
  closeLeastUsed(now: Millis): boolean {
    this.state.now = now;
    const connection = this.#leastUsed.next(now);
    if (connection === undefined) return false;
    this.#endings.endConnection(connection, "ROOM");
    return true;
  }

  shutdown(now: Millis): void {
    this.state.now = now;
    this.#endings.endAll(this.draining ? "DRAIN" : "SHUTDOWN");
  }

  // ---- what an operator asks ----

  /** Every session there is. */
  sessionsNow(): SessionNow[] {
    return Array.from(this.state.leases.valid(), sessionNow);
  }

  /** Every connection there is, dials included. */
  connectionsNow(): ConnectionNow[] {
    return Array.from(this.state.connections, connectionNow);
  }

  /**
   * Ends a session: its URI is dead at once, the chunk that is open for it is interrupted and its rest refused (481), and
   * its holder's connection is closed when it serves nothing else. False when there is no such session.
   */
  endSession(session: number, now: Millis): boolean {
    this.state.now = now;
    const lease = this.state.leases.numbered(session);
    if (lease === undefined) return false;
    this.state.leases.end(lease, "OPERATOR", now);
    return true;
  }

  /** Closes a connection, and with it ends its sessions. False when there is no such connection. */
  endConnection(connection: number, now: Millis): boolean {
    this.state.now = now;
    for (const candidate of this.state.connections) {
      if (candidate.number !== connection) continue;
      this.#endings.endConnection(candidate, "OPERATOR");
      return true;
    }
    return false;
  }

  /**
   * Goes by another configuration from now on: sessions, connections and chunks under way stay as they are. Its listeners
   * are those this relay was made with. The bound of a head is for new connections.
   */
  reconfigure(config: RelayConfig, now: Millis): void {
    const { state } = this;
    state.now = now;
    state.config = { ...config, listeners: state.config.listeners };
    state.counters.serve(config.domains.map(({ name }) => name));
    state.leases.limits = config.limits;
    this.#admission.reconfigured();
    for (const connection of state.connections) {
      this.#incoming.get(connection)?.reconfigured();
      if (connection.idleTimer === undefined) continue;
      state.timers.cancel(connection.idleTimer);
      this.#watchIdle(connection);
    }
  }

  /** Takes no new sessions (the fault DRAINING), or takes them again. Sessions that exist go on. */
  drain(on: boolean, now: Millis): void {
    this.state.now = now;
    this.#admission.drain(on);
  }

  get draining(): boolean {
    return this.#admission.drainedSince !== undefined;
  }

  /**
   * Tells the heads of a session's frames to `sink`, until it ends or is told undefined. False when there is no such
   * session, or too many are followed already.
   */
  trace(session: number, sink: TraceSink | undefined): boolean {
    const lease = this.state.leases.numbered(session);
    return lease !== undefined && this.state.traces.follow(lease, sink);
  }

  #turnAway(link: Link): Feed {
    link.close();
    return { received() {}, writable() {}, ended() {} };
  }

  #feed(connection: Connection): Feed {
    const { state } = this;
    const incoming = new Incoming(connection, this);
    this.#incoming.set(connection, incoming);
    connection.readWith(incoming, state.config.limits.headerBytes);
    this.#watchIdle(connection);
    return new ConnectionFeed(connection, this.#fed);
  }

  /** §6.5: a connection nobody has used for long may be closed. */
  #watchIdle(connection: Connection): void {
    const { state } = this;
    const idle: Millis = state.config.limits.idleSeconds * 1000;
    const check = (now: Millis) => {
      connection.idleTimer = undefined;
      if (connection.closed) return;
      // The same sum as the timer was set by: the difference may fall short of it by a rounding, and then never ends.
      if (connection.usedAt + idle <= now) this.#endings.endConnection(connection, "IDLE");
      else connection.idleTimer = state.timers.set(connection.usedAt + idle, check);
    };
    connection.idleTimer = state.timers.set(connection.usedAt + idle, check);
  }

  /** Closes a connection for what its peer did. */
  close(connection: Connection, fault: Fault, detail: string): void {
    if (connection.closed) return;
    this.state.noteFault(connection, fault, detail);
    this.#endings.endConnection(connection, fault);
  }

  // ---- responses ----

  response(source: Connection, head: Head): void {
    const usePath = head.value(USE_PATH)?.split(" ").at(-1);
    const relay = usePath === undefined ? undefined : parseUri(usePath);
    if (relay !== undefined && source.hop !== undefined) this.nextHops.learn(relay, source);
    const refused = takeResponse(this.state, this.backPressure, source, head);
    this.backPressure.eased(source);
    // §6.3: several failed AUTHs through us to another relay count like failed AUTHs to us, and like them only when they
    // are the client's that is connected here.
    if (refused === undefined) return;
    if (!this.#isFromRelay(refused)) this.#admission.countFailure(refused.source, "another relay");
  }

  auth(source: Connection, head: Head): void {
    this.#admission.ask(source, head);
  }

  authRefused(source: Connection, fault: Fault): void {
    this.#admission.refused(source, {}, fault);
  }

  /** Did it come from another relay (§6.3)? */
  #isFromRelay(came: Came): boolean {
    const previous = previousUri(came);
    return previous !== undefined && isRelay(came.source.peer, previous.host, this.state.config.relayNames);
  }
}

/** What a request came by: an Origin, or Asked. */
interface Came {
  readonly source: Connection;
  readonly fromPath: Uint8Array;
}

function previousUri({ fromPath }: Came): Uri | undefined {
  return readPath(fromPath, 0, fromPath.length)?.uris[0];
}

/** What the feeds of all connections have in common. */
interface Fed {
  readonly state: State;
  readonly backPressure: BackPressure;
  readonly pace: Pace;
  readonly endings: Endings;
}

/** A class, because ten thousand connections would have three functions each. */
class ConnectionFeed implements Feed {
  readonly #connection: Connection;
  readonly #fed: Fed;

  constructor(connection: Connection, fed: Fed) {
    this.#connection = connection;
    this.#fed = fed;
  }

  received(bytes: Uint8Array, now: Millis): void {
    const connection = this.#connection;
    if (connection.closed) return;
    const { state, pace } = this.#fed;
    state.now = now;
    connection.usedAt = now;
    connection.read += bytes.length;
    state.counters.bytesIn += bytes.length;
    connection.reader?.read(bytes);
    pace.brought(connection, bytes.length);
  }

  writable(now: Millis): void {
    if (this.#connection.closed) return;
    this.#fed.state.now = now;
    this.#fed.backPressure.eased(this.#connection);
  }

  ended(now: Millis): void {
    if (this.#connection.closed) return;
    this.#fed.state.now = now;
    this.#fed.endings.endConnection(this.#connection, "PEER");
  }
}
