/** What an operator sees of a relay, and what is told of sessions; nothing of it helps anybody to send to a client. */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, send } from "../support/frames.ts";
import { authThrough, ChainBench, leaseOf, ours } from "./chain-bench.ts";
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

  test("is told with the relay that brought it (RFC 4976 §6.3)", () => {
    const chain = new ChainBench();
    const relay = chain.relayConnects("one");
    authThrough(relay, [leaseOf("one", "xyz"), "msrps://client.invalid:9/c;tcp"]);
    expect(chain.last("sessionStarted")).toMatchObject({ user: "alice", relay: "one.example.net", peer: relay.peer });
    expect(chain.relay.sessionsNow()).toMatchObject([{ user: "alice", relay: "one.example.net" }]);
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

  test("a message in the middle is reported by its sender's own relay as it fails, not as lost at the end", () => {
    alice.say(send("t111", between(alice, bob, { body: "hello" })));
    alice.heard();
    bench.relay.endSession(2, bench.now);
    bench.settle();
    expect(alice.briefs()).toEqual(["REPORT m111 1-5/5 481"]);
  });

  test("what was cut off is in the record of both", () => {
    alice.say(`${beginSend("t111", between(alice, bob))}hello`);
    bench.relay.endSession(1, bench.now);
    expect(bench.last("sessionEnded")?.traffic).toMatchObject({ bytesOut: 5, messagesOut: 0 });
    expect(bench.relay.sessionsNow()).toMatchObject([{ user: "bob", traffic: { bytesIn: 5, messagesIn: 0 } }]);
  });

  test("chunks of other sessions on the same connection go on", () => {
    const other = alice.authenticate();
    alice.say(`${beginSend("t111", { ...between(alice, bob), to: [other, bob.lease, bob.uri] })}hello`);
    bench.relay.endSession(1, bench.now);
    alice.say(` world\r\n-------t111$\r\n`);
    expect(alice.briefs()).toEqual(["t111 200"]);
  });

  test("a connection with another session stays", () => {
    alice.authenticate();
    bench.relay.endSession(1, bench.now);
    expect(alice.closed).toBe(false);
    expect(bench.relay.sessionsNow().map(({ session }) => session)).toEqual([2, 3]);
  });

  test("a connection on which its holder speaks to another session of ours stays", () => {
    alice.say(send("t111", { to: [bob.lease, bob.uri], from: [alice.uri] }));
    bench.relay.endSession(1, bench.now);
    expect(alice.closed).toBe(false);
  });

  test.each([
    ["a relay's connection stays", leaseOf("one", "xyz")],
    ["so does that of a relay of which we know no way back", "msrps://one.example.net/xyz;tcp"],
  ])("%s", (_, first) => {
    const chain = new ChainBench();
    const relay = chain.relayConnects("one");
    const from = [first, "msrps://client.invalid:9/c;tcp"];
    const uri = ours(authThrough(relay, from));
    chain.relay.endSession(1, chain.now);
    expect(relay.closed).toBe(false);
    relay.say(send("t111", { to: [uri, "msrps://far.example.net:2855/f;tcp"], from }));
    expect(relay.briefs()).toEqual(["t111 481"]);
    chain.expectNothingKept();
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

test("connections are seen with what they carry and wait for", () => {
  alice.say(
    send("t111", { to: [alice.lease, "msrps://far.example.net:2855/f;tcp"], from: [alice.uri], body: "hello" }),
  );
  bob.stall();
  alice.say(send("t112", between(alice, bob, { failureReport: "no", body: "x".repeat(300_000) })));
  const [one, two, three] = bench.relay.connectionsNow();
  expect(one).toMatchObject({
    connection: 1,
    listener: "public",
    peer: alice.peer,
    sessions: 1,
    held: true,
    faults: 0,
  });
  expect(one?.bytesIn).toBeGreaterThan(300_000);
  expect(one?.bytesOut).toBe(alice.arrived.length);
  expect(two?.backlog).toBeGreaterThan(300_000);
  expect(three).toMatchObject({ hop: { secure: true, host: "far.example.net", port: 2855 }, dialing: true });
  expect(three).toMatchObject({ peer: { address: "" }, transactions: 1 });
  expect(three).not.toHaveProperty("listener");
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
    bench.expectNothingKept();
  });

  test("that time is the limit of a chunk without end as well", () => {
    bench = new RelayBench({ limits: { sessionMaxSeconds: 600 } });
    [alice, bob] = [bench.client("alice"), bench.client("bob")];
    alice.say(beginSend("t111", between(alice, bob)));
    for (let i = 0; i < 10; i++) {
      bench.advance(60_000);
      alice.say("another piece ");
    }
    expect([alice.closed, bob.closed]).toEqual([true, true]);
    expect(bench.last("sessionEnded")).toMatchObject({ why: "MAX_TIME" });
  });

  test("a shorter Expires is kept, and ends as such", () => {
    bench = new RelayBench({ limits: { sessionMaxSeconds: 600 } });
    bench.client("carol", { expires: 300 });
    bench.advance(300_000);
    expect(bench.last("sessionEnded")).toMatchObject({ user: "carol", why: "EXPIRED" });
  });

  test("a session that a long chunk passes through is in use", () => {
    bench = new RelayBench({ limits: { sessionIdleSeconds: 60 } });
    [alice, bob] = [bench.client("alice"), bench.client("bob")];
    alice.say(beginSend("t111", between(alice, bob)));
    for (let i = 0; i < 10; i++) {
      bench.advance(50_000);
      alice.say("another piece ");
    }
    expect([alice.closed, bob.closed]).toEqual([false, false]);
  });
});
