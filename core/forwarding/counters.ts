/**
 * What a relay has seen and done since it was made, as plain numbers. Nothing here has a name that a stranger chose: the
 * domains are those of the configuration, and of status codes only those of the RFCs stand by themselves.
 *
 * `LiveCounters` is what the relay adds to; `Counters` is a copy, made for whoever asks.
 */
import { AUTH, OTHER_METHOD, REPORT, RESPONSE, SEND } from "../codec/head.ts";
import { comment } from "../codec/writer.ts";
import type { Fault } from "../faults.ts";
import type { ConnectionEnd, DialFailure, Millis, SessionEnd } from "../ports.ts";

/** Of frames of one direction: how many, or their octets. */
export interface FrameCounts {
  readonly SEND: number;
  readonly REPORT: number;
  readonly AUTH: number;
  /** Requests with any other method. */
  readonly other: number;
  readonly response: number;
}

/** What came of an AUTH: `OK`, or why it was refused, the challenge it begins with included. */
export type AuthOutcome = "OK" | Fault;
export type DialOutcome = "OK" | DialFailure;

export interface Counters {
  /** Frames whose head was read, and frames that were written. */
  readonly framesIn: FrameCounts;
  readonly framesOut: FrameCounts;
  /** Octets of frames, from start line to end-line: of those that came when their end has come, of ours as they are written. */
  readonly frameBytesIn: FrameCounts;
  readonly frameBytesOut: FrameCounts;
  /** All octets of connections. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Octets of SEND bodies that were accepted, and that were passed on. */
  readonly bodyBytesIn: number;
  readonly bodyBytesOut: number;
  /** By status code; those that no RFC knows are `other`. */
  readonly responsesIn: Readonly<Record<string, number>>;
  readonly responsesOut: Readonly<Record<string, number>>;
  readonly reportsMade: number;
  readonly reportsForwarded: number;
  /** REPORTs of ours whose way back was gone. */
  readonly reportsLost: number;
  /** Transactions that no response has ended in time. */
  readonly timeouts: number;
  /** Timers of every other kind that have run, those included that only look whether it is time. */
  readonly timersFired: number;
  /** Chunks interrupted for somebody else's frame. */
  readonly interrupts: number;
  readonly dials: number;
  readonly dialOutcomes: Readonly<Record<DialOutcome, number>>;
  /** By domain of the configuration, then by outcome. What was for none of them, or could not be read, stands under "". */
  readonly auths: Readonly<Record<string, Readonly<Partial<Record<AuthOutcome, number>>>>>;
  /** By why; that they began is in `auths`. */
  readonly sessionsEnded: Readonly<Partial<Record<SessionEnd, number>>>;
  readonly connectionsAccepted: number;
  /** By why; a dial that failed is none of them. */
  readonly connectionsEnded: Readonly<Partial<Record<ConnectionEnd, number>>>;
  /** Those of them that made room for others (RFC 4976 §6.5). */
  readonly closedForRoom: number;
  /** For how long connections were not read from: somebody they send to is slow, or they may send no faster. */
  readonly heldMillis: Millis;
  /** The most octets that have waited for one connection. */
  readonly backlogMost: number;
  /** By fault code. */
  readonly faults: Readonly<Record<string, number>>;
}

/** There are three digits. */
const STATUSES = 1000;
const KINDS = 5;

export class LiveCounters {
  readonly requestsIn: Float64Array; // by Kind
  readonly requestsOut: Float64Array;
  readonly frameBytesIn: Float64Array; // by Kind, responses included
  readonly frameBytesOut: Float64Array;
  bytesIn: number;
  bytesOut: number; // of connections that have ended; the others know themselves
  bodyBytesIn: number;
  bodyBytesOut: number;
  readonly responsesIn: Float64Array; // by status
  readonly responsesOut: Float64Array;
  reportsMade: number;
  reportsLost: number;
  timeouts: number;
  interrupts: number;
  dials: number;
  readonly dialOutcomes: Record<DialOutcome, number>;
  readonly auths: Record<string, Partial<Record<AuthOutcome, number>>>;
  readonly sessionsEnded: Partial<Record<SessionEnd, number>>;
  connectionsAccepted: number;
  readonly connectionsEnded: Partial<Record<ConnectionEnd, number>>;
  heldMillis: Millis; // of what is over
  backlogMost: number;
  readonly faults: Record<string, number>;

  /** @param domains  of the configuration: whoever authenticates for another one is counted under "" */
  constructor(domains: readonly string[]) {
    this.requestsIn = new Float64Array(KINDS);
    this.requestsOut = new Float64Array(KINDS);
    this.frameBytesIn = new Float64Array(KINDS);
    this.frameBytesOut = new Float64Array(KINDS);
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.bodyBytesIn = 0;
    this.bodyBytesOut = 0;
    this.responsesIn = new Float64Array(STATUSES);
    this.responsesOut = new Float64Array(STATUSES);
    this.reportsMade = 0;
    this.reportsLost = 0;
    this.timeouts = 0;
    this.interrupts = 0;
    this.dials = 0;
    this.dialOutcomes = { OK: 0, POLICY: 0, UNRESOLVED: 0, UNREACHABLE: 0, CERTIFICATE: 0, TIMEOUT: 0 };
    this.auths = Object.fromEntries([...domains, ""].map((domain) => [domain, {}]));
    this.sessionsEnded = {};
    this.connectionsAccepted = 0;
    this.connectionsEnded = {};
    this.heldMillis = 0;
    this.backlogMost = 0;
    this.faults = {};
  }

  /** Counts these domains from now on; what was counted of others stays. */
  serve(domains: readonly string[]): void {
    for (const domain of domains) this.auths[domain] ??= {};
  }

  auth(domain: string, outcome: AuthOutcome): void {
    const outcomes = (Object.hasOwn(this.auths, domain) ? this.auths[domain] : this.auths[""]) ?? {};
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }

  /** @param more  what connections that are still there add, and what timers know themselves */
  copy(more: Pick<Counters, "bytesOut" | "heldMillis" | "timersFired">): Counters {
    const framesOut = frameCounts(this.requestsOut, sum(this.responsesOut));
    const { reportsMade } = this;
    return {
      framesIn: frameCounts(this.requestsIn, sum(this.responsesIn)),
      framesOut,
      frameBytesIn: frameCounts(this.frameBytesIn, this.frameBytesIn[RESPONSE] as number),
      frameBytesOut: frameCounts(this.frameBytesOut, this.frameBytesOut[RESPONSE] as number),
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut + more.bytesOut,
      bodyBytesIn: this.bodyBytesIn,
      bodyBytesOut: this.bodyBytesOut,
      responsesIn: byStatus(this.responsesIn),
      responsesOut: byStatus(this.responsesOut),
      reportsMade,
      reportsForwarded: framesOut.REPORT - reportsMade,
      reportsLost: this.reportsLost,
      timeouts: this.timeouts,
      timersFired: more.timersFired,
      interrupts: this.interrupts,
      dials: this.dials,
      dialOutcomes: { ...this.dialOutcomes },
      auths: Object.fromEntries(Object.entries(this.auths).map(([domain, outcomes]) => [domain, { ...outcomes }])),
      sessionsEnded: { ...this.sessionsEnded },
      connectionsAccepted: this.connectionsAccepted,
      connectionsEnded: { ...this.connectionsEnded },
      closedForRoom: this.connectionsEnded.ROOM ?? 0,
      heldMillis: this.heldMillis + more.heldMillis,
      backlogMost: this.backlogMost,
      faults: { ...this.faults },
    };
  }
}

/** One more. */
export function count(counts: Float64Array, at: number): void {
  counts[at] = (counts[at] as number) + 1;
}

/** So many more. */
export function add(counts: Float64Array, at: number, more: number): void {
  counts[at] = (counts[at] as number) + more;
}

function frameCounts(byKind: Float64Array, response: number): FrameCounts {
  const of = (kind: number) => byKind[kind] as number;
  return {
    SEND: of(SEND),
    REPORT: of(REPORT),
    AUTH: of(AUTH),
    other: of(OTHER_METHOD),
    response,
  };
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, some) => total + some, 0);
}

function byStatus(counts: Float64Array): Record<string, number> {
  const named: Record<string, number> = {};
  counts.forEach((count, status) => {
    if (count === 0) return;
    const name = comment(status) === "" ? "other" : String(status);
    named[name] = (named[name] ?? 0) + count;
  });
  return named;
}
