/**
 * A client on the simulated network: core/endpoint, run by the shared driver. It has one connection at a time; when that
 * is lost it may connect again, which makes a new endpoint, new URIs and new sessions, as in life.
 */
import { Connection } from "../../../adapters/shared/connection.ts";
import { Driver } from "../../../adapters/shared/driver.ts";
import {
  type Authentication,
  Endpoint,
  type EndpointLimits,
  type FailureReport,
  type Failure,
  type IncomingMessage,
  type OutgoingMessage,
  type Report,
  type Session,
  type SessionSink,
} from "../../../core/mod.ts";
import type { SimNetwork } from "../sim-network.ts";
import type { Dice } from "./dice.ts";
import type { Entry, Try } from "./ledger.ts";
import { passwordOf, type SimRelay } from "./sim-relay.ts";
import type { End } from "./wire.ts";

/** A client that resumes confirms so many octets at a time. */
const CONFIRMED_OCTETS = 1000;

export interface SendOptions {
  readonly failureReport?: FailureReport;
  readonly successReport?: boolean;
  readonly chunkOctets?: number;
  /** Give the octets bit by bit, as they are wanted. */
  readonly stream?: boolean;
  /** Do not say beforehand how many there are. */
  readonly openEnd?: boolean;
}

/** One connection of a client, from the dial to its end. */
export interface Presence {
  readonly endpoint: Endpoint;
  readonly relay: SimRelay;
  end: End | undefined; // before the dial has succeeded
  over: boolean;
}

/** A session with somebody, as one side has it. */
export interface Talk {
  readonly peer: string;
  readonly session: Session;
  readonly presence: Presence;
}

export class SimClient implements SessionSink {
  readonly net: SimNetwork;
  readonly name: string;
  readonly driver: Driver;
  readonly dice: Dice;
  readonly limits: Partial<EndpointLimits>;
  presence: Presence | undefined;
  /** By the name of the peer. */
  readonly talks: Map<string, Talk>;
  /** REPORTs that came, in order. */
  readonly reports: { status: number; from: string }[];
  /** Sends on behind what was confirmed in an earlier session, and keeps what has come in one (RFC 4975 §5.4). */
  readonly resumes: boolean;
  /** Messages that arrived whole: who sent them, how many octets, and when. */
  readonly received: { id: string; octets: number; at: number }[];
  readonly failures: Failure[];
  /** Called when an Authentication is done or refused. */
  readonly #asking: Map<string, (done: Authentication | undefined) => void>;
  /** By Message-ID, what is being given bit by bit. */
  /** What has come of messages in the last of their tries, by Message-ID. */
  readonly #earlier: Map<string, IncomingMessage>;
  readonly #supplies: Map<string, { entry: Entry; given: Try; openEnd: boolean }>;
  /** For tests that want to know at once. */
  onEnded: (() => void) | undefined;
  onRefreshed: ((authentication: Authentication) => void) | undefined;
  onOctets: ((id: string, octets: number) => void) | undefined;

  constructor(net: SimNetwork, name: string, limits: Partial<EndpointLimits> = {}, resumes = false) {
    this.net = net;
    this.resumes = resumes;
    this.#earlier = new Map();
    this.name = name;
    this.limits = limits;
    this.dice = net.dice.fork();
    this.driver = new Driver({ clock: net.clock, onBug: (bug) => net.bug(name, bug) });
    this.presence = undefined;
    this.talks = new Map();
    this.reports = [];
    this.received = [];
    this.failures = [];
    this.#asking = new Map();
    this.#supplies = new Map();
    this.onEnded = this.onRefreshed = this.onOctets = undefined;
  }

  // ---- connections ----

  /** Dials a relay. */
  connect(relay: SimRelay): Presence {
    const endpoint = new Endpoint({
      host: { secure: true, host: `${this.name}.invalid`, port: 9892 },
      fillRandom: (target) => this.dice.fill(target),
      limits: this.limits,
      sink: {
        authenticated: (done) => {
          const asked = this.#asking.get(done.own);
          this.#asking.delete(done.own);
          if (asked === undefined) this.onRefreshed?.(done);
          else asked(done);
        },
        authenticationFailed: (failed, failure) => {
          this.failures.push(failure);
          this.#asking.get(failed.own)?.(undefined);
          this.#asking.delete(failed.own);
        },
        ended: () => {
          presence.over = true;
          forget();
          this.onEnded?.();
        },
      },
    });
    const forget = this.driver.register(endpoint);
    const presence: Presence = { endpoint, relay, end: undefined, over: false };
    this.presence = presence;
    this.net.dial(this.name, relay.name, relay.port, 0, {
      opened: (end) => {
        presence.end = end;
        const peer = { address: relay.name, port: relay.port, secure: true, names: [relay.name] };
        const connection = new Connection(this.driver, peer, end, { freshReads: end.freshReads });
        connection.attach((link, now) => endpoint.connected(link, now));
        end.attach(connection);
      },
      failed: () => this.driver.turn((now) => endpoint.close(now)),
    });
    return presence;
  }

  /** Connects if need be, and asks the relay for a URI. */
  authenticate(
    relay: SimRelay,
    then: (done: Authentication | undefined) => void = () => {},
    options: { readonly expiresSeconds?: number; readonly username?: string; readonly password?: string } = {},
  ): void {
    const presence = this.presence === undefined || this.presence.over ? this.connect(relay) : this.presence;
    const { username = this.name, expiresSeconds } = options;
    const credential = { password: options.password ?? passwordOf(username) };
    const own = presence.endpoint.newUri();
    this.#asking.set(own, then);
    this.driver.turn((now) => {
      const relays = [{ uri: relay.uri, username, credential }];
      presence.endpoint.authenticate({ relays, own, ...(expiresSeconds !== undefined && { expiresSeconds }) }, now);
    });
  }

  /** Opens our side of a session. */
  open(peer: string, own: Authentication, peerPath: string): Talk {
    const presence = this.presence as Presence;
    const session = presence.endpoint.open({ sink: this, own: own.own, usePath: own.usePath, peerPath });
    const talk = { peer, session, presence };
    this.talks.set(peer, talk);
    return talk;
  }

  /** Ends the connection politely. */
  leave(): void {
    const { presence } = this;
    if (presence !== undefined) this.driver.turn((now) => presence.endpoint.close(now));
  }

  /** Reads on, and never says anything any more. */
  mute(): void {
    this.#end.out.swallow = true;
  }

  /** Does not read for a while. */
  stall(millis: number): void {
    this.#end.in.stall(millis);
  }

  get #end(): End {
    const end = this.presence?.end;
    if (end === undefined) throw new Error(`${this.name} is not connected`);
    return end;
  }

  // ---- messages ----

  /** Sends to somebody we have a session with; undefined when the session has gone. */
  send(to: SimClient | string, octets: Uint8Array, options: SendOptions = {}): Entry {
    const entry: Entry = {
      id: this.net.ledger.newId(),
      from: this,
      to: typeof to === "string" ? undefined : to,
      octets,
      failureReport: options.failureReport ?? "yes",
      tries: [],
      arrived: [],
    };
    this.net.ledger.entries.set(entry.id, entry);
    this.try(entry, typeof to === "string" ? to : to.name, options);
    return entry;
  }

  /** Sends it once more, in the session there is now (RFC 4975 §5.4). */
  try(entry: Entry, peer: string, options: SendOptions = {}): void {
    const talk = this.talks.get(peer);
    if (talk === undefined || talk.session.closed) return;
    const { stream = false, openEnd = false, ...rest } = options;
    const from = this.resumes ? confirmed(entry) : 0;
    const about = { contentType: "application/octet-stream", messageId: entry.id, from, ...rest };
    const { failureReport } = entry;
    this.driver.turn((now) => {
      const size = openEnd ? {} : { total: entry.octets.length };
      const body = stream ? size : { body: entry.octets };
      // Asked for within `send` already, before we have the message in hand.
      const supply = { entry, given: undefined as unknown as Try, openEnd };
      if (stream) this.#supplies.set(entry.id, supply);
      const message = talk.session.send({ ...about, ...body, failureReport }, now);
      supply.given ??= { message, given: message.from, ended: () => talk.presence.over };
      entry.tries.push(supply.given);
    });
  }

  // ---- what sessions tell ----

  wanted(message: OutgoingMessage, _room: number, now: number): void {
    const supply = this.#supplies.get(message.id);
    if (supply === undefined) return;
    const { presence } = this.talkOf(message.session) ?? { presence: undefined };
    supply.given ??= { message, given: message.from, ended: () => presence?.over ?? true };
    const give = (at: number) => {
      const { given, entry, openEnd } = supply;
      if (given.message !== message || message.room === 0) return;
      const end = Math.min(given.given + this.dice.between(1, message.room), entry.octets.length);
      // Lent, and spoilt when the call is over.
      const octets = entry.octets.slice(given.given, end);
      given.given = end;
      if (octets.length > 0) message.write(octets, at);
      octets.fill(0x21);
      if (end === entry.octets.length && openEnd) message.finish(at);
    };
    // A disk may be slow.
    if (this.dice.chance(0.7)) give(now);
    else this.net.clock.in(this.dice.between(0, 20), () => this.driver.turn((at) => give(at)));
  }

  reported(_message: OutgoingMessage, report: Report): void {
    this.reports.push({ status: report.status, from: report.fromPath });
  }

  messageStarted(message: IncomingMessage): void {
    if (!this.resumes) return;
    // The session of the earlier try may be open still: only its sender knows that it is broken.
    for (const [start, end] of this.#earlier.get(message.id)?.received.toArray() ?? []) message.have(start, end);
    this.#earlier.set(message.id, message);
  }

  octets(
    message: IncomingMessage,
    position: number,
    source: Uint8Array,
    start: number,
    end: number,
    now: number,
  ): void {
    this.net.ledger.octets(this, message.session, message.id, position, source.subarray(start, end));
    this.onOctets?.(message.id, end - start);
    if (!this.resumes) return;
    const there = message.received.contiguous;
    if (there - message.reported >= CONFIRMED_OCTETS) message.confirmPart(there, now);
  }

  messageEnded(message: IncomingMessage): void {
    if (message.state !== "complete") return;
    this.received.push({ id: message.id, octets: message.total, at: this.net.clock.time });
    this.net.ledger.complete(this, message.session, message.id);
  }

  talkOf(session: Session): Talk | undefined {
    for (const talk of this.talks.values()) if (talk.session === session) return talk;
    return undefined;
  }
}

/** How far the receiver has said that it has a message, in all tries so far. */
function confirmed({ octets, tries }: Entry): number {
  const most = Math.max(0, ...tries.map(({ message }) => message.acknowledged.contiguous));
  return Math.min(most, Math.max(0, octets.length - 1));
}
