/**
 * A relay with nothing around it: links that record, a Host that is told what to answer, a clock that is moved by hand.
 *
 * A link takes its octets when a turn is over, as the adapters do; `stall` makes its kernel take nothing until `take`.
 * Whatever the relay writes is read back by our own Reader, so a test compares frames, and a frame that does not fit
 * where it stands makes the test fail. `expectNothingKept` ends everything and looks for what the relay forgot.
 */
import { expect } from "vitest";
import { answerChallenge } from "../../core/auth/answer.ts";
import { type Challenge, chooseChallenge } from "../../core/auth/challenge.ts";
import { copyOctets, octetString, octets } from "../../core/bytes/octets.ts";
import { type Head, RESPONSE } from "../../core/codec/head.ts";
import { type FrameSink, Reader } from "../../core/codec/reader.ts";
import type {
  Credential,
  DialFailure,
  Fault,
  Feed,
  Happening,
  Hop,
  Host,
  Link,
  Millis,
  Peer,
  SessionWanted,
  Ticket,
} from "../../core/mod.ts";
import { Relay } from "../../core/mod.ts";
import { type SendSaid, request } from "./frames.ts";
import { type ConfigChanges, relayConfig, tlsListener } from "./relay-config.ts";

/** As adapters/shared: `writable` comes when a backlog that was above this has fallen below it. */
export const LOW_MARK = 64 * 1024;

export type Cut = "whole" | "octet by octet";
export const cuts: readonly Cut[] = ["whole", "octet by octet"];

export const relayHost = "relay.example.com";
export const authUri = "msrps://example.com;tcp";

const config = relayConfig({
  listeners: [
    tlsListener(relayHost),
    { name: "plain", advertise: { secure: false, host: relayHost, port: 2856 }, authInsecure: false },
    { name: "lab", advertise: { secure: false, host: relayHost, port: 2857 }, authInsecure: true },
    { name: "behind-tls-proxy", advertise: { secure: true, host: relayHost, port: 2858 }, authInsecure: true },
  ],
  domains: [
    { name: "example.com", algorithms: ["SHA-256", "MD5"] },
    { name: "example.net", algorithms: ["MD5"] },
  ],
});

/** What a test wants different from the configuration above. */
export interface Changes extends ConfigChanges {
  readonly cut?: Cut;
}

export interface Dial {
  readonly hop: Hop;
  readonly ticket: Ticket;
}

interface Lookup {
  readonly username: string;
  readonly realm: string;
  readonly ticket: Ticket;
}

export class RelayBench implements Host {
  readonly relay: Relay;
  readonly cut: Cut;
  now: Millis;
  /** Everything the relay ever told the Host. */
  readonly happenings: Happening[];
  /** Dials the relay waits for; `dialed` and `dialFailed` answer them. */
  readonly dials: Dial[];
  /** Accounts of every realm. */
  readonly accounts: Map<string, Credential | "UNAVAILABLE">;
  /** What the Host says of sessions that are about to start; undefined says nothing. */
  verdict: "ALLOW" | "DENY" | "UNAVAILABLE" | undefined;
  readonly wanted: (SessionWanted & { readonly ticket: Ticket })[];
  /** False: the account store takes its time until `answerLookups`. */
  storeAnswers: boolean;
  readonly peers: BenchPeer[];
  readonly #lookups: Lookup[];
  #seed: number;

  constructor(changes: Changes = {}) {
    const { cut = "whole", ...different } = changes;
    this.cut = cut;
    this.now = 0;
    this.happenings = [];
    this.dials = [];
    this.accounts = new Map(["alice", "bob", "carol"].map((name) => [name, { password: "secret" }]));
    this.verdict = "ALLOW";
    this.wanted = [];
    this.storeAnswers = true;
    this.peers = [];
    this.#lookups = [];
    this.#seed = 4976;
    this.relay = new Relay(relayConfig({ ...config, ...different }), this, 0);
  }

  // ---- what the relay asks of its Host ----

  dial(hop: Hop, ticket: Ticket): void {
    this.dials.push({ hop, ticket });
  }

  findCredential(username: string, realm: string, ticket: Ticket): void {
    this.#lookups.push({ username, realm, ticket });
  }

  decideSession(session: SessionWanted, ticket: Ticket): void {
    this.wanted.push({ ...session, ticket });
  }

  /** Dice that fall the same way in every run. */
  fillRandom(target: Uint8Array): void {
    for (let i = 0; i < target.length; i++) {
      this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
      target[i] = this.#seed >>> 24;
    }
  }

  note(happening: Happening): void {
    this.happenings.push(happening);
  }

  // ---- peers ----

  /** Somebody connects to a listener, with TLS where the listener's name does not say otherwise. */
  connect(name: string, listener = "public", address?: string): BenchPeer {
    const peer = new BenchPeer(this, name, listener === "public", address);
    peer.attach(this.relay.accepted(peer, listener, this.now));
    this.settle();
    return peer;
  }

  /** A client that has connected and authenticated: `lease` is its URI here. */
  client(name: string, options: { listener?: string; expires?: number } = {}): BenchPeer {
    const peer = this.connect(name, options.listener);
    this.accounts.set(name, { password: "secret" });
    peer.lease = peer.authenticate({ user: name, expires: options.expires });
    expect(peer.lease).not.toBe("");
    return peer;
  }

  /** A dial succeeds, by default the only one. */
  dialed(name: string, dial: Dial | undefined = this.dials[0], { stalled = false } = {}): BenchPeer {
    if (dial === undefined) throw new Error("the relay dials nobody");
    this.dials.splice(this.dials.indexOf(dial), 1);
    const peer = new BenchPeer(this, name, dial.hop.secure);
    if (stalled) peer.stall();
    peer.attach(this.relay.dialed(dial.ticket, peer, this.now));
    this.settle();
    return peer;
  }

  dialFailed(why: DialFailure, dial: Dial | undefined = this.dials[0]): void {
    if (dial === undefined) throw new Error("the relay dials nobody");
    this.dials.splice(this.dials.indexOf(dial), 1);
    this.relay.dialFailed(dial.ticket, why, this.now);
    this.settle();
  }

  answerLookups(): void {
    for (const { username, ticket } of this.#lookups.splice(0)) {
      this.relay.credential(ticket, this.accounts.get(username), this.now);
    }
  }

  // ---- time ----

  /** What a driver does after a turn: links take their octets, due timers run, questions are answered. */
  settle(): void {
    for (let turn = 0; turn < 100_000; turn++) {
      if (this.storeAnswers) this.answerLookups();
      if (this.verdict !== undefined) {
        for (const { ticket } of this.wanted.splice(0)) this.relay.decided(ticket, this.verdict, this.now);
      }
      let moved = false;
      for (const peer of this.peers) moved = peer.flush() || moved;
      if (this.relay.deadline <= this.now) {
        this.relay.tick(this.now);
        moved = true;
      }
      if (!moved) return;
    }
    throw new Error("the relay never comes to rest");
  }

  /** Time passes, and everything due meanwhile happens when it is due. */
  advance(millis: Millis): void {
    const until = this.now + millis;
    while (this.relay.deadline <= until) {
      this.now = Math.max(this.now, this.relay.deadline);
      this.relay.tick(this.now);
      this.settle();
    }
    this.now = until;
  }

  // ---- what happened ----

  /** Fault codes the Host was told of, in order. */
  get faults(): Fault[] {
    return this.happenings.flatMap((happening) => (happening.type === "fault" ? [happening.fault] : []));
  }

  /** The last happening of a type. */
  last<T extends Happening["type"]>(type: T): Extract<Happening, { type: T }> | undefined {
    return this.happenings.findLast((happening) => happening.type === type) as
      | Extract<Happening, { type: T }>
      | undefined;
  }

  /** Every connection ends, every remembered lease is forgotten: then the relay must hold nothing and wait for nothing. */
  expectNothingKept(): void {
    for (const dial of [...this.dials]) this.dialFailed("TIMEOUT", dial);
    for (const peer of this.peers) peer.end();
    this.answerLookups();
    this.advance(600_000);
    expect(this.relay.census).toEqual({
      connections: 0,
      leases: 0,
      transactions: 0,
      dials: 0,
      pendingAuths: 0,
      releasing: 0,
      timers: 0,
      backlog: 0,
      held: 0,
    });
    expect(this.relay.deadline).toBe(Number.POSITIVE_INFINITY);
    for (const peer of this.peers) expect(peer.closed || peer.ended, `${peer.name} was left open`).toBe(true);
  }
}

export interface AuthSaid {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly expires?: number | string | undefined;
  readonly to?: string | undefined;
}

/** The other end of a connection of the relay, and its link. */
export class BenchPeer implements Link {
  readonly name: string;
  readonly peer: Peer;
  /** Its own MSRP URI. */
  readonly uri: string;
  /** What it was given in Use-Path. */
  lease: string;
  /** The relay has closed. */
  closed: boolean;
  /** The connection was reset from our side. */
  ended: boolean;
  /** Does the relay read from us? */
  reading: boolean;
  /** Everything that has arrived here, as an octet string. */
  arrived: string;
  readonly #bench: RelayBench;
  readonly #reader: Reader;
  readonly #ear: Ear;
  #feed: Feed | undefined;
  #waiting: Uint8Array[]; // written by the relay, not yet taken by the kernel
  #backlog: number;
  #stalled: boolean;
  #owesWritable: boolean;

  constructor(bench: RelayBench, name: string, secure: boolean, address = "192.0.2.1") {
    this.name = name;
    this.peer = { address, port: 40_000 + bench.peers.length, secure, names: [] };
    this.uri = `${secure ? "msrps" : "msrp"}://${name}.invalid:9999/${name}1;tcp`;
    this.lease = "";
    this.closed = false;
    this.ended = false;
    this.reading = true;
    this.arrived = "";
    this.#bench = bench;
    this.#ear = new Ear();
    this.#reader = new Reader(this.#ear, 64 * 1024);
    this.#feed = undefined;
    this.#waiting = [];
    this.#backlog = 0;
    this.#stalled = false;
    this.#owesWritable = false;
    bench.peers.push(this);
  }

  attach(feed: Feed): void {
    this.#feed = feed;
  }

  // ---- what the relay calls ----

  get backlog(): number {
    return this.#backlog;
  }

  write(source: Uint8Array, start: number, end: number): void {
    if (this.closed || this.ended) return;
    this.#waiting.push(copyOctets(source, start, end));
    this.#backlog += end - start;
    if (this.#backlog > LOW_MARK) this.#owesWritable = true;
  }

  setReading(on: boolean): void {
    this.reading = on;
  }

  close(): void {
    this.closed = true;
  }

  // ---- what the peer does ----

  /** Sends octets, cut as the bench says. */
  say(text: string): void {
    if (this.#bench.cut === "whole") this.sayPieces(text);
    else this.sayPieces(...text.split(""));
  }

  /** Sends each piece in a read of its own. */
  sayPieces(...pieces: string[]): void {
    for (const piece of pieces) {
      if (this.closed || this.ended) return;
      // A Buffer, as Node gives it: its slice is a view, and what was kept of that would be dashes soon.
      const borrowed = Buffer.from(octets(piece));
      (this.#feed as Feed).received(borrowed, this.#bench.now);
      borrowed.fill(0x2d);
      this.#bench.settle();
    }
  }

  /** Answers a request that arrived here, along the path it came by. */
  answer(heard: Heard, status: number | string, headers: string[] = []): void {
    const to = heard.what === "SEND" ? heard.from.slice(0, 1) : heard.from;
    this.say(request(heard.id, String(status), { to, from: heard.to.slice(0, 1), headers }));
  }

  /** The connection is reset: what the kernel had not taken is lost, and writes go nowhere. */
  end(): void {
    if (this.closed || this.ended) return;
    this.ended = true;
    (this.#feed as Feed).ended(this.#bench.now);
    this.#bench.settle();
  }

  /** We say that we send no more, and go on reading until the relay has closed. */
  finish(): void {
    if (this.closed || this.ended) return;
    (this.#feed as Feed).ended(this.#bench.now);
    this.#bench.settle();
    expect(this.closed).toBe(true);
  }

  /** The kernel takes nothing any more. */
  stall(): void {
    this.#stalled = true;
  }

  /** The kernel takes so many octets; without a number all of them, now and from now on. */
  take(count?: number): void {
    if (count === undefined) this.#stalled = false;
    this.#take(count ?? this.#backlog);
    this.#bench.settle();
  }

  /** After a turn. True when something moved. */
  flush(): boolean {
    if (this.#stalled || this.ended || this.#backlog === 0) return false;
    this.#take(this.#backlog);
    return true;
  }

  // ---- what the peer hears ----

  /** The frames that have arrived since the last call; one that is unfinished waits for the next. */
  heard(): Heard[] {
    expect(this.#ear.lostTo, `${this.name} cannot read what the relay wrote:\n${this.arrived}`).toBeUndefined();
    return this.#ear.frames.splice(0, this.#ear.frames.length - (this.#ear.open ? 1 : 0));
  }

  /** As `heard`, in a few words each; see `Heard.brief`. */
  briefs(): string[] {
    return this.heard().map((heard) => heard.brief);
  }

  /** The one frame that has arrived. */
  only(): Heard {
    const heard = this.heard();
    expect(heard.map(({ brief }) => brief)).toHaveLength(1);
    return heard[0] as Heard;
  }

  /** The frame whose end-line has not arrived yet. */
  get hearing(): Heard | undefined {
    return this.#ear.open ? this.#ear.frames.at(-1) : undefined;
  }

  // ---- AUTH ----

  /** AUTH, a challenge, AUTH again. Returns the URI of Use-Path, or "" when it was refused; then `heard` has the refusal. */
  authenticate(said: AuthSaid = {}): string {
    const challenge = this.challenge(said);
    if (challenge === undefined) return "";
    this.say(this.proof(challenge, said));
    const outcome = this.#ear.frames.find(({ id }) => id === "auth2");
    if (outcome?.what !== "200") return "";
    this.heard();
    return outcome.header("Use-Path") ?? "";
  }

  /** Asks for a challenge; undefined when something else came. */
  challenge({ to = authUri, expires }: AuthSaid = {}): Challenge | undefined {
    const headers = expires === undefined ? [] : [`Expires: ${expires}`];
    this.say(request("auth1", "AUTH", { to: [to], from: [this.uri], headers }));
    const answer = this.#ear.frames.find(({ id }) => id === "auth1");
    if (answer?.what !== "401") return undefined;
    this.heard();
    return chooseChallenge(answer.values("WWW-Authenticate"), { password: "secret" });
  }

  /** The AUTH that answers a challenge. */
  proof(challenge: Challenge, said: AuthSaid = {}, nonceCount = 1, id = "auth2"): string {
    const { user = "alice", password = "secret", to = authUri, expires } = said;
    const credential = { password };
    const answer = answerChallenge({ challenge, username: user, credential, uri: to, cnonce: "c0ffee", nonceCount });
    const headers = [`Authorization: ${answer?.authorization}`];
    if (expires !== undefined) headers.push(`Expires: ${expires}`);
    return request(id, "AUTH", { to: [to], from: [this.uri], headers });
  }

  #take(count: number): void {
    let left = Math.min(count, this.#backlog);
    this.#backlog -= left;
    while (left > 0) {
      const piece = this.#waiting[0] as Uint8Array;
      const taken = piece.subarray(0, left);
      if (taken.length === piece.length) this.#waiting.shift();
      else this.#waiting[0] = piece.subarray(left);
      left -= taken.length;
      this.arrived += octetString(taken);
      this.#reader.read(taken);
    }
    if (!this.#owesWritable || this.#backlog >= LOW_MARK) return;
    this.#owesWritable = false;
    if (!this.closed && !this.ended) this.#feed?.writable(this.#bench.now);
  }
}

/** A frame as it arrived at a peer. All texts are octet strings. */
export class Heard {
  readonly id: string;
  /** The method, or the digits of the status. */
  readonly what: string;
  /** Header lines in their order, without CRLF. */
  readonly lines: readonly string[];
  /** undefined: no blank line. */
  body: string | undefined;
  /** Empty while the end-line has not come. */
  flag: string;

  constructor(head: Head) {
    this.id = head.transactId();
    this.what = head.method();
    this.lines = Array.from({ length: head.headerCount }, (_, line) =>
      octetString(
        head.octets,
        head.base + (head.lineStarts[line] as number),
        head.base + (head.lineEnds[line] as number) - 2,
      ),
    );
    this.body = head.hasBody ? "" : undefined;
    this.flag = "";
    expect(head.flaw, `${this.what} ${this.lines.join("\n")}`).toBeUndefined();
    if (head.kind === RESPONSE) expect(head.status).toBeGreaterThanOrEqual(0);
  }

  get to(): string[] {
    return (this.header("To-Path") ?? "").split(" ");
  }

  get from(): string[] {
    return (this.header("From-Path") ?? "").split(" ");
  }

  header(name: string): string | undefined {
    return this.values(name)[0];
  }

  values(name: string): string[] {
    const start = `${name.toLowerCase()}:`;
    return this.lines
      .filter((line) => line.toLowerCase().startsWith(start))
      .map((line) => line.slice(start.length).trim());
  }

  /** Header lines other than the paths. */
  get others(): string[] {
    return this.lines.filter((line) => !/^(To|From)-Path:/i.test(line));
  }

  /**
   * `t111 200` for a response, `REPORT m111 1-5/5 408` for a REPORT, `SEND 1-5/5 hello$` for a SEND, the method alone for
   * anything else.
   */
  get brief(): string {
    const range = this.header("Byte-Range") ?? "-";
    if (/^\d/.test(this.what)) return `${this.id} ${this.what}`;
    if (this.what === "SEND") return `SEND ${range} ${this.body ?? ""}${this.flag}`;
    if (this.what !== "REPORT") return this.what;
    return `REPORT ${this.header("Message-ID")} ${range} ${this.header("Status")?.split(" ")[1]}`;
  }
}

/** Collects what a Reader tells. */
class Ear implements FrameSink {
  readonly frames: Heard[];
  open: boolean;
  lostTo: Fault | undefined;

  constructor() {
    this.frames = [];
    this.open = false;
    this.lostTo = undefined;
  }

  head(head: Head): void {
    this.frames.push(new Heard(head));
    this.open = true;
  }

  body(source: Uint8Array, start: number, stop: number): void {
    const frame = this.frames.at(-1) as Heard;
    frame.body = (frame.body ?? "") + octetString(source, start, stop);
  }

  end(flag: number): void {
    (this.frames.at(-1) as Heard).flag = String.fromCharCode(flag);
    this.open = false;
  }

  lost(fault: Fault): void {
    this.lostTo = fault;
  }
}

/** A SEND from one client to another through both their leases. */
export function between(from: BenchPeer, to: BenchPeer, said: Partial<SendSaid> = {}): SendSaid {
  const own = from.lease === "" ? [] : [from.lease];
  return { to: [...own, to.lease, to.uri], from: [from.uri], ...said };
}
