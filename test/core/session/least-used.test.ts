/** RFC 4976 §6.5: "If the relay runs out of resources […] it MAY choose to close the connections based on a least recently used basis." */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, end, request, send } from "../../support/frames.ts";
import { between, type BenchPeer, RelayBench } from "../../support/relay-bench.ts";

const MINUTE = 60_000;

let bench: RelayBench;
beforeEach(() => {
  bench = new RelayBench();
});

/** Who goes when room is made again and again, until nobody may. */
function makeRoom(): string[] {
  const gone: string[] = [];
  for (let i = 0; i < 10_000; i++) {
    const before = bench.peers.filter(({ closed }) => !closed);
    const made = bench.relay.closeLeastUsed(bench.now);
    bench.settle();
    const now = before.filter(({ closed }) => closed).map(({ name }) => name);
    expect(now).toHaveLength(made ? 1 : 0);
    if (!made) return gone;
    gone.push(...now);
  }
  throw new Error("room without end");
}

/** Somebody who has proven himself by a session of somebody else. */
function stranger(name: string, to: BenchPeer): BenchPeer {
  const peer = bench.connect(name);
  peer.say(send("t111", between(peer, to)));
  peer.heard();
  to.answer(to.heard().at(-1) as never, "200 OK");
  return peer;
}

test("first those who have proven nothing, then those without a URI of ours, then all others, the longest unused first", () => {
  const alice = bench.client("alice");
  stranger("carol", alice);
  bench.advance(1000);
  stranger("dave", alice);
  bench.client("bob");
  bench.advance(MINUTE);
  bench.connect("eve");
  bench.advance(1000);
  bench.connect("frank");
  bench.advance(5000);
  expect(makeRoom()).toEqual(["eve", "frank", "carol", "dave", "alice", "bob"]);
  expect(bench.relay.counters.closedForRoom).toBe(6);
  bench.expectNothingKept();
});

test("whoever is used meanwhile stays, although he was to go next", () => {
  const [alice, bob] = [bench.client("alice"), bench.client("bob")];
  const carol = stranger("carol", alice);
  stranger("dave", bob);
  bench.advance(2 * MINUTE);
  expect(bench.relay.closeLeastUsed(bench.now)).toBe(true);
  const dave = bench.peers.at(-1) as BenchPeer;
  expect([carol.closed, dave.closed]).toEqual([true, false]);
  dave.say(send("t222", between(dave, bob)));
  bob.answer(bob.heard().at(-1) as never, "200 OK");
  expect(makeRoom()).toEqual(["alice"]);
});

describe("nobody goes", () => {
  test("who came less than five seconds ago", () => {
    bench.connect("eve");
    bench.advance(4_999);
    expect(makeRoom()).toEqual([]);
    // There was nobody, so nobody is looked for again within a second.
    bench.advance(999);
    expect(makeRoom()).toEqual([]);
    bench.advance(1);
    expect(makeRoom()).toEqual(["eve"]);
  });

  test("who was used less than a minute ago, and octets that prove nothing are no use", () => {
    const alice = bench.client("alice");
    bench.advance(MINUTE - 8_000);
    const mallory = bench.connect("mallory");
    for (const octet of "MSRP t1") {
      mallory.say(octet);
      bench.advance(1000);
    }
    expect([makeRoom(), alice.closed]).toEqual([["mallory"], false]);
  });

  test.each<[string, (alice: BenchPeer, bob: BenchPeer) => void]>([
    [
      "is asked for something and has not answered",
      (alice, bob) => {
        bob.say(send("t111", between(bob, alice)));
        bench.advance(MINUTE / 3);
      },
    ],
    [
      "has octets to take",
      (alice, bob) => {
        alice.stall();
        bob.say(send("t111", between(bob, alice, { failureReport: "no", body: "x" })));
        bench.advance(MINUTE);
      },
    ],
    [
      "is in the middle of a frame",
      (alice, bob) => {
        alice.say(`${beginSend("t111", between(alice, bob))}half`);
        bench.advance(MINUTE);
      },
    ],
    [
      "is about to be given the rest of a message",
      (alice, bob) => {
        bob.say(`${beginSend("t111", between(bob, alice, { failureReport: "no" }))}half`);
        bench.advance(MINUTE);
      },
    ],
  ])("who %s", (_, happens) => {
    const [alice, bob] = [bench.client("alice"), bench.client("bob")];
    bench.advance(MINUTE);
    bob.say(request("k111", "SEND", { to: [bob.lease], from: [bob.uri], headers: ["Message-ID: k"] }));
    happens(alice, bob);
    expect(makeRoom()).not.toContain("alice");
  });

  test("whose account is being looked up", () => {
    bench.storeAnswers = false;
    const eve = bench.connect("eve");
    eve.say(eve.proof(eve.challenge() as never));
    bench.advance(10_000);
    expect(makeRoom()).toEqual([]);
    bench.answerLookups();
    bench.settle();
    expect(eve.only().what).toBe("200");
  });

  test("to whom we have connected ourselves: that takes nobody's place", () => {
    const alice = bench.client("alice");
    const uri = "msrps://far.example.net:2855/f00;tcp";
    alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri] }));
    const far = bench.dialed("far");
    far.answer(far.only(), "200 OK");
    bench.advance(2 * MINUTE);
    expect([makeRoom(), far.closed]).toEqual([["alice"], false]);
  });
});

test("a thousand go in their order, whoever comes in between", () => {
  const names = Array.from({ length: 1000 }, (_, i) => `eve${i}`);
  for (const name of names) {
    bench.connect(name);
    bench.advance(1);
  }
  bench.advance(6000);
  expect(makeRoom()).toEqual(names);
  bench.expectNothingKept();
});

test("a chunk of which more comes is passed on to its end, and then its sender may go", () => {
  const [alice, bob] = [bench.client("alice"), bench.client("bob")];
  alice.say(`${beginSend("t111", between(alice, bob, { failureReport: "no" }))}half`);
  bench.advance(2 * MINUTE);
  expect(makeRoom()).toEqual([]);
  alice.say(`way${end("t111")}`);
  expect(bob.only().body).toBe("halfway");
  bench.advance(2 * MINUTE);
  expect(makeRoom()).toEqual(["alice", "bob"]);
});
