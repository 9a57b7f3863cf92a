/**
 * Whole relays and clients on a network in memory, with a clock that jumps to the next thing that can happen.
 *
 *     const net = new SimNetwork({ seed: 4976, latency: [1, 40], cutAnywhere: true });
 *     const [relay, alice, bob] = [net.relay("relay.example.com"), net.client("alice"), net.client("bob")];
 *     net.introduce(alice, relay, bob, relay);
 *     bob.mute();
 *     alice.send(bob, octets(2000));
 *     net.advance(31_000);
 *     expect(alice.reports).toEqual([{ status: 408, from: … }]);
 *
 * Everything is decided by the seed. Relays and clients run through the shared driver, as they do in the runtimes, so
 * the two laws of core/ports.ts are tested along the way: the network spoils every buffer it has lent.
 */
import type { Authentication, DialFailure, EndpointLimits } from "../../core/mod.ts";
import { Dice } from "./sim/dice.ts";
import { Ledger } from "./sim/ledger.ts";
import type { PipeShape, TakeStyle } from "./sim/pipe.ts";
import { SimClient, type Talk } from "./sim/sim-client.ts";
import { SimClock } from "./sim/sim-clock.ts";
import { SimRelay, type SimRelayOptions } from "./sim/sim-relay.ts";
import { type End, Wire } from "./sim/wire.ts";

export interface SimOptions {
  readonly seed: number;
  /** One way, from and to, in milliseconds; each direction of each connection has its own. */
  readonly latency?: readonly [number, number];
  /** Cut reads anywhere, down to single octets. */
  readonly cutAnywhere?: boolean;
  /** Octets in a millisecond, from and to. */
  readonly bandwidth?: readonly [number, number];
  /** Octets that a connection holds in each direction before a write has to wait, from and to. */
  readonly buffer?: readonly [number, number];
  /** How kernels take writes; all the ways there are, unless said otherwise. */
  readonly takes?: readonly TakeStyle[];
}

/** What a dial comes to. */
export interface Dialing {
  opened(end: End): void;
  failed(why: DialFailure): void;
}

/** More events than this without an end: something goes round in circles. */
const MOST_STEPS = 3_000_000;

export class SimNetwork {
  readonly seed: number;
  readonly clock: SimClock;
  readonly dice: Dice;
  readonly ledger: Ledger;
  /** Every connection there ever was. */
  readonly wires: { readonly wire: Wire; readonly from: string; readonly to: string }[];
  readonly relays: Map<string, SimRelay>;
  readonly clients: SimClient[];
  /** Octets in a millisecond, by the name of whoever dials, for those who are not like the others. */
  readonly paces: Map<string, number>;
  readonly #options: Required<SimOptions>;
  readonly #users: Set<string>;
  /** What was thrown where nothing may be thrown. */
  readonly #bugs: { readonly at: string; readonly bug: unknown }[];

  constructor(options: SimOptions) {
    this.#options = {
      latency: [5, 5],
      cutAnywhere: false,
      bandwidth: [12_500, 12_500],
      buffer: [128 * 1024, 128 * 1024],
      takes: ["whole", "some", "drain"],
      ...options,
    };
    this.seed = options.seed;
    this.clock = new SimClock();
    this.dice = new Dice(options.seed);
    this.ledger = new Ledger();
    this.wires = [];
    this.relays = new Map();
    this.clients = [];
    this.paces = new Map();
    this.#users = new Set();
    this.#bugs = [];
  }

  // ---- who is there ----

  relay(name: string, options: SimRelayOptions = {}): SimRelay {
    const relay = new SimRelay(this, name, options);
    this.relays.set(name, relay);
    return relay;
  }

  client(name: string, limits: Partial<EndpointLimits> = {}): SimClient {
    const client = new SimClient(this, name, limits);
    this.clients.push(client);
    this.#users.add(name);
    return client;
  }

  /** A name and password that relays know. */
  addUser(name: string): void {
    this.#users.add(name);
  }

  hasUser(name: string): boolean {
    return this.#users.has(name);
  }

  /** Connects to a relay by name. */
  dial(from: string, host: string, port: number, delay: number, outcome: Dialing): void {
    const latency = this.latency();
    this.clock.in(delay + latency, () => {
      const relay = this.relays.get(host);
      if (relay === undefined) return outcome.failed("UNRESOLVED");
      if (relay.port !== port) return outcome.failed("UNREACHABLE");
      const wire = new Wire(this.clock, this.dice.fork(), {
        there: this.#shape(latency, from),
        back: this.#shape(latency, from),
      });
      this.wires.push({ wire, from, to: host });
      relay.accept(wire.acceptor, `${from}.address`);
      this.clock.in(latency, () => outcome.opened(wire.dialer));
    });
  }

  /** One way between two hosts. */
  latency(): number {
    const [least, most] = this.#options.latency;
    return this.dice.between(least, most);
  }

  // ---- sessions ----

  /**
   * Gives two clients a session, each through its own relay: both authenticate, and hear of each other's path by what
   * SIP would be in life.
   *
   * @param then  hears the two sides, unless something went wrong on the way
   */
  meet(
    a: SimClient,
    relayOfA: SimRelay,
    b: SimClient,
    relayOfB: SimRelay,
    then: (a: Talk, b: Talk) => void = () => {},
  ): void {
    const together = (ofA: Authentication | undefined, ofB: Authentication | undefined) => {
      if (ofA === undefined || ofB === undefined) return;
      // One of them may have lost its connection meanwhile, and its URI with it.
      const there = a.presence?.over === false && b.presence?.over === false;
      if (!there || presenceOfA !== a.presence || presenceOfB !== b.presence) return;
      then(a.open(b.name, ofA, ofB.sdpPath), b.open(a.name, ofB, ofA.sdpPath));
    };
    let presenceOfA: unknown;
    let presenceOfB: unknown;
    a.authenticate(relayOfA, (ofA) => {
      presenceOfA = a.presence;
      // Out of the driver of one, before we enter the other's.
      this.clock.in(this.latency(), () =>
        b.authenticate(relayOfB, (ofB) => {
          presenceOfB = b.presence;
          this.clock.in(this.latency(), () => together(ofA, ofB));
        }),
      );
    });
  }

  /** The same, at once; a test cannot go on without it. */
  introduce(a: SimClient, relayOfA: SimRelay, b: SimClient, relayOfB: SimRelay = relayOfA): [Talk, Talk] {
    let talks: [Talk, Talk] | undefined;
    this.meet(a, relayOfA, b, relayOfB, (ofA, ofB) => {
      talks = [ofA, ofB];
    });
    this.until(() => talks !== undefined, `${a.name} and ${b.name} to meet`);
    return talks as unknown as [Talk, Talk];
  }

  // ---- time ----

  /** Lets everything happen in the next so many milliseconds. */
  advance(millis: number): void {
    const end = this.clock.time + millis;
    while (this.#step(end));
    this.clock.time = end;
    this.check();
  }

  /** Lets everything happen that does not wait for a timer. */
  settle(work?: () => void): void {
    work?.();
    while (!this.clock.quiet) this.#step(Number.POSITIVE_INFINITY);
    this.check();
  }

  /** Runs until something is the case. */
  until(condition: () => boolean, what: string, millis = 60_000): void {
    const end = this.clock.time + millis;
    while (!condition()) {
      if (!this.#step(end)) {
        this.check();
        throw new Error(`seed ${this.seed}: waited in vain for ${what}`);
      }
    }
  }

  // ---- what must hold ----

  bug(at: string, bug: unknown): void {
    this.#bugs.push({ at, bug });
  }

  /** Throws when something has happened that must never happen. */
  check(): void {
    const [bug] = this.#bugs;
    if (bug !== undefined) throw new Error(`seed ${this.seed}: a bug at ${bug.at}`, { cause: bug.bug });
    const [wrong] = this.ledger.wrongs;
    if (wrong !== undefined) throw new Error(`seed ${this.seed}: ${wrong}`);
  }

  #step(end: number): boolean {
    if (!this.clock.step(end)) return false;
    for (const relay of this.relays.values()) relay.measure();
    if (this.clock.steps > MOST_STEPS) throw new Error(`seed ${this.seed}: ${MOST_STEPS} events and no end of it`);
    return true;
  }

  #shape(latency: number, from: string): PipeShape {
    const { bandwidth, buffer, cutAnywhere, takes } = this.#options;
    return {
      latency,
      bandwidth: this.paces.get(from) ?? this.dice.between(...bandwidth),
      buffer: this.dice.between(...buffer),
      style: this.dice.pick(takes),
      cutAnywhere,
    };
  }
}

/** Octets to send: random, with much among them that looks like MSRP. Views of one large pool, which nobody changes. */
export function octets(length: number, from = 0): Uint8Array {
  pool ??= makePool();
  if (from + length <= pool.length) return pool.subarray(from, from + length);
  const long = new Uint8Array(length);
  for (let at = 0; at < length; at += pool.length) long.set(pool.subarray(0, Math.min(pool.length, length - at)), at);
  return long;
}

let pool: Uint8Array | undefined;
const POOL = 1 << 20;

function makePool(): Uint8Array {
  const made = new Uint8Array(POOL);
  const dice = new Dice(4975);
  dice.fill(made);
  const traps = [
    "\r\n-------",
    "\r\n",
    "-------",
    "\r\n-------abcd$\r\n",
    "MSRP abcd SEND\r\n",
    "\r\n\r\n",
    "$\r\n",
    "----------",
  ];
  for (let at = 0; at < POOL - 64; at += dice.between(1, 400)) {
    const trap = dice.pick(traps);
    for (let i = 0; i < trap.length; i++) made[at + i] = trap.charCodeAt(i);
  }
  return made;
}
