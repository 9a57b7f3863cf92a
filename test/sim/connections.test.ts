/** Connections that are lost, late or refused, before, within and after a chunk. */
import { beforeEach, describe, expect, it } from "vitest";
import { octets, SimNetwork } from "../support/sim-network.ts";
import type { SimClient } from "../support/sim/sim-client.ts";
import type { SimRelay } from "../support/sim/sim-relay.ts";

let net: SimNetwork;
let relay: SimRelay;
let other: SimRelay;
let alice: SimClient;
let bob: SimClient;

beforeEach(() => {
  net = new SimNetwork({ seed: 4976, latency: [1, 40], cutAnywhere: true });
  relay = net.relay("r1.example.com");
  other = net.relay("r2.example.com");
  alice = net.client("alice");
  bob = net.client("bob");
});

describe("a client that loses its connection", () => {
  it("authenticates again and resumes its message under the same Message-ID", () => {
    net.introduce(alice, relay, bob);
    const entry = alice.send(bob, octets(300_000), { stream: true });
    const { end } = alice.presence as { end: { out: { cutAt: number; delivered: number } } };
    end.out.cutAt = end.out.delivered + 123_457;
    net.until(() => alice.presence?.over === true, "the connection to be lost");
    expect(entry.tries[0]?.message.state).toBe("failed");
    net.introduce(alice, relay, bob);
    alice.try(entry, "bob");
    net.settle();
    expect(entry.tries.map(({ message }) => message.id)).toEqual([entry.id, entry.id]);
    expect(entry.tries[1]?.message.state).toBe("accepted");
    expect(entry.arrived.length).toBe(1);
  });

  it("has lost its lease: what is sent to the old URI is answered with 481", () => {
    net.introduce(alice, relay, bob);
    bob.presence?.end?.wire.lose();
    net.settle();
    net.settle(() => bob.authenticate(relay));
    const { tries } = alice.send(bob, octets(100));
    net.settle();
    expect(tries[0]?.message.failure).toMatchObject({ by: "response", status: 481 });
  });

  it.each([0, 1, 100, 5000, 70_000, 199_999, 200_000])(
    "as the receiver, after %i octets: the sender hears of it at once, and not after 30 seconds",
    (after) => {
      net.introduce(alice, relay, bob);
      const entry = alice.send(bob, octets(200_000));
      const { end } = bob.presence as { end: { in: { cutAt: number; delivered: number } } };
      end.in.cutAt = end.in.delivered + after;
      net.advance(1000);
      expect(entry.arrived.length).toBe(0);
      expect(entry.tries[0]?.message.failure?.status).toBe(481);
    },
  );

  it("after it has answered, does not make a failure of what arrived", () => {
    net.introduce(alice, relay, bob);
    const entry = alice.send(bob, octets(2000));
    net.settle();
    bob.presence?.end?.wire.lose();
    net.advance(60_000);
    expect(entry.tries[0]?.message.state).toBe("accepted");
    expect(alice.reports).toEqual([]);
  });

  it("by a cable that was cut, is given up by the silence", () => {
    net.introduce(alice, relay, bob);
    bob.presence?.end?.wire.sever();
    const entry = alice.send(bob, octets(2000));
    net.advance(31_000);
    expect(entry.tries[0]?.message.failure).toMatchObject({ by: "report", status: 408 });
  });
});

describe("a client that leaves", () => {
  it("in the middle of a message, says so with # where it can", () => {
    net.introduce(alice, relay, bob);
    const entry = alice.send(bob, octets(1_000_000), { stream: true });
    net.advance(30);
    alice.leave();
    net.settle();
    expect(entry.arrived.length).toBe(0);
    expect(relay.core.connections).toBe(1);
  });
});

describe("a relay between the relays", () => {
  it("is dialed once for both directions of all sessions", () => {
    const carol = net.client("carol");
    net.introduce(alice, relay, bob, other);
    net.introduce(carol, relay, bob, other);
    const sent = [alice.send(bob, octets(30_000)), carol.send(bob, octets(3000))];
    net.settle();
    sent.push(bob.send(alice, octets(40_000)), bob.send(carol, octets(10)));
    net.settle();
    expect(sent.map(({ arrived }) => arrived.length)).toEqual([1, 1, 1, 1]);
    expect(relay.dialed.length + other.dialed.length).toBe(1);
  });

  it("that takes long to reach keeps frames waiting, in order, and bounded", () => {
    net.introduce(alice, relay, bob, other);
    relay.dialDelay = 20_000;
    const order: string[] = [];
    const sent = [5, 3000, 1_000_000, 50].map((size) => alice.send(bob, octets(size), { failureReport: "no" }));
    net.advance(19_000);
    expect(bob.received).toEqual([]);
    expect(relay.peak.total).toBeLessThan(512 * 1024);
    net.advance(10_000);
    for (const { id } of bob.received) order.push(id);
    expect(order.toSorted()).toEqual(sent.map(({ id }) => id).toSorted());
    expect(order.slice(0, 2)).toEqual([sent[0]?.id, sent[1]?.id]);
  });

  it.each([
    ["POLICY", 403],
    ["UNRESOLVED", 408],
    ["UNREACHABLE", 408],
    ["CERTIFICATE", 408],
    ["TIMEOUT", 408],
  ] as const)("that cannot be reached (%s) is reported with %i", (why, status) => {
    net.introduce(alice, relay, bob, other);
    relay.dialFailures.set(other.name, why);
    const small = alice.send(bob, octets(10));
    net.advance(1000);
    expect(small.tries[0]?.message.failure).toMatchObject({ by: "report", status });
  });

  it("and whose connection is lost in the middle of a chunk: the sender is told, and the next message finds a new one", () => {
    net.introduce(alice, relay, bob, other);
    const first = alice.send(bob, octets(400_000), { stream: true });
    net.until(() => relay.dialed.length === 1, "the dial");
    const pipe = relay.dialed[0]?.out as { cutAt: number };
    pipe.cutAt = 100_000;
    net.settle();
    expect(first.arrived.length).toBe(0);
    expect(first.tries[0]?.message.state).toBe("failed");
    net.introduce(alice, relay, bob, other);
    const second = alice.send(bob, octets(4000));
    net.settle();
    expect(second.arrived.length).toBe(1);
  });
});
