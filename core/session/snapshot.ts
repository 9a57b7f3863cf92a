/**
 * Sessions and connections as an operator may see them: plain objects, copied when asked for, and no URI that was handed
 * out, since whoever knows one may send to its client.
 */
import type { Hop, Millis, Peer, SessionHolder, Traffic } from "../ports.ts";
import type { Connection } from "./connection.ts";
import type { Lease } from "./lease.ts";

export interface SessionNow extends SessionHolder {
  /** Hosts and ports of those who exchange messages with its holder, at most a few, the latest last. */
  readonly peers: readonly string[];
  readonly startedAt: Millis;
  readonly expiresAt: Millis;
  /** When a request last passed; `startedAt` when none has. */
  readonly usedAt: Millis;
  readonly traffic: Traffic;
}

export interface ConnectionNow {
  readonly connection: number;
  /** Of an accepted one. */
  readonly listener?: string;
  /** Where a dialed one should lead. */
  readonly hop?: Hop;
  /** Nobody is there yet: it is being dialed. */
  readonly dialing: boolean;
  readonly peer: Peer;
  readonly openedAt: Millis;
  readonly usedAt: Millis;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Octets that wait for the kernel, or for the dial. */
  readonly backlog: number;
  /** Valid URIs that belong to it (RFC 4976 §6.3). */
  readonly sessions: number;
  /** Requests sent to it that have no response yet. */
  readonly transactions: number;
  /** Not read from just now. */
  readonly held: boolean;
  /** Faults of its peer, all of them. */
  readonly faults: number;
}

export function sessionNow(lease: Lease): SessionNow {
  const { holder, peers, grantedAt: startedAt, expiresAt, touchedAt: usedAt } = lease;
  return { ...holder, peers, startedAt, expiresAt, usedAt, traffic: { ...lease.traffic } };
}

export function connectionNow(connection: Connection): ConnectionNow {
  const { number, listener, hop, link, peer, openedAt, usedAt, backlog, openTransactions, leases } = connection;
  return {
    connection: number,
    ...(listener === undefined ? {} : { listener: listener.name }),
    ...(hop === undefined ? {} : { hop }),
    dialing: link === undefined,
    peer,
    openedAt,
    usedAt,
    bytesIn: connection.read,
    bytesOut: connection.written,
    backlog,
    sessions: leases.size,
    transactions: openTransactions,
    held: connection.holds > 0,
    faults: connection.faults,
  };
}
