/**
 * What every part of forwarding has in hand: the configuration, the world, the tables, and the time of this turn.
 * One object for one relay; it holds state and does nothing.
 */
import { RandomPool } from "../bytes/random.ts";
import { Scratch } from "../bytes/scratch.ts";
import type { Fault } from "../faults.ts";
import type { Host, Millis, RelayConfig, SessionEnd } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import { Leases, type Lease, type LeaseEnd } from "../session/lease.ts";
import { Timers } from "../session/timers.ts";
import { type Origin, TransactionTimers } from "../session/transaction.ts";
import { LiveCounters } from "./counters.ts";
import { Traces } from "./trace.ts";

/** Faults of one connection that are told one by one; the rest is only counted. */
const MAX_NOTED_FAULTS = 32;

export class State {
  now: Millis;
  config: RelayConfig; // changed by Relay.reconfigure alone
  readonly host: Host;
  readonly random: RandomPool;
  readonly timers: Timers;
  readonly transactionTimers: TransactionTimers;
  readonly leases: Leases;
  readonly connections: Set<Connection>;
  readonly counters: LiveCounters;
  readonly traces: Traces;
  /** For composing a frame; empty whenever nobody is composing. */
  readonly scratch: Scratch;
  /** For SENDs that are passed on as they lie: the one before has often begun in the same way. */
  readonly sendScratch: Scratch;
  /** For end-lines alone: they are written in the middle of somebody else's composing, when a chunk is interrupted. */
  readonly endScratch: Scratch;
  connectionsEver: number;
  /** Another connection to the relay a message came from, when the one it came on has gone; set by the Relay. */
  wayBack: (origin: Origin) => Connection | undefined;
  /** A lease has ended while its connection was there; set by the Relay. */
  leaseEnded: (lease: Lease, why: LeaseEnd) => void;

  constructor(config: RelayConfig, host: Host, now: Millis) {
    this.now = now;
    this.config = config;
    this.host = host;
    this.random = new RandomPool((target) => host.fillRandom(target));
    this.timers = new Timers();
    this.transactionTimers = new TransactionTimers();
    const { limits } = config;
    this.leases = new Leases(this.timers, this.random, (lease, why) => this.leaseEnded(lease, why), limits);
    this.connections = new Set();
    this.counters = new LiveCounters(config.domains.map(({ name }) => name));
    this.traces = new Traces(this);
    this.scratch = new Scratch(4096);
    this.sendScratch = new Scratch(4096);
    this.endScratch = new Scratch(64);
    this.connectionsEver = 0;
    this.wayBack = () => undefined;
    this.leaseEnded = () => {};
  }

  /** A request on this connection has succeeded: its probation is over (RFC 4976 §6.1). */
  endProbation(connection: Connection): void {
    if (connection.proven) return;
    connection.proven = true;
    if (connection.probation === undefined) return;
    this.timers.cancel(connection.probation);
    connection.probation = undefined;
  }

  /** Counts a fault and tells the Host. */
  noteFault(connection: Connection, fault: Fault, detail: string): void {
    const { faults } = this.counters;
    faults[fault] = (faults[fault] ?? 0) + 1;
    if (connection.faults++ >= MAX_NOTED_FAULTS) return;
    this.host.note({ type: "fault", fault, connection: connection.number, peer: connection.peer, detail });
  }

  /** @param fault  what ended the connection of its holder, if that is how it ended */
  noteEnd(lease: Lease, why: SessionEnd, fault?: Fault): void {
    const { sessionsEnded } = this.counters;
    sessionsEnded[why] = (sessionsEnded[why] ?? 0) + 1;
    const { holder, grantedAt: startedAt, touchedAt: usedAt, peers } = lease;
    const traffic = { ...lease.traffic };
    const because = fault === undefined ? { why } : { why, fault };
    this.host.note({ type: "sessionEnded", ...holder, ...because, startedAt, usedAt, peers, traffic });
  }
}
