/** The numbers for metrics: what they count, and that no stranger can make more of them. */
import { beforeEach, describe, expect, test } from "vitest";
import type { FrameCounts } from "../../../core/mod.ts";
import { beginSend, end, request, send } from "../../support/frames.ts";
import { authUri, type BenchPeer, between, cuts, type Heard, RelayBench } from "../../support/relay-bench.ts";

const far = "msrps://far.example.net:2855/f;tcp";

let bench: RelayBench;
let alice: BenchPeer;
let bob: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
  bob = bench.client("bob");
});

test("frames are counted by direction and method, octets by direction", () => {
  const before = bench.relay.counters;
  expect(before).toMatchObject({
    framesIn: { SEND: 0, REPORT: 0, AUTH: 4, other: 0, response: 0 },
    framesOut: { SEND: 0, REPORT: 0, AUTH: 0, other: 0, response: 4 },
    responsesOut: { 200: 2, 401: 2 },
  });
  const frame = send("t111", between(alice, bob, { body: "hello" }));
  alice.say(frame);
  bob.answer(bob.only(), 200);
  alice.say(request("t112", "NICKNAME", between(alice, bob)));
  bob.say(request("r111", "REPORT", { ...between(bob, alice), headers: ["Message-ID: m111"] }));
  const after = bench.relay.counters;
  expect(after).toMatchObject({
    framesIn: { SEND: 1, REPORT: 1, AUTH: 4, other: 1, response: 1 },
    framesOut: { SEND: 1, REPORT: 1, AUTH: 0, other: 1, response: 5 },
    responsesIn: { 200: 1 },
    responsesOut: { 200: 3, 401: 2 },
    bodyBytesIn: 5,
    bodyBytesOut: 5,
  });
  expect(after.bytesOut).toBe(alice.arrived.length + bob.arrived.length);
});

describe("octets of frames are counted by direction and method, from start line to end-line", () => {
  const none = { SEND: 0, REPORT: 0, AUTH: 0, other: 0, response: 0 };

  /** Found by what frames are made of and not by our Reader (RFC 4975 §9). */
  function octetsOf(wire: string): FrameCounts {
    const sums = { ...none };
    const rest = wire.replace(/MSRP (\S+) (\S+)[^]*?\r\n-------\1[$+#]\r\n/g, (frame, _id, what: string) => {
      const method = /^\d/.test(what) ? "response" : what;
      sums[method in none ? (method as keyof FrameCounts) : "other"] += frame.length;
      return "";
    });
    expect(rest).toBe("");
    return sums;
  }
  const total = (counts: FrameCounts) => Object.values(counts).reduce((sum, some) => sum + some, 0);

  function expectExact(said: string): void {
    const { frameBytesIn, frameBytesOut, bytesIn, bytesOut } = bench.relay.counters;
    const sums = octetsOf(said);
    expect(frameBytesIn).toEqual({ ...sums, AUTH: frameBytesIn.AUTH });
    expect(frameBytesOut).toEqual(octetsOf(bench.peers.map(({ arrived }) => arrived).join("")));
    expect(total(frameBytesIn)).toBe(bytesIn);
    expect(total(frameBytesOut)).toBe(bytesOut);
  }

  test.each(cuts)("of every kind, sent %s", (cut) => {
    bench = new RelayBench({ cut });
    alice = bench.connect("alice");
    const auth = request("auth1", "AUTH", { to: [authUri], from: [alice.uri] });
    alice.say(auth);
    expect(bench.relay.counters.frameBytesIn).toEqual({ ...none, AUTH: auth.length });
    expect(bench.relay.counters.frameBytesOut).toEqual({ ...none, response: alice.arrived.length });
    alice = bench.client("alice");
    bob = bench.client("bob");
    let said = "";
    const say = (peer: BenchPeer, text: string) => {
      said += text;
      peer.say(text);
    };
    const okay = ({ id, to, from }: Heard) =>
      say(bob, request(id, "200 OK", { to: from.slice(0, 1), from: to.slice(0, 1) }));
    for (const body of [undefined, "", "hello", "-------m111$", "x".repeat(6000)]) {
      say(alice, send("t111", between(alice, bob, { body, range: "1-*/*" })));
      for (const heard of bob.heard()) okay(heard);
    }
    say(alice, request("t112", "NICKNAME", between(alice, bob)));
    const { id, to, from } = bob.only();
    say(bob, request(id, "403 Not today", { to: from, from: to.slice(0, 1) }));
    say(bob, request("r111", "REPORT", { ...between(bob, alice), headers: ["Message-ID: m111"] }));
    say(bob, send("t113", between(bob, alice, { body: "refused", messageId: "" })));
    say(alice, send("t114", between(alice, bob, { body: "never answered" })));
    bench.advance(31_000);
    // One REPORT was forwarded, and one is ours.
    expect(bench.relay.counters.framesOut).toMatchObject({ REPORT: 2, other: 1 });
    expectExact(said);
  });

  test("of one that is cut anywhere", () => {
    let said = "";
    for (const body of ["hello", undefined]) {
      const frame = send("t111", between(alice, bob, { body, failureReport: "no" }));
      for (let at = 1; at < frame.length; at++) {
        alice.sayPieces(frame.slice(0, at), frame.slice(at));
        said += frame;
        expect(bench.relay.counters.frameBytesIn.SEND).toBe(said.length);
      }
    }
    expectExact(said);
  });

  test("of one that comes in pieces and is interrupted on its way, once its end has come", () => {
    const carol = bench.client("carol");
    const [first, last] = ["a".repeat(50_000), "b".repeat(70_000)];
    const beginning = beginSend("t111", between(alice, bob, { failureReport: "no", range: "1-*/120000" }));
    const other = send("t222", between(carol, bob, { failureReport: "no", body: "a word" }));
    alice.sayPieces(beginning, first);
    carol.say(other);
    expect(bench.relay.counters).toMatchObject({ interrupts: 1, frameBytesIn: { SEND: other.length } });
    const { frameBytesOut, bytesOut } = bench.relay.counters;
    expect(total(frameBytesOut)).toBe(bytesOut);
    alice.sayPieces(last, end("t111"));
    expect(bob.heard().map(({ flag }) => flag)).toEqual(["+", "$", "$"]);
    expectExact(other + beginning + first + last + end("t111"));
  });

  test("not of one whose sender goes in the middle, though what was passed on of it was written", () => {
    alice.say(`${beginSend("t111", between(alice, bob, { range: "1-*/120000" }))}${"a".repeat(50_000)}`);
    alice.end();
    const { frameBytesIn, frameBytesOut, bytesOut } = bench.relay.counters;
    expect(frameBytesIn.SEND).toBe(0);
    expect(total(frameBytesOut)).toBe(bytesOut);
    expect(bob.heard().map(({ flag }) => flag)).toEqual(["+"]);
  });
});

test("octets of connections that have gone stay counted", () => {
  const { bytesOut } = bench.relay.counters;
  alice.end();
  bob.end();
  expect(bench.relay.counters.bytesOut).toBe(bytesOut);
});

test("a status that no RFC knows is counted with all others of that kind", () => {
  for (const status of ["299", "298"]) {
    alice.say(send("t111", between(alice, bob)));
    bob.answer(bob.only(), status);
  }
  expect(bench.relay.counters.responsesIn).toEqual({ other: 2 });
});

describe("AUTHs are counted by domain and outcome", () => {
  test("and those for a domain that is not ours, whatever its name, in one place", () => {
    alice.say(alice.proof(alice.challenge() as never, { password: "guess" }));
    for (const host of ["one.example", "two.example", "__proto__", "constructor"]) {
      const eve = bench.connect("eve");
      eve.say(request("t111", "AUTH", { to: [`msrps://${host};tcp`], from: [eve.uri] }));
    }
    expect(bench.relay.counters.auths).toEqual({
      "example.com": { AUTH_CHALLENGED: 3, OK: 2, AUTH_WRONG: 1 },
      "example.net": {},
      "": { NOT_FOR_US: 4 },
    });
  });

  test("and each that is refused is told with its user and domain, but at most 32 a minute of a connection", () => {
    const eve = bench.connect("eve");
    eve.say(send("t000", between(eve, alice, { failureReport: "no" })));
    const challenge = eve.challenge() as never;
    const refused = () => bench.happenings.filter(({ type }) => type === "authRefused");
    expect(refused()).toEqual([]);
    for (let i = 1; i <= 100; i++) eve.say(eve.proof(challenge, { user: "eve", expires: 1 }, i));
    expect(refused()).toHaveLength(32);
    expect(refused()[0]).toEqual({
      type: "authRefused",
      fault: "EXPIRES_TOO_SHORT",
      connection: 3,
      peer: eve.peer,
      listener: "public",
      user: "eve",
      domain: "example.com",
    });
    bench.advance(60_000);
    eve.say(eve.proof(challenge, { user: "eve", expires: 1 }, 101));
    expect(refused()).toHaveLength(33);
    expect(bench.relay.counters.auths["example.com"]?.EXPIRES_TOO_SHORT).toBe(101);
  });

  test("and one that cannot be read at all, or that goes to another relay and cannot, is told as well", () => {
    alice.say(request("t111", "AUTH", { to: [authUri], from: [alice.uri], headers: ["X-Odd: \x00"] }));
    expect(bench.last("authRefused")).toMatchObject({ fault: "HEADER_VALUE", connection: 1 });
    alice.say(request("t112", "AUTH", { to: [alice.lease, far.replace("msrps", "msrp")], from: [alice.uri] }));
    expect(bench.last("authRefused")).toMatchObject({ fault: "NEXT_HOP_REFUSED", connection: 1 });
    expect(bench.relay.counters.auths[""]).toEqual({ HEADER_VALUE: 1, NEXT_HOP_REFUSED: 1 });
  });

  test("and one that is only half good is told with what could be read", () => {
    const eve = bench.connect("eve", "plain");
    eve.say(request("t111", "AUTH", { to: [authUri], from: [eve.uri] }));
    const told = bench.last("authRefused");
    expect(told).toMatchObject({ fault: "AUTH_NOT_SECURE", domain: "example.com", listener: "plain" });
    expect(told).not.toHaveProperty("user");
  });
});

test("dials are counted by their outcome", () => {
  const dial = (host: string) =>
    alice.say(send("t111", { to: [alice.lease, far.replace("far", host)], from: [alice.uri], failureReport: "no" }));
  dial("one");
  bench.dialed("one");
  dial("two");
  bench.dialFailed("CERTIFICATE");
  dial("three");
  bench.dialFailed("POLICY");
  expect(bench.relay.counters).toMatchObject({
    dials: 3,
    dialOutcomes: { OK: 1, POLICY: 1, UNRESOLVED: 0, UNREACHABLE: 0, CERTIFICATE: 1, TIMEOUT: 0 },
  });
});

test("time for which a sender is held back is summed, and so is the most that ever waited", () => {
  bob.stall();
  alice.say(send("t111", between(alice, bob, { failureReport: "no", body: "x".repeat(300_000) })));
  expect(alice.reading).toBe(false);
  expect(bench.relay.census).toMatchObject({ held: 1 });
  bench.advance(7000);
  bench.relay.tick(bench.now);
  expect(bench.relay.counters.heldMillis).toBe(7000);
  bob.take();
  expect(alice.reading).toBe(true);
  bench.advance(5000);
  expect(bench.relay.census).toMatchObject({ held: 0, backlog: 0 });
  const { heldMillis, backlogMost } = bench.relay.counters;
  expect(heldMillis).toBe(7000);
  expect(backlogMost).toBeGreaterThan(300_000);
  expect(backlogMost).toBeLessThan(301_000);
});

test("time for which a connection was held back when it ended counts as well", () => {
  bob.stall();
  alice.say(send("t111", between(alice, bob, { failureReport: "no", body: "x".repeat(300_000) })));
  bench.advance(7000);
  alice.end();
  bob.take();
  expect(bench.relay.counters.heldMillis).toBe(7000);
  bench.expectNothingKept();
});

test("timers that have run are counted, those of transactions by themselves", () => {
  const { timersFired } = bench.relay.counters;
  bench.connect("carol");
  bench.advance(30_000);
  expect(bench.relay.counters).toMatchObject({ timeouts: 0, faults: { PROBATION: 1 } });
  expect(bench.relay.counters.timersFired).toBeGreaterThan(timersFired);
  alice.say(send("t111", between(alice, bob)));
  bench.advance(31_000);
  expect(bench.relay.counters).toMatchObject({ timeouts: 1, faults: { NEXT_HOP_SILENT: 1 } });
});

test("what has ended is counted by why", () => {
  bench.connect("carol").say("HELO\r\n");
  alice.end();
  bench.relay.endSession(2, bench.now);
  expect(bench.relay.counters).toMatchObject({
    sessionsEnded: { CONNECTION: 1, OPERATOR: 1 },
    connectionsAccepted: 3,
    connectionsEnded: { START_LINE: 1, PEER: 1, OPERATOR: 1 },
  });
});
