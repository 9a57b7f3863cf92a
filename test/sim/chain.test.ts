/**
 * Chains of three and five relays, cut at every point.
 *
 *     PARLEY_SIM_SEED=306 vitest run test/sim/chain.test.ts      that one alone
 *     PARLEY_SIM_SEEDS=100000 vitest run test/sim/chain.test.ts  more of them
 */
import { describe, expect, it } from "vitest";
import { SHARED_HOLD } from "../../core/forwarding/back-pressure.ts";
import { octets } from "../support/sim-network.ts";
import type { Pipe } from "../support/sim/pipe.ts";
import type { Wire } from "../support/sim/wire.ts";
import { type ChainClient, ChainNetwork } from "./chain-network.ts";
import { type ChainFindings, ChainRun } from "./chain-run.ts";

const only = process.env.PARLEY_SIM_SEED;
const seeds = Number(process.env.PARLEY_SIM_SEEDS ?? 1500);
const BLOCK = 100;

const MB = 1024 * 1024;

function chain(relays: number, hers: number, seed = 4976): ChainNetwork {
  return new ChainNetwork({ seed, relays, hers, latency: [1, 1], portless: true });
}

/** Alice and Bob at the ends of a chain, with a session. */
function people(net: ChainNetwork, suffix = ""): [ChainClient, ChainClient] {
  const alice = net.person(`alice${suffix}`, "alice");
  const bob = net.person(`bob${suffix}`, "bob");
  net.introduce(alice, net.relayAt(0), bob, net.relayAt(net.names.length - 1));
  return [alice, bob];
}

/** The direction of a connection that begins with this one of its two. */
function pipeFrom(net: ChainNetwork, wire: Wire, from: string): Pipe {
  const dialer = net.wires.find((one) => one.wire === wire)?.from;
  return dialer === from ? wire.dialer.out : wire.acceptor.out;
}

describe.each([
  [3, 1],
  [3, 2],
  [5, 2],
  [5, 4],
])("a chain of %i relays, %i of them Alice's", (relays, hers) => {
  it("carries messages and their REPORTs both ways, each pair of neighbours on one connection", () => {
    const net = chain(relays, hers);
    const pairs = Array.from({ length: 4 }, (_, i) => people(net, String(i)));
    const sent = pairs.flatMap(([alice, bob], i) => [
      alice.send(bob, octets(40_000, i), { successReport: true }),
      bob.send(alice, octets(30_000, i), { successReport: true, chunkOctets: 700 }),
    ]);
    net.settle();
    expect(sent.map(({ tries }) => tries[0]?.message.state)).toEqual(sent.map(() => "delivered"));
    for (let i = 1; i < relays; i++) {
      const [a, b] = [net.names[i - 1] as string, net.names[i] as string];
      // Where their two sides meet, nobody has authenticated, and either may have dialed first.
      expect(net.between(a, b).length, `${a} and ${b}`).toBeLessThanOrEqual(i === hers ? 2 : 1);
    }
    const [[alice]] = pairs as [[ChainClient, ChainClient]];
    const path = alice.talks.get("bob0")?.session.toPath.split(" ") ?? [];
    expect(path.slice(0, -1).map((uri) => /\/\/(r\d)\./.exec(uri)?.[1])).toEqual(
      net.names.map((name) => name.slice(0, 2)),
    );
  });
});

describe("one connection between two relays", () => {
  it("carries a long file and a chat: no line of the chat takes more than 50 ms", () => {
    const net = chain(3, 2);
    const [alice, bob] = people(net);
    const [carol, dave] = people(net, "2");
    // What a gigabyte does in the first second, a second of it shows as well.
    const file = alice.send(bob, octets(24 * MB), { stream: true });
    const sentAt = new Map<string, number>();
    for (let i = 0; i < 60; i++) {
      net.clock.in(20 * i, () => {
        const [from, to] = i % 2 === 0 ? [carol, dave] : [dave, carol];
        sentAt.set(from.send(to, octets(60, i)).id, net.clock.time);
      });
    }
    net.advance(1500);
    expect(file.arrived).toHaveLength(0);
    const took = [carol, dave].flatMap(({ received }) => received.map(({ id, at }) => at - (sentAt.get(id) as number)));
    expect(took).toHaveLength(60);
    expect(Math.max(...took)).toBeLessThan(50);
    net.advance(10_000);
    expect(file.arrived).toHaveLength(1);
  });

  it("is not held up for ever by a receiver that reads nothing, whose sender is told", () => {
    const net = chain(3, 2);
    const [alice, bob] = people(net);
    const [carol, dave] = people(net, "2");
    carol.send(dave, octets(10));
    net.settle();
    bob.stall(1_000_000);
    const file = alice.send(bob, octets(4 * MB), { stream: true });
    net.advance(2_000);
    const line = carol.send(dave, octets(60), { successReport: true });
    // What a shared connection waits, once at each relay that could have to wait.
    net.advance(2 * SHARED_HOLD);
    expect(line.tries[0]?.message.state).toBe("delivered");
    expect(file.tries[0]?.message.failure?.status).toBe(408);
  });

  it("is dialed again when it was lost, and what relays gave each other is still worth something", () => {
    const net = chain(3, 2);
    const [alice, bob] = people(net);
    const paths = alice.talks.get("bob")?.session.toPath;
    alice.send(bob, octets(100));
    net.settle();
    for (const [a, b] of [net.names.slice(0, 2), net.names.slice(1)] as [string, string][]) {
      for (const wire of net.between(a, b)) wire.lose();
      net.settle();
      // In the same session, whose URIs belong to the relays and not to that connection (RFC 4976 §6.3).
      const there = alice.send(bob, octets(2000), { successReport: true });
      const back = bob.send(alice, octets(2000), { successReport: true });
      net.settle();
      expect([there, back].map(({ tries }) => tries[0]?.message.state)).toEqual(["delivered", "delivered"]);
    }
    expect(alice.talks.get("bob")?.session.toPath).toBe(paths);
  });
});

describe("a message through three relays, whose way is cut after any octet", () => {
  const ways = ["alice", "r1.example.com", "r2.example.com", "r3.example.com", "bob"];

  it.each([0, 1, 2, 3])("on connection %i: it arrives, or its sender hears of it, and then it arrives", (hop) => {
    const [a, b] = [ways[hop] as string, ways[hop + 1] as string];
    let told = 0;
    let runs = 0;
    for (const back of [false, true]) {
      for (let after = 0; ; after += back ? 11 : 67) {
        const net = chain(3, 2, 1 + after);
        const [alice, bob] = people(net);
        // So that every connection is there.
        alice.send(bob, octets(10), { successReport: true });
        net.settle();
        const [wire] = net.between(a, b) as [Wire];
        const pipe = pipeFrom(net, wire, back ? b : a);
        pipe.cutAt = pipe.delivered + after;
        const entry = alice.send(bob, octets(6000), { successReport: true });
        net.advance(40_000);
        runs++;
        if (!wire.lost) break;
        const state = entry.tries[0]?.message.state;
        if (state === "failed") told++;
        else
          expect([state, entry.arrived.length], `after ${after}`).toEqual([
            expect.stringMatching(/accepted|delivered/),
            1,
          ]);
        net.introduce(alice, net.relayAt(0), bob, net.relayAt(2));
        if (state === "failed") alice.try(entry, "bob", { successReport: true });
        net.settle();
        expect([entry.arrived.length > 0, net.ledger.wrongs]).toEqual([true, []]);
      }
    }
    expect(runs).toBeGreaterThan(100);
    expect(told).toBeGreaterThan(60);
  });

  it.each([0, 1, 2, 3])("on connection %i, while both authenticate: they do it again", (hop) => {
    const [a, b] = [ways[hop] as string, ways[hop + 1] as string];
    for (let after = 0; after < 1500; after += 53) {
      const net = chain(3, 2, 1 + after);
      const alice = net.person("alice", "alice");
      const bob = net.person("bob", "bob");
      net.onWire = (wire, from, to) => {
        const between = (from === a && to === b) || (from === b && to === a);
        if (!between) return;
        net.onWire = undefined;
        const pipe = wire.pipes[after % 2] as (typeof wire.pipes)[0];
        pipe.cutAt = after;
      };
      // There is one cut, which may come in the first attempt, in the second, or with the message.
      const entry = alice.send(bob, octets(500), { successReport: true });
      for (let attempt = 0; attempt < 3 && entry.arrived.length === 0; attempt++) {
        net.meet(alice, net.relayAt(0), bob, net.relayAt(2), () => alice.try(entry, "bob", { successReport: true }));
        net.advance(40_000);
      }
      expect(entry.arrived.length, `after ${after}`).toBeGreaterThan(0);
    }
  });
});

// Each has failed once, and with what.
describe("seeds", () => {
  it.each([
    [2092, "what a relay kept back of a chunk that was cut off was overtaken by what came over the next connection"],
    [2800, "the same"],
  ])("%i: %s", (seed) => void new ChainRun(seed).run());
});

describe("nothing is lost in silence, doubled or changed, and all of it arrives in the end", () => {
  if (only !== undefined) {
    it(`in seed ${only}`, () => void new ChainRun(Number(only)).run());
    return;
  }
  const found: ChainFindings[] = [];
  for (let first = 1; first <= seeds; first += BLOCK) {
    const last = Math.min(first + BLOCK - 1, seeds);
    it(`in seeds ${first} to ${last}`, () => {
      for (let seed = first; seed <= last; seed++) found.push(new ChainRun(seed).run());
    });
  }

  it("though plenty happened, and what two cuts or a dead relay took with them was next to nothing", () => {
    const sum = (of: (one: ChainFindings) => number) => found.reduce((total, one) => total + of(one), 0);
    const messages = sum((one) => one.messages);
    expect(messages).toBeGreaterThan(4 * seeds);
    expect(sum((one) => one.resumed)).toBeGreaterThan(0.1 * messages);
    expect(sum((one) => one.midway)).toBeGreaterThan(0.005 * messages);
    expect(sum((one) => one.silent)).toBeLessThan(0.002 * messages);
    expect(found.filter(({ relays }) => relays === 5).length).toBeGreaterThan(0.2 * seeds);
  });
});
