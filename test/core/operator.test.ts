/** What an operator sees of a relay, and what is told of sessions; nothing of it helps anybody to send to a client. */
import { beforeEach, describe, expect, test } from "vitest";
import type { TracedHead } from "../../core/mod.ts";
import { beginSend, request, send } from "../support/frames.ts";
import { type BenchPeer, between, RelayBench } from "../support/relay-bench.ts";

let bench: RelayBench;
let alice: BenchPeer;
let bob: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
  bob = bench.client("bob");
});

const nothing = {
  bytesIn: 0,
  bytesOut: 0,
  messagesIn: 0,
  messagesOut: 0,
  filesIn: 0,
  filesOut: 0,
  reportsIn: 0,
  reportsOut: 0,
};

function sessionOf(user: string) {
  return bench.relay.sessionsNow().find((session) => session.user === user);
}

describe("a session", () => {
  test("is seen with its holder, its peers and its times", () => {
    bench.advance(5000);
    alice.say(send("t111", between(alice, bob, { body: "hello" })));
    expect(bench.relay.sessionsNow()).toEqual([
      {
        session: 1,
        connection: 1,
        user: "alice",
        domain: "example.com",
        peer: alice.peer,
        listener: "public",
        peers: ["bob.invalid:9999"],
        startedAt: 0,
        expiresAt: 86_400_000,
        usedAt: 5000,
        traffic: { ...nothing, bytesOut: 5, messagesOut: 1 },
      },
      expect.objectContaining({
        user: "bob",
        peers: ["alice.invalid:9999"],
        traffic: { ...nothing, bytesIn: 5, messagesIn: 1 },
      }),
    ]);
  });

  test("is told at its end with all that went through it", () => {
    alice.say(send("t111", between(alice, bob, { body: "hello" })));
    bob.say(send("t222", between(bob, alice, { body: "hi" })));
    bench.advance(1000);
    alice.end();
    expect(bench.last("sessionEnded")).toEqual({
      type: "sessionEnded",
      session: 1,
      connection: 1,
      user: "alice",
      domain: "example.com",
      peer: alice.peer,
      listener: "public",
      why: "CONNECTION",
      startedAt: 0,
      usedAt: 0,
      peers: ["bob.invalid:9999"],
      traffic: { ...nothing, bytesOut: 5, messagesOut: 1, bytesIn: 2, messagesIn: 1 },
    });
  });

  test("says which fault has ended its connection", () => {
    alice.say("HELO\r\n");
    expect(bench.last("sessionEnded")).toMatchObject({ why: "CONNECTION", fault: "START_LINE" });
  });
});

describe("an operator ends a session", () => {
  test("its holder's connection, of no use any more, is closed, and its peer hears 481 (RFC 4976 §6.3)", () => {
    expect(bench.relay.endSession(1, bench.now)).toBe(true);
    expect([alice.closed, bob.closed]).toEqual([true, false]);
    expect(bench.last("sessionEnded")).toMatchObject({ user: "alice", why: "OPERATOR" });
    expect(bench.last("connectionClosed")).toMatchObject({ connection: 1, why: "OPERATOR" });
    bob.say(send("t111", between(bob, alice)));
    expect(bob.briefs()).toEqual(["t111 481"]);
    bench.expectNothingKept();
  });

  test("the chunk that comes in is refused, and what has gone out of it ends with +", () => {
    alice.say(`${beginSend("t111", between(alice, bob))}hello`);
    bench.relay.endSession(2, bench.now);
    bench.settle();
    expect(bob.briefs()).toEqual(["SEND 1-*/* hello+"]);
    expect(alice.briefs()).toEqual(["t111 481"]);
    expect([alice.closed, bob.closed]).toEqual([false, true]);
    alice.say(" world\r\n-------t111$\r\n");
    expect(alice.briefs()).toEqual([]);
    bench.expectNothingKept();
  });

  test("a connection with another session stays", () => {
    alice.authenticate();
    bench.relay.endSession(1, bench.now);
    expect(alice.closed).toBe(false);
    expect(bench.relay.sessionsNow().map(({ session }) => session)).toEqual([2, 3]);
  });

  test("there is no session of that number", () => {
    expect(bench.relay.endSession(17, bench.now)).toBe(false);
  });
});

describe("an operator closes a connection", () => {
  test("its sessions end with it", () => {
    expect(bench.relay.connectionsNow().map(({ connection }) => connection)).toEqual([1, 2]);
    expect(bench.relay.endConnection(1, bench.now)).toBe(true);
    expect(alice.closed).toBe(true);
    expect(bench.last("sessionEnded")).toMatchObject({ user: "alice", why: "OPERATOR" });
    expect(bench.relay.endConnection(1, bench.now)).toBe(false);
  });
});

describe("a relay that is drained", () => {
  test("sends new clients elsewhere with 503, and serves those it has", () => {
    bench.relay.drain(true, bench.now);
    bench.advance(1);
    const carol = bench.connect("carol");
    expect(carol.authenticate()).toBe("");
    expect(carol.briefs()).toEqual(["auth1 503"]);
    alice.say(send("t111", between(alice, bob)));
    expect(alice.briefs()).toEqual(["t111 200"]);
    expect(bench.last("authRefused")).toMatchObject({ fault: "DRAINING", domain: "example.com", listener: "public" });
  });

  test("takes those who had connected before and not authenticated yet, and nobody twice", () => {
    const carol = bench.connect("carol");
    bench.relay.drain(true, bench.now);
    expect(carol.authenticate()).not.toBe("");
    expect(carol.authenticate()).toBe("");
  });

  test("takes new sessions again when it is no longer drained", () => {
    bench.relay.drain(true, bench.now);
    bench.relay.drain(false, bench.now);
    expect(alice.authenticate()).not.toBe("");
  });

  test("tells those who are left at the end that it was the drain", () => {
    bench.relay.drain(true, bench.now);
    bench.relay.shutdown(bench.now);
    expect(bench.last("sessionEnded")).toMatchObject({ why: "DRAIN" });
  });
});

describe("a session that is followed", () => {
  test("shows the heads of its frames in both directions, with no session-id of ours", () => {
    const seen: TracedHead[] = [];
    expect(bench.relay.trace(1, (head) => seen.push(head))).toBe(true);
    alice.say(send("t111", between(alice, bob, { body: "hello" })));
    const brief = seen.map(({ direction, connection, head, bodyBytes }) => [
      direction,
      connection,
      head.replace(/^MSRP \S+ (\S+)[^]*/, "$1"),
      bodyBytes,
    ]);
    expect(brief).toEqual([
      ["in", 1, "SEND", 5],
      ["out", 2, "SEND", 5],
      ["out", 1, "200", 0],
    ]);
    expect(seen.map(({ head }) => head).join("")).not.toContain(/\w{26}/.exec(alice.lease)?.[0]);
    expect(seen.map(({ head }) => head).join("")).not.toContain("hello");
  });
});

describe("limits.sessionIdleSeconds and sessionMaxSeconds", () => {
  test("a session that nothing passes through is ended, and one that is used goes on", () => {
    bench = new RelayBench({ limits: { sessionIdleSeconds: 60 } });
    [alice, bob] = [bench.client("alice"), bench.client("bob")];
    const carol = bench.client("carol");
    bench.advance(50_000);
    alice.say(send("t111", between(alice, bob, { failureReport: "no" })));
    bench.advance(10_000);
    expect([alice.closed, bob.closed, carol.closed]).toEqual([false, false, true]);
    expect(bench.last("sessionEnded")).toMatchObject({ user: "carol", why: "IDLE" });
    bench.advance(50_000);
    expect([alice.closed, bob.closed]).toEqual([true, true]);
    bench.expectNothingKept();
  });

  test("a session is ended after its time, and its holder was told how long it would be", () => {
    bench = new RelayBench({ limits: { sessionMaxSeconds: 600 } });
    const carol = bench.client("carol", { expires: 3600 });
    expect(bench.last("sessionStarted")).toMatchObject({ expiresSeconds: 600 });
    bench.advance(600_000);
    expect(carol.closed).toBe(true);
    expect(bench.last("sessionEnded")).toMatchObject({ user: "carol", why: "MAX_TIME" });
  });
});

test("a REPORT of a peer counts for both sessions it passes through, and as forwarded", () => {
  bob.say(request("r111", "REPORT", { ...between(bob, alice), headers: ["Message-ID: m111", "Status: 000 200 OK"] }));
  expect(sessionOf("bob")?.traffic).toEqual({ ...nothing, reportsOut: 1 });
  expect(sessionOf("alice")?.traffic).toEqual({ ...nothing, reportsIn: 1 });
  expect(bench.relay.counters).toMatchObject({ reportsForwarded: 1, reportsMade: 0 });
});
