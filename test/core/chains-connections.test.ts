/** One connection between two relays, and all who share it: RFC 4976 §6.4, §6.4.1, §6.4.3. */
import { beforeEach, describe, expect, test } from "vitest";
import { HIGH_WATER, SHARED_HOLD } from "../../core/forwarding/back-pressure.ts";
import { beginSend, end, request, send } from "../support/frames.ts";
import { type BenchPeer, between } from "../support/relay-bench.ts";
import { authThrough, ChainBench, leaseOf, ours } from "./chain-bench.ts";

const carol = "msrps://carol.invalid:9892/c1;tcp";
const inner = leaseOf("inner", "c1");

let bench: ChainBench;
let alice: BenchPeer;
beforeEach(() => {
  bench = new ChainBench();
  alice = bench.client("alice");
});

describe("a request over a connection to another relay", () => {
  const far = (session: string) => [leaseOf("outer", session), `msrps://${session}.invalid:1/x;tcp`];

  test("has an id that no other has there, whatever its sender called it", () => {
    const bob = bench.client("bob");
    const ids = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      alice.say(send("same1", { to: [alice.lease, ...far("one")], from: [alice.uri], body: "a" }));
      bob.say(send("same1", { to: [bob.lease, ...far("two")], from: [bob.uri], body: "b" }));
    }
    const outer = bench.relayDialed("outer");
    const sent = outer.heard();
    for (const { id } of sent) ids.add(id);
    expect([sent.length, ids.size]).toEqual([4000, 4000]);
  });

  test("goes its own way among those of thousands of sessions, and so do those after it", () => {
    const relay = bench.relayConnects("inner");
    const clients = ["bob", "dave", "eve"].map((name) => bench.client(name));
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 4500; i++) {
        const client = clients[i % 3] as BenchPeer;
        const from = [leaseOf("inner", `s${i}`), carol];
        relay.say(send(`t${i}xx`, { to: [client.lease, client.uri], from, body: String(i), failureReport: "no" }));
        const sent = client.only();
        expect([sent.body, sent.from[1]]).toEqual([String(i), from[0]]);
      }
    }
    // What is remembered of a session ends with it.
    bench.relay.shutdown(bench.now);
    bench.expectNothingKept();
  });

  test("is refused when its session has ended, however well its way is known", () => {
    const relay = bench.relayConnects("inner");
    for (let i = 0; i < 20; i++) {
      const from = [leaseOf("inner", `s${i}`), carol];
      relay.say(send(`t${i}xx`, { to: [alice.lease, alice.uri], from, failureReport: "partial" }));
    }
    alice.end();
    relay.heard();
    relay.say(send("t1xx", { to: [alice.lease, alice.uri], from: [leaseOf("inner", "s1"), carol] }));
    expect(relay.briefs()).toEqual(["t1xx 481"]);
  });

  test("is answered to its own sender", () => {
    const bob = bench.client("bob");
    const ask = (peer: BenchPeer, session: string) =>
      peer.say(request("same1", "NICKNAME", { to: [peer.lease, ...far(session)], from: [peer.uri] }));
    ask(alice, "one");
    ask(bob, "two");
    const outer = bench.relayDialed("outer");
    const [first, second] = outer.heard();
    outer.answer(second as never, "425 Taken");
    outer.answer(first as never, "200 OK");
    expect([alice.briefs(), bob.briefs()]).toEqual([["same1 200"], ["same1 425"]]);
  });

  test("is reported when that connection is lost, each to its sender, and the next one dials again", () => {
    const senders = ["bob", "dave", "eve"].map((name) => bench.client(name));
    for (const sender of senders) {
      const to = [sender.lease, ...far(sender.name)];
      sender.say(send("t111", { to, from: [sender.uri], body: "whole", messageId: `m${sender.name}` }));
    }
    alice.say(beginSend("t222", { to: [alice.lease, ...far("alice")], from: [alice.uri] }));
    alice.say("half");
    const outer = bench.relayDialed("outer");
    expect(outer.heard()).toHaveLength(3);
    outer.end();
    for (const sender of senders) {
      expect(sender.briefs()).toEqual(["t111 200", `REPORT m${sender.name} 1-5/5 408`]);
    }
    expect(alice.briefs()).toEqual(["t222 408"]);
    alice.say(end("t222"));
    alice.say(send("t333", { to: [alice.lease, ...far("alice")], from: [alice.uri], body: "again" }));
    expect(bench.relayDialed("outer").only().body).toBe("again");
  });
});

test("what is kept back of a chunk whose connection is lost does not come after what overtook it on another", () => {
  const relay = bench.relayConnects("inner");
  const second = bench.relayConnects("inner");
  const to = { to: [alice.lease, alice.uri], from: [inner, carol] };
  relay.say(beginSend("t111", { ...to, range: "1-*/10005" }));
  relay.say("x".repeat(5_000));
  second.say(send("t222", { ...to, range: "5001-10005/10005", body: "y".repeat(5_005) }));
  // All but the last octet, which would have carried the flag.
  expect(alice.heard().map(({ body, flag }) => [body?.length, flag])).toEqual([
    [4_999, "+"],
    [5_005, "$"],
  ]);
  relay.end();
  expect([alice.heard(), alice.hearing]).toEqual([[], undefined]);
});

describe("a REPORT to a client behind a relay whose connection has gone", () => {
  let relay: BenchPeer;
  beforeEach(() => {
    relay = bench.relayConnects("inner");
    relay.say(send("t111", { to: [alice.lease, alice.uri], from: [inner, carol], body: "hello" }));
    expect([relay.briefs(), alice.briefs()]).toEqual([["t111 200"], ["SEND - hello$"]]);
    relay.end();
  });

  /** What the relay would say of the message that Alice never took. */
  function expectReport(peer: BenchPeer): void {
    const report = peer.heard().find(({ what }) => what === "REPORT");
    expect(report?.brief).toBe("REPORT m111 1-5/5 481");
    expect([report?.to, report?.from]).toEqual([[inner, carol], [alice.lease]]);
  }

  test("goes over another one of that relay", () => {
    const again = bench.relayConnects("inner");
    again.say(send("t222", { to: [alice.lease, alice.uri], from: [leaseOf("inner", "other"), carol], body: "other" }));
    alice.end();
    expectReport(again);
    expect(bench.dials).toEqual([]);
  });

  test("goes over one that we have dialed", () => {
    const bob = bench.client("bob");
    bob.say(send("t222", { to: [bob.lease, leaseOf("inner", "other"), carol], from: [bob.uri], body: "other" }));
    const dialed = bench.relayDialed("inner");
    alice.end();
    expectReport(dialed);
  });

  test("goes over a new one when there is none, to the port its URI names", () => {
    alice.end();
    expect(bench.dials.map(({ hop }) => hop)).toEqual([{ secure: true, host: "inner.example.net", port: 2855 }]);
    expectReport(bench.relayDialed("inner"));
  });

  test("is given up when the relay cannot be reached: no REPORT about a REPORT", () => {
    alice.end();
    bench.dialFailed("UNREACHABLE");
    expect(bench.dials).toEqual([]);
    bench.expectNothingKept();
  });

  test("is not sent to anybody whose certificate does not make him that relay", () => {
    const mallory = bench.connect("mallory");
    mallory.say(send("t222", { to: [alice.lease, alice.uri], from: [inner, carol], body: "it's me" }));
    mallory.heard();
    alice.end();
    expect(bench.dials).toHaveLength(1);
    expect(mallory.heard().map(({ brief }) => brief)).toEqual(["REPORT m111 1-7/7 481"]);
  });

  test("by that client itself takes the same way: forwarded to the relay, on whatever connection there is", () => {
    alice.say(request("r111", "REPORT", { to: [alice.lease, inner, carol], from: [alice.uri] }));
    expect(bench.relayDialed("inner").only().what).toBe("REPORT");
  });
});

test("a REPORT to a client whose connection has gone is given up, and so are the answers it waited for", () => {
  const bob = bench.client("bob");
  bob.say(send("t111", between(bob, alice, { body: "hello" })));
  bob.say(request("n111", "NICKNAME", { to: [bob.lease, leaseOf("outer", "x")], from: [bob.uri] }));
  const outer = bench.relayDialed("outer");
  bob.end();
  alice.end();
  outer.answer(outer.only(), "200 OK");
  expect([bench.relay.counters.reportsLost, bench.dials]).toEqual([1, []]);
  bench.expectNothingKept();
});

describe("a receiver that takes nothing, behind a connection that others share", () => {
  const block = "x".repeat(32 * 1024);
  let relay: BenchPeer;
  let bob: BenchPeer;
  beforeEach(() => {
    relay = bench.relayConnects("inner");
    bob = bench.client("bob");
    toBob("b000");
    expect(relay.briefs()).toEqual(["b000 200"]);
    alice.stall();
  });

  function toBob(id: string): void {
    relay.say(send(id, { to: [bob.lease, bob.uri], from: [leaseOf("inner", "b"), carol], body: id }));
  }

  function toAlice(id: string, body = block): void {
    relay.say(send(id, { to: [alice.lease, alice.uri], from: [inner, carol], body, failureReport: "yes" }));
  }

  function fill(): void {
    for (let i = 0; i < 20 && relay.reading; i++) toAlice(`a10${i}`);
    expect([relay.reading, alice.backlog > HIGH_WATER]).toEqual([false, true]);
    relay.heard();
  }

  test("stops them for a while, and then is refused with 408, and they go on", () => {
    fill();
    bench.advance(SHARED_HOLD - 1);
    expect(relay.reading).toBe(false);
    bench.advance(1);
    expect(relay.reading).toBe(true);
    toAlice("a222");
    toBob("b222");
    expect(relay.briefs()).toEqual(["a222 408", "b222 200"]);
    expect(bob.heard().at(-1)?.body).toBe("b222");
    expect(bench.faults).toContain("NEXT_HOP_FULL");
    // Nobody is stopped by it again, and it gets no more than it had.
    const kept = alice.backlog;
    for (let i = 0; i < 20; i++) toAlice(`a30${i}`);
    expect([relay.reading, alice.backlog]).toEqual([true, kept]);
  });

  test("is refused in the middle of a chunk, whose rest is read past", () => {
    relay.say(beginSend("a111", { to: [alice.lease, alice.uri], from: [inner, carol] }));
    for (let i = 0; i < 20 && relay.reading; i++) relay.say(block);
    expect(relay.reading).toBe(false);
    bench.advance(SHARED_HOLD);
    expect([relay.reading, relay.briefs()]).toEqual([true, ["a111 408"]]);
    relay.say(block + end("a111"));
    toBob("b111");
    expect(relay.briefs()).toEqual(["b111 200"]);
    // What had been begun ends with "#": it will never be whole.
    alice.take();
    expect(alice.heard().at(-1)?.flag).toBe("#");
  });

  test("is served again as soon as it has room", () => {
    fill();
    bench.advance(SHARED_HOLD);
    toAlice("a222");
    expect(relay.briefs()).toEqual(["a222 408"]);
    alice.take();
    toAlice("a333", "better");
    expect(relay.briefs()).toEqual(["a333 200"]);
    expect(alice.heard().at(-1)?.body).toBe("better");
    // And stops them again if it stalls again.
    alice.stall();
    fill();
    bench.advance(SHARED_HOLD);
    expect(relay.reading).toBe(true);
  });

  test("is refused too when it takes a little, so as to hold them up for ever", () => {
    fill();
    let held = 0;
    for (let i = 0; i < 60 && !relay.reading; i++) {
      bench.advance(SHARED_HOLD / 4);
      held += SHARED_HOLD / 4;
      alice.take(1);
      alice.stall();
    }
    expect(held).toBeLessThanOrEqual(2 * SHARED_HOLD);
    toBob("b222");
    expect(relay.briefs()).toContain("b222 200");
  });

  test("that is slow, and takes what it can, slows them and is not refused", () => {
    fill();
    for (let i = 0; i < 40; i++) {
      bench.advance(SHARED_HOLD / 4);
      alice.take(48 * 1024);
      alice.stall();
      for (let j = 0; j < 20 && relay.reading; j++) toAlice(`s${i}x${j}`);
    }
    expect(relay.heard().filter(({ what }) => what === "408")).toEqual([]);
  });

  test("is refused too when many sessions lead to it, one after the other", () => {
    for (let i = 0; i < 40 && relay.reading; i++) {
      const from = [leaseOf("inner", `c${i}`), `msrps://c${i}.invalid:1/c;tcp`];
      relay.say(send(`a1${i}x`, { to: [alice.lease, alice.uri], from, body: block.slice(0, 12_000) }));
    }
    expect(relay.reading).toBe(false);
    bench.advance(SHARED_HOLD);
    expect(relay.reading).toBe(true);
  });

  test("is waited for by a connection that brings nothing for anybody else", () => {
    const dave = bench.connect("dave");
    for (let i = 0; i < 20 && dave.reading; i++) dave.say(send(`d10${i}`, between(dave, alice, { body: block })));
    bench.advance(3 * SHARED_HOLD);
    expect(dave.reading).toBe(false);
    alice.take();
    expect(dave.reading).toBe(true);
    expect(dave.heard().map(({ what }) => what)).not.toContain("408");
  });

  test("leaves nothing behind when it goes", () => {
    fill();
    bench.advance(SHARED_HOLD);
    alice.end();
    toAlice("a222");
    expect(relay.heard().at(-1)?.brief).toBe("a222 481");
    bench.expectNothingKept();
  });
});

test("a URI given through a relay is refused to a stranger in the same words as one that never was", () => {
  const relay = bench.relayConnects("inner");
  const lease = ours(authThrough(relay, [inner, carol]));
  const dave = bench.connect("dave");
  for (const to of [
    [lease],
    [lease, "msrps://elsewhere.example.org:1/x;tcp"],
    [lease.replace(/\/[a-z2-7]{26}/, `/${"a".repeat(26)}`), inner],
  ]) {
    dave.say(send("t111", { to, from: [dave.uri] }));
    expect(dave.briefs()).toEqual(["t111 481"]);
  }
});
