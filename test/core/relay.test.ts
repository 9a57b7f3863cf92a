/** A connection's life: RFC 4976 §6.1 and §6.5, and the end of the relay itself. */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, end, request, send } from "../support/frames.ts";
import { between, type BenchPeer, RelayBench } from "../support/relay-bench.ts";

let bench: RelayBench;
let alice: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
});

describe("a new connection is on probation (§6.1)", () => {
  test.each([
    ["says nothing", () => {}],
    ["says half a frame", (carol: BenchPeer) => carol.say("MSRP t111 SEND\r\nTo-Path: ")],
    ["asks for a challenge only", (carol: BenchPeer) => carol.challenge()],
    [
      "has its request refused",
      (carol: BenchPeer) => carol.say(send("t111", { to: [alice.lease], from: [carol.uri] })),
    ],
  ])("and is closed after 30 seconds when it %s", (_, run) => {
    const carol = bench.connect("carol");
    run(carol);
    bench.advance(29_999);
    expect(carol.closed).toBe(false);
    bench.advance(1);
    expect(carol.closed).toBe(true);
    expect(bench.last("connectionClosed")?.why).toBe("PROBATION");
    bench.expectNothingKept();
  });

  test.each<[string, (carol: BenchPeer) => void]>([
    ["AUTH", (carol) => expect(carol.authenticate()).not.toBe("")],
    ["SEND", (carol) => carol.say(send("t111", between(carol, alice)))],
    ["REPORT", (carol) => carol.say(request("t111", "REPORT", between(carol, alice)))],
    ["NICKNAME", (carol) => carol.say(request("t111", "NICKNAME", between(carol, alice)))],
  ])("until a request of it succeeds: %s", (_, run) => {
    const carol = bench.connect("carol");
    run(carol);
    bench.advance(300_000);
    expect(carol.closed).toBe(false);
  });

  test("until a request of it succeeds, which a long SEND has done when it is being forwarded", () => {
    const carol = bench.connect("carol");
    carol.say(`${beginSend("t111", between(carol, alice))}hello`);
    bench.advance(31_000);
    carol.say(` world${end("t111")}`);
    expect(carol.briefs()).toEqual(["t111 200"]);
    expect(alice.only().body).toBe("hello world");
  });

  test("and is closed at its tenth refusal, however fast", () => {
    const carol = bench.connect("carol");
    for (let i = 0; i < 10; i++) {
      expect(carol.closed).toBe(false);
      carol.say(send("t111", { to: [alice.lease], from: [carol.uri] }));
    }
    expect(carol.briefs()).toHaveLength(10);
    expect(carol.closed).toBe(true);
    expect(bench.last("connectionClosed")?.why).toBe("PROBATION");
  });

  test("but not when it had one that succeeded before", () => {
    for (let i = 0; i < 30; i++)
      alice.say(send("t111", { to: [alice.lease, alice.lease.replace(/\w{26}/, "x")], from: [alice.uri] }));
    expect(alice.briefs()).toHaveLength(30);
    expect(alice.closed).toBe(false);
  });

  test("nor is a connection that we opened", () => {
    alice.say(send("t111", { to: [alice.lease, "msrps://far.example.net/f;tcp"], from: [alice.uri] }));
    const far = bench.dialed("far");
    bench.advance(60_000);
    for (let i = 0; i < 30; i++) far.say(send("t111", { to: [alice.lease], from: [far.uri] }));
    expect(far.closed).toBe(false);
  });
});

describe("a connection that nobody uses (§6.5)", () => {
  test("is closed after an hour, and its lease with it", () => {
    bench.advance(3_599_000);
    expect(alice.closed).toBe(false);
    bench.advance(1_000);
    expect(alice.closed).toBe(true);
    expect(bench.last("connectionClosed")?.why).toBe("IDLE");
    expect(bench.last("sessionEnded")?.why).toBe("IDLE");
  });

  test("stays while it sends, and while others send to it", () => {
    const bob = bench.client("bob");
    for (let i = 0; i < 5; i++) {
      bench.advance(3_000_000);
      alice.say(send("t111", between(alice, bob, { failureReport: "no" })));
    }
    expect([alice.closed, bob.closed]).toEqual([false, false]);
  });

  test("stays while one long chunk is on its way to it", () => {
    const bob = bench.client("bob");
    alice.say(beginSend("t111", between(alice, bob)));
    for (let i = 0; i < 10; i++) {
      bench.advance(1_000_000);
      alice.say("another piece");
    }
    expect(bob.closed).toBe(false);
  });

  test("is dialed again when it was a next hop", () => {
    const to = [alice.lease, "msrps://far.example.net/f;tcp"];
    alice.say(send("t111", { to, from: [alice.uri], failureReport: "no" }));
    const far = bench.dialed("far");
    for (let i = 0; i < 4; i++) {
      bench.advance(1_000_000);
      alice.say(send("t111", { to: [alice.lease], from: [alice.uri] }));
    }
    expect(far.closed).toBe(true);
    alice.say(send("t222", { to, from: [alice.uri], failureReport: "no" }));
    expect(bench.dials).toHaveLength(1);
  });

  test("is not told to anybody: there was nothing under way", () => {
    const bob = bench.client("bob");
    bob.heard();
    bench.advance(4_000_000);
    expect([...alice.heard(), ...bob.heard()]).toEqual([]);
    bench.expectNothingKept();
  });
});

describe("octets that are no MSRP end the connection without an answer", () => {
  test.each([
    ["START_LINE", "GET / HTTP/1.1\r\n"],
    ["START_LINE", "\x16\x03\x01\x02\x00"],
    ["START_LINE", "MSRP x SEND\r\n"],
    ["HEADER_LINE", "MSRP t111 SEND\r\nno colon\r\n"],
    ["HEAD_TOO_LONG", `MSRP t111 SEND\r\n${"X-Long: 1\r\n".repeat(2_000)}`],
    ["HEAD_TOO_LONG", `MSRP t111 SEND\r\nX-Long: ${"x".repeat(20_000)}`],
  ])("%s", (fault, text) => {
    const carol = bench.connect("carol");
    carol.say(text);
    expect(carol.closed).toBe(true);
    expect(carol.arrived).toBe("");
    expect(bench.last("connectionClosed")?.why).toBe(fault);
    expect(bench.faults).toEqual([fault]);
    bench.expectNothingKept();
  });
});

describe("what is told of a connection", () => {
  test("is each of its faults up to 32, and the count of all", () => {
    for (let i = 0; i < 100; i++) alice.say(send("t111", { to: [alice.lease], from: ["x"] }));
    expect(bench.faults).toHaveLength(32);
    expect(bench.relay.counters.faults).toEqual({ PATH: 100 });
  });

  test("is its opening, its sessions and its end, by number", () => {
    alice.end();
    expect(bench.happenings).toMatchObject([
      { type: "connectionOpened", connection: 1, listener: "public", peer: { port: 40_000 } },
      {
        type: "sessionStarted",
        connection: 1,
        session: 1,
        user: "alice",
        domain: "example.com",
        expiresSeconds: 86_400,
      },
      { type: "sessionEnded", connection: 1, session: 1, user: "alice", why: "CONNECTION" },
      { type: "connectionClosed", connection: 1, why: "PEER" },
    ]);
  });

  test("never holds the session-id, which is a secret", () => {
    const bob = bench.client("bob");
    alice.say(send("t111", between(alice, bob)));
    alice.say(send("t111", { to: [bob.lease, "msrps://far.example.net/f;tcp"], from: [alice.uri] }));
    bob.end();
    alice.say(send("t111", between(alice, bob)));
    const secret = /\w{26}/.exec(bob.lease)?.[0] ?? "";
    expect(JSON.stringify(bench.happenings)).not.toContain(secret);
  });
});

describe("shutdown", () => {
  test("interrupts open chunks, sends what is owed, ends every session and connection", () => {
    const bob = bench.client("bob");
    const carol = bench.connect("carol");
    alice.say(send("t000", between(alice, bob)));
    bob.heard();
    alice.say(`${beginSend("t111", between(alice, bob))}hello`);
    bench.relay.shutdown(bench.now);
    bench.settle();
    expect([alice.closed, bob.closed, carol.closed]).toEqual([true, true, true]);
    expect(bob.briefs()).toEqual(["SEND 1-*/* hello+"]);
    expect(alice.briefs()).toEqual(["t000 200"]);
    const ends = bench.happenings.filter(({ type }) => type === "sessionEnded");
    expect(ends).toMatchObject([{ why: "SHUTDOWN" }, { why: "SHUTDOWN" }]);
    bench.expectNothingKept();
  });

  test("tells nobody of messages that were under way: all of them see their connection end", () => {
    const bob = bench.client("bob");
    alice.say(send("t111", between(alice, bob)));
    bob.say(send("t222", between(bob, alice)));
    alice.heard();
    bob.heard();
    bench.relay.shutdown(bench.now);
    bench.settle();
    expect([...alice.heard(), ...bob.heard()]).toEqual([]);
  });

  test("lets nobody in any more", () => {
    bench.relay.shutdown(bench.now);
    const late = bench.connect("late");
    expect(late.closed).toBe(true);
    bench.expectNothingKept();
  });

  test("drops the answers of accounts that come afterwards", () => {
    bench.storeAnswers = false;
    const carol = bench.connect("carol");
    const challenge = carol.challenge();
    carol.say(carol.proof(challenge as never, { user: "carol" }));
    expect(bench.relay.census.pendingAuths).toBe(1);
    bench.relay.shutdown(bench.now);
    bench.answerLookups();
    expect(carol.heard()).toEqual([]);
    bench.expectNothingKept();
  });
});
