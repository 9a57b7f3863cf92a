/**
 * What every part of forwarding has in hand: the configuration, the world, the tables, and the time of this turn.
 * One object for one relay; it holds state and does nothing.
 */
import { RandomPool } from "../bytes/random.ts";
import { Scratch } from "../bytes/scratch.ts";
import type { Fault } from "../faults.ts";
import type { Host, Millis, RelayConfig } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import { Leases, type Lease } from "../session/lease.ts";
import { Timers } from "../session/timers.ts";
import { type Origin, TransactionTimers } from "../session/transaction.ts";

/** Faults of one connection that are told one by one; the rest is only counted. */
const MAX_NOTED_FAULTS = 32;

/** Plain numbers, read by admin and metrics whenever they like. */
export interface Counters {
  framesIn: number;
  bytesIn: number;
  sends: number;
  reports: number;
  otherRequests: number;
  responses: number;
  chunksOut: number;
  reportsMade: number;
  /** REPORTs whose way back was gone. */
  reportsLost: number;
  timeouts: number;
  interrupts: number;
  dials: number;
  dialFailures: number;
  authSuccesses: number;
  /** Connections closed to make room for others (RFC 4976 §6.5). */
  closedForRoom: number;
  /** By fault code. */
  readonly faults: Record<string, number>;
}

export class State {
  now: Millis;
  readonly config: RelayConfig;
  readonly host: Host;
  readonly random: RandomPool;
  readonly timers: Timers;
  readonly transactionTimers: TransactionTimers;
  readonly leases: Leases;
  readonly connections: Set<Connection>;
  readonly counters: Counters;
  /** For composing a frame; empty whenever nobody is composing. */
  readonly scratch: Scratch;
  /** For end-lines alone: they are written in the middle of somebody else's composing, when a chunk is interrupted. */
  readonly endScratch: Scratch;
  connectionsEver: number;
  /** Another connection to the relay a message came from, when the one it came on has gone; set by the Relay. */
  wayBack: (origin: Origin) => Connection | undefined;

  constructor(config: RelayConfig, host: Host, now: Millis) {
    this.now = now;
    this.config = config;
    this.host = host;
    this.random = new RandomPool((target) => host.fillRandom(target));
    this.timers = new Timers();
    this.transactionTimers = new TransactionTimers();
    this.leases = new Leases(this.timers, this.random, (lease, why) => this.noteEnd(lease, why));
    this.connections = new Set();
    this.counters = {
      framesIn: 0,
      bytesIn: 0,
      sends: 0,
      reports: 0,
      otherRequests: 0,
      responses: 0,
      chunksOut: 0,
      reportsMade: 0,
      reportsLost: 0,
      timeouts: 0,
      interrupts: 0,
      dials: 0,
      dialFailures: 0,
      authSuccesses: 0,
      closedForRoom: 0,
      faults: {},
    };
    this.scratch = new Scratch(4096);
    this.endScratch = new Scratch(64);
    this.connectionsEver = 0;
    this.wayBack = () => undefined;
  }

  /** A request on this connection has succeeded: its probation is over (RFC 4976 §6.1). */
  endProbation(connection: Connection): void {
    if (connection.proven) return;
    connection.proven = true;
    if (connection.probation !== undefined) this.timers.cancel(connection.probation);
  }

  /** Counts a fault and tells the Host. */
  noteFault(connection: Connection, fault: Fault, detail: string): void {
    const { faults } = this.counters;
    faults[fault] = (faults[fault] ?? 0) + 1;
    if (connection.faults++ >= MAX_NOTED_FAULTS) return;
    this.host.note({ type: "fault", fault, connection: connection.number, peer: connection.peer, detail });
  }

  noteEnd(lease: Lease, why: "CONNECTION" | "EXPIRED" | "EXPIRED_IN_USE" | "SHUTDOWN"): void {
    const { number: session, user, domain } = lease;
    this.host.note({ type: "sessionEnded", session, connection: lease.owner.number, user, domain, why });
  }
}
