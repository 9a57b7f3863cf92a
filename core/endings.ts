/**
 * How connections and sessions end, and who is told (RFC 4976 §6.3, §6.4.1).
 *
 * A connection takes its sessions with it, and all that was under way to it fails. A session can also end by itself. When
 * that is its expiry, the chunk in flight may end, and only the next one is refused; when somebody ends it before its
 * time, nothing more goes either way.
 */
import { consequence, type Fault, isFault } from "./faults.ts";
import type { BackPressure } from "./forwarding/back-pressure.ts";
import type { Incoming } from "./forwarding/incoming.ts";
import type { NextHops } from "./forwarding/next-hops.ts";
import type { Pace } from "./forwarding/pace.ts";
import { failTransaction } from "./forwarding/response.ts";
import type { State } from "./forwarding/state.ts";
import type { ConnectionEnd, SessionEnd } from "./ports.ts";
import type { Connection } from "./session/connection.ts";
import type { Lease, LeaseEnd } from "./session/lease.ts";
import { REPORT_PARTIAL } from "./session/transaction.ts";

/** The parts of the relay that know of a connection, and have to forget it. */
export interface Parts {
  readonly state: State;
  readonly nextHops: NextHops;
  readonly backPressure: BackPressure;
  readonly pace: Pace;
  readonly incoming: Map<Connection, Incoming>;
}

export class Endings {
  readonly #parts: Parts;
  /** The relay itself ends. */
  closing: boolean;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.closing = false;
  }

  /** @param failure  what became of all that was under way to it; undefined to have it found out */
  endConnection(connection: Connection, why: ConnectionEnd, failure?: Fault): void {
    if (connection.closed) return;
    const { state, nextHops, backPressure, pace, incoming } = this.#parts;
    const { link } = connection;
    // What the kernel had taken by now may have arrived; what it had not, has not. Looked at before anything is written
    // to a link that may take nothing any more.
    const taken = connection.written - connection.backlog;
    connection.openChunk?.interrupt();
    const owned = connection.leases.size > 0;
    connection.closed = true;
    connection.reader?.stop();
    state.connections.delete(connection);
    nextHops.forget(connection);
    incoming.get(connection)?.cutOff();
    incoming.delete(connection);
    for (const lease of state.leases.endOf(connection)) this.#noteEnd(lease, ...endOfSession(why));
    for (const timer of [connection.probation, connection.idleTimer])
      if (timer !== undefined) state.timers.cancel(timer);
    link?.close();

    // §6.4.1: those who sent to it are told. A client that has gone takes its session with it; from any other hop there
    // is just no answer. At our own end nobody is told: their connections end as well.
    this.#failAll(connection, failure ?? (owned ? "SESSION_UNKNOWN" : "NEXT_HOP_LOST"), taken);
    state.counters.bytesOut += connection.written;
    if (connection.holds > 0) state.counters.heldMillis += state.now - connection.heldAt;
    backPressure.gone(connection);
    pace.gone(connection);
    if (link !== undefined) {
      const { connectionsEnded } = state.counters;
      connectionsEnded[why] = (connectionsEnded[why] ?? 0) + 1;
      state.host.note({ type: "connectionClosed", connection: connection.number, peer: link.peer, why });
    }
  }

  /** Everything ends: what has come of a chunk goes on, and ends with `+`. */
  endAll(why: "DRAIN" | "SHUTDOWN"): void {
    this.closing = true;
    const { state, incoming } = this.#parts;
    for (const one of incoming.values()) one.cutOff();
    for (const connection of state.connections)
      for (const lease of state.leases.endOf(connection)) this.#noteEnd(lease, why);
    for (const lease of state.leases.endAll()) this.#noteEnd(lease, why);
    for (const connection of [...state.connections]) this.endConnection(connection, why);
  }

  /** A session has ended by itself. */
  leaseEnded(lease: Lease, why: LeaseEnd): void {
    if (why === "EXPIRED" || why === "EXPIRED_IN_USE" || why === "ROOM") {
      this.#noteEnd(lease, why);
      return;
    }
    for (const incoming of this.#parts.incoming.values()) incoming.endOf(lease);
    this.#noteEnd(lease, why);
    // Its holder waits in vain for what comes by that URI, and sees it when the connection is closed. That of a relay is
    // not its client's.
    const { owner, relayHost } = lease;
    if (owner.closed || owner.listener === undefined || relayHost !== undefined || this.#serves(owner)) return;
    this.endConnection(owner, why, "SESSION_UNKNOWN");
  }

  /** What was under way to a connection that has gone. */
  #failAll(connection: Connection, fault: Fault, taken: number): void {
    const { state, backPressure } = this.#parts;
    const status = consequence(fault).status as number;
    let failed = connection.feeders.size;
    for (const feeder of [...connection.feeders]) feeder.lost(status);
    connection.feeders.clear();
    for (const transaction of connection.transactions.all()) {
      const delivered = transaction.endsAt > 0 && transaction.endsAt <= taken;
      // "partial" hears of failures that are known, and of what was taken for sending nothing is known.
      const unknown = transaction.origin?.failureReport === REPORT_PARTIAL && delivered;
      if (this.closing || unknown) {
        connection.transactions.finish(transaction);
        continue;
      }
      failTransaction(state, backPressure, transaction, status);
      failed++;
    }
    if (failed > 0) state.noteFault(connection, fault, `${failed} under way`);
  }

  /** Does anybody need this connection besides its own sessions that have ended? */
  #serves(connection: Connection): boolean {
    if (connection.leases.size > 0 || connection.authsPending > 0 || connection.hopKeys.size > 0) return true;
    for (const lease of this.#parts.state.leases.valid())
      if ((lease.relayHost !== undefined && lease.owner === connection) || lease.hasStranger(connection)) return true;
    return false;
  }

  #noteEnd(lease: Lease, why: SessionEnd, fault?: Fault): void {
    const { state } = this.#parts;
    if (state.traces.on) state.traces.follow(lease, undefined);
    state.noteEnd(lease, why, fault);
  }
}

/** What the end of its connection is for a session. */
function endOfSession(why: ConnectionEnd): [SessionEnd, Fault?] {
  if (why === "PEER") return ["CONNECTION"];
  return isFault(why) ? ["CONNECTION", why] : [why];
}
