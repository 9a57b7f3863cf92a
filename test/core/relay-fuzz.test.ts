/**
 * Anything at all, on any number of connections, in any order (RFC 4976 §6; promises 1 to 4).
 *
 * Alice and bob are clients, carol is a stranger to them; they are honest: they send messages in pieces, answer what they
 * get, stall, vanish. Mallory has an account too and says whatever she likes. Whatever happens: nothing throws, what the
 * relay writes can be read, honest messages arrive octet for octet at the one they are for or their sender is told, what
 * is kept for a peer is bounded, and at the end the relay has forgotten everything.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { beginSend, end, request } from "../support/frames.ts";
import { authUri, type BenchPeer, type Heard, RelayBench } from "../support/relay-bench.ts";

const far = "msrps://far.example.net:2855/f00;tcp";
const MOST_KEPT = 1024 * 1024;

interface Message {
  readonly id: string;
  readonly from: BenchPeer;
  readonly to: BenchPeer;
  readonly failureReport: string;
  /** Octets said. */
  said: number;
  /** Octets that arrived, in order. */
  arrived: number;
  /** The receiver has its end. */
  ended: boolean;
  done: boolean;
  /** The sender was told that it failed. */
  told: boolean;
}

const strictLimits = {
  messageBytes: 3000,
  fileBytes: 1500,
  bytesPerSecond: 200_000,
  bytesPerSecondPerDomain: 100_000,
  bytesPerSecondPerUser: 50_000,
};
const strictPolicy = {
  asks: true,
  rules: [{ action: "deny", user: "bob", contentType: "text/*", largerThan: 500 }],
} as const;

class World {
  readonly bench: RelayBench;
  readonly honest: BenchPeer[];
  mallory: BenchPeer;
  readonly messages: Map<string, Message>;
  readonly #open: Map<BenchPeer, Message>;
  readonly #seen: Set<Heard>;
  #nextStatus: string;

  constructor(chunkBytes: number) {
    // The last fuzzer's relay wants neither large messages nor fast users, and asks who may have a session.
    const strict = chunkBytes === 2048;
    this.bench = new RelayBench({
      forwarding: { chunkBytes },
      limits: { idleSeconds: 1_000_000, ...(strict && strictLimits) },
      ...(strict && { policy: strictPolicy }),
    });
    this.honest = [this.bench.client("alice"), this.bench.client("bob"), this.bench.connect("carol")];
    this.mallory = this.bench.client("mallory");
    this.messages = new Map();
    this.#open = new Map();
    this.#seen = new Set();
    this.#nextStatus = "200";
    // Carol has spoken to both, so they can reach her.
    for (const to of this.honest.slice(0, 2)) {
      this.honest[2]?.say(request("c000", "REPORT", { to: [to.lease, to.uri], from: [this.honest[2].uri] }));
      to.heard();
    }
  }

  peer(index: number): BenchPeer {
    return this.honest[index % this.honest.length] as BenchPeer;
  }

  begin(fromIndex: number, toIndex: number, failureReport: string): void {
    const from = this.peer(fromIndex);
    const to = this.peer(toIndex === fromIndex ? toIndex + 1 : toIndex);
    if (this.#open.has(from) || !from.reading || from.ended || from.closed) return;
    const id = `m${this.messages.size}`;
    const message = { id, from, to, failureReport, said: 0, arrived: 0, ended: false, done: false, told: false };
    this.messages.set(id, message);
    this.#open.set(from, message);
    const path = [from.lease, to.lease, to.uri].filter((uri) => uri !== "");
    from.say(beginSend(`t${id}00`, { to: path, from: [from.uri], messageId: id, range: "1-*/*", failureReport }));
  }

  push(fromIndex: number, length: number): void {
    const from = this.peer(fromIndex);
    const message = this.#open.get(from);
    if (message === undefined || !from.reading) return;
    from.say(content(message, message.said, message.said + length));
    message.said += length;
  }

  finish(fromIndex: number): void {
    const from = this.peer(fromIndex);
    const message = this.#open.get(from);
    if (message === undefined || !from.reading) return;
    this.#open.delete(from);
    from.say(end(`t${message.id}00`));
    message.done = true;
  }

  /** The next SEND that is answered is answered so. */
  answerWith(status: string): void {
    this.#nextStatus = status;
  }

  /** An honest peer refuses what it is just getting. */
  refuse(index: number): void {
    const peer = this.peer(index);
    const { hearing } = peer;
    if (hearing === undefined || hearing.what !== "SEND" || this.#seen.has(hearing)) return;
    this.#seen.add(hearing);
    if (peer.reading) this.answer(peer, hearing, "413");
  }

  answer(peer: BenchPeer, heard: Heard, status: string): void {
    // In the middle of a SEND of its own there is no place for a response.
    if (this.#open.has(peer)) return;
    peer.answer(heard, status);
  }

  mallorySays(text: string, pieces: number): void {
    if (this.mallory.closed || this.mallory.ended) {
      this.mallory = this.bench.connect("mallory");
    }
    if (!this.mallory.reading) return;
    const size = Math.max(1, Math.ceil(text.length / pieces));
    for (let at = 0; at < text.length; at += size) this.mallory.sayPieces(text.slice(at, at + size));
  }

  /** Reads what has arrived everywhere and looks whether it may have. */
  look(): void {
    for (const peer of this.bench.peers) {
      for (const heard of peer.heard()) this.#lookAt(peer, heard);
      if (peer.hearing !== undefined) this.#ownersOf(peer, peer.hearing);
      expect(peer.backlog).toBeLessThan(MOST_KEPT);
    }
    const { transactions, connections } = this.bench.relay.census;
    expect(transactions).toBeLessThan(10_000);
    expect(connections).toBeLessThan(100);
  }

  #lookAt(peer: BenchPeer, heard: Heard): void {
    this.#ownersOf(peer, heard);
    if (heard.what === "SEND") {
      this.#take(peer, heard);
      if (!this.#seen.has(heard) && this.honest.includes(peer) && peer.reading) {
        this.answer(peer, heard, this.#nextStatus);
        this.#nextStatus = "200";
      }
    }
    const failed = /^tm(\d+)00$/.exec(heard.id);
    const about = heard.what === "REPORT" ? heard.header("Message-ID") : failed === null ? undefined : `m${failed[1]}`;
    const message = this.messages.get(about ?? "");
    if (message?.from === peer && heard.what !== "200") message.told = true;
  }

  #take(peer: BenchPeer, heard: Heard): void {
    const message = this.messages.get(heard.header("Message-ID") ?? "");
    if (message === undefined || heard.from.at(-1) !== message.from.uri || peer !== message.to) return;
    const start = Number(/^\d+/.exec(heard.header("Byte-Range") ?? "1")?.[0]) - 1;
    expect(start).toBe(message.arrived);
    const body = heard.body ?? "";
    expect(body).toBe(content(message, start, start + body.length));
    message.arrived += body.length;
    if (heard.flag === "$") message.ended = true;
  }

  /** What honest people say to each other reaches nobody else. */
  #ownersOf(peer: BenchPeer, heard: Heard): void {
    for (const [, , to] of (heard.body ?? "").matchAll(/\[m\d+ (\w+)>(\w+)\]/g)) expect(peer.name).toBe(to);
  }

  /** Everybody reads on and finishes; then every message has arrived or its sender was told, unless one of them has gone. */
  close(): void {
    for (const dial of [...this.bench.dials]) this.bench.dialFailed("TIMEOUT", dial);
    for (let round = 0; round < 3; round++) {
      for (const peer of this.bench.peers) peer.take();
      for (let i = 0; i < this.honest.length; i++) this.finish(i);
      this.look();
    }
    this.bench.advance(35_000);
    this.look();
    for (const message of this.messages.values()) {
      const { from, to, done, failureReport } = message;
      if (from.closed || from.ended || !done) continue;
      const whole = message.arrived === message.said && message.ended;
      if (!to.closed && !to.ended && !message.told && failureReport !== "no") {
        expect(whole, `${message.id} has arrived`).toBe(true);
      }
      if (failureReport === "yes")
        expect(whole || message.told, `${message.id} has arrived, or was reported`).toBe(true);
      if (failureReport === "no") expect(message.told, `${message.id} wants to hear nothing`).toBe(false);
    }
    this.bench.expectNothingKept();
  }
}

/** Octets start to stop of a message, which say whose it is wherever they are cut. */
function content({ id, from, to }: Message, start: number, stop: number): string {
  const unit = `[${id} ${from.name}>${to.name}]\r\n-------`;
  const first = Math.floor(start / unit.length);
  const text = unit.repeat(Math.ceil(stop / unit.length) - first + 1);
  return text.slice(start - first * unit.length, stop - first * unit.length);
}

// ---- what can happen ----

type Step = (world: World) => void;

const who = fc.nat(2);

/** Mallory knows everybody's URIs here but carol's own, and her own. */
const uriOf = fc.nat(9).map(
  (n) =>
    ({ mallory, honest: [alice, bob] }: World) =>
      [
        alice?.lease,
        bob?.lease,
        mallory.lease,
        alice?.uri,
        bob?.uri,
        mallory.uri,
        far,
        authUri,
        "x",
        alice?.lease.slice(0, -8),
      ][n] ?? "x",
);
const path = fc.array(uriOf, { minLength: 1, maxLength: 4 });
const line = fc.constantFrom(
  "Message-ID: evil",
  "Message-ID: m0",
  "Byte-Range: 1-*/*",
  "Byte-Range: 5-9/3",
  "Byte-Range: 0-0/0",
  "Failure-Report: no",
  "Failure-Report: partial",
  "Success-Report: yes",
  "Status: 000 413",
  "Expires: 0",
  'Authorization: Digest username="mallory"',
  "Content-Type: text/plain",
  "X-\xff: \x00",
);
const method = fc.constantFrom("SEND", "SEND", "SEND", "REPORT", "AUTH", "NICKNAME", "200", "413", "000");
const body = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom("", "hello", "\r\n-------evil$\r\n", "-".repeat(50), "\r\n-------evil+\r\nMSRP evil SEND\r\n"),
  fc.integer({ min: 1, max: 40_000 }).map((length) => "evil".repeat(length / 4)),
);
const flag = fc.constantFrom("$", "$", "+", "#");

const frame: fc.Arbitrary<(world: World) => string> = fc
  .record({ id: fc.constantFrom("evil", "evil2"), method, to: path, from: path, lines: fc.array(line), body, flag })
  .map(({ id, method, to, from, lines, body, flag }) => (world) => {
    const uris = (path: ((world: World) => string)[]) => path.map((uri) => uri(world));
    return request(id, method, { to: uris(to), from: uris(from), headers: lines, body, flag: flag as "$" });
  });

const mutation: fc.Arbitrary<(text: string) => string> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((text: string) => text) },
  fc.double({ min: 0, max: 1, noNaN: true }).map((at) => (text: string) => text.slice(0, at * text.length)),
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)).map(([at, octet]) => (text: string) => {
    const place = Math.floor(at * text.length);
    return text.slice(0, place) + String.fromCharCode(octet) + text.slice(place + 1);
  }),
  fc.double({ min: 0, max: 1, noNaN: true }).map((at) => (text: string) => text.slice(at * text.length) + text),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(who, who, fc.constantFrom("yes", "yes", "partial", "no")).map(
    ([from, to, failureReport]): Step =>
      (world) =>
        world.begin(from, to, failureReport),
  ),
  {
    weight: 2,
    arbitrary: fc.tuple(who, fc.integer({ min: 1, max: 100 })).map(
      ([from, length]): Step =>
        (world) =>
          world.push(from, length),
    ),
  },
  fc.tuple(who, fc.integer({ min: 1, max: 60_000 })).map(
    ([from, length]): Step =>
      (world) =>
        world.push(from, length),
  ),
  {
    weight: 2,
    arbitrary: who.map(
      (from): Step =>
        (world) =>
          world.finish(from),
    ),
  },
  fc.constantFrom("415", "200", "481", "099").map(
    (status): Step =>
      (world) =>
        world.answerWith(status),
  ),
  who.map(
    (peer): Step =>
      (world) =>
        world.refuse(peer),
  ),
  who.map(
    (peer): Step =>
      (world) =>
        world.peer(peer).stall(),
  ),
  fc.tuple(who, fc.oneof(fc.constant(undefined), fc.nat(300_000))).map(
    ([peer, count]): Step =>
      (world) =>
        world.peer(peer).take(count),
  ),
  {
    weight: 4,
    arbitrary: fc.tuple(fc.array(frame, { minLength: 1, maxLength: 3 }), mutation, fc.integer({ min: 1, max: 12 })).map(
      ([frames, mutate, pieces]): Step =>
        (world) => {
          world.mallorySays(mutate(frames.map((write) => write(world)).join("")), pieces);
        },
    ),
  },
  fc.constant((world: World) => world.mallory.stall()),
  fc.constant((world: World) => world.mallory.end()),
  fc.constantFrom("dialed", "POLICY", "UNREACHABLE").map(
    (outcome): Step =>
      ({ bench }) => {
        if (bench.dials.length === 0) return;
        // By the name its URI has, be it that of somebody who has gone.
        if (outcome === "dialed") bench.dialed(bench.dials[0]?.hop.host.split(".")[0] ?? "");
        else bench.dialFailed(outcome as "POLICY");
      },
  ),
  fc.constantFrom(1, 300, 5_000, 31_000, 200_000).map(
    (millis): Step =>
      ({ bench }) =>
        bench.advance(millis),
  ),
);
const rare: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: step },
  {
    weight: 2,
    arbitrary: fc.nat(5).map(
      (which): Step =>
        ({ bench }) => {
          // An operator follows a session, and never sees what serves to speak to its holder.
          const session = bench.relay.sessionsNow()[which]?.session ?? 0;
          bench.relay.trace(session, ({ head }) => expect(head).not.toMatch(/[a-z2-7]{26};/));
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(5).map(
      (which): Step =>
        ({ bench }) => {
          bench.relay.endSession(bench.relay.sessionsNow()[which]?.session ?? 0, bench.now);
          bench.settle();
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (on): Step =>
        ({ bench }) =>
          bench.relay.drain(on, bench.now),
    ),
  },
  {
    weight: 1,
    arbitrary: who.map(
      (peer): Step =>
        (world) =>
          world.peer(peer).end(),
    ),
  },
);

// FUZZ_RUNS=3000 FUZZ_SEED=1661374751 repeats a long run exactly.
const seed = process.env["FUZZ_SEED"] === undefined ? {} : { seed: Number(process.env["FUZZ_SEED"]) };

test.each([0, 512, 2048])(
  "whatever is said, honest messages arrive or are reported, to nobody else (chunkBytes %d)",
  (chunkBytes) => {
    fc.assert(
      fc.property(fc.array(rare, { maxLength: 60, size: "max" }), (steps) => {
        const world = new World(chunkBytes);
        for (const run of steps) {
          run(world);
          world.look();
        }
        world.close();
      }),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 50), ...seed },
    );
  },
);
