/** Who shares what with whom: connections, time, and memory. */
import { describe, expect, it } from "vitest";
import { octets, SimNetwork } from "../support/sim-network.ts";
import type { SendOptions, SimClient } from "../support/sim/sim-client.ts";
import { ChainNetwork } from "./chain-network.ts";

const BUFFER = 64 * 1024;
/** Octets in a millisecond: 80 Mbit/s. */
const BANDWIDTH = 10_000;
const MB = 1024 * 1024;
/** Octets in a millisecond from relay to relay: 240 Mbit/s, where a megabyte takes 35 ms. */
const RELAYS = 30_000;
/** Of files: each of our endpoints gets 9 MB a second out. */
const SENDERS = 6;

function network(seed = 4976): SimNetwork {
  return new SimNetwork({ seed, latency: [5, 5], bandwidth: [BANDWIDTH, BANDWIDTH], buffer: [BUFFER, BUFFER] });
}

/** Sends a line every 100 ms for a while, and returns how long each took. */
function chat(net: SimNetwork, from: SimClient, to: SimClient, lines: number): () => number[] {
  const sentAt = new Map<string, number>();
  for (let i = 0; i < lines; i++) {
    net.clock.in(100 * i, () => sentAt.set(from.send(to, octets(50, i)).id, net.clock.time));
  }
  return () => to.received.filter(({ id }) => sentAt.has(id)).map(({ id, at }) => at - (sentAt.get(id) as number));
}

describe("one connection", () => {
  it("carries many sessions, each with its own messages", () => {
    const net = network();
    const relay = net.relay("relay.example.com");
    const alice = net.client("alice");
    const peers = Array.from({ length: 20 }, (_, i) => net.client(`peer${i}`));
    for (const peer of peers) net.introduce(alice, relay, peer);
    const sent = peers.flatMap((peer, i) => [
      alice.send(peer, octets(1000 * i, i), { successReport: true }),
      peer.send(alice, octets(700 * i, i), { chunkOctets: 300 }),
    ]);
    net.settle();
    expect(sent.every(({ arrived }) => arrived.length === 1)).toBe(true);
    expect(net.wires.length).toBe(21);
  });

  it("that carries a file lets a chat through: nobody waits for more than what is buffered", () => {
    const net = network();
    const relay = net.relay("relay.example.com");
    const [alice, bob, carol] = [net.client("alice"), net.client("bob"), net.client("carol")];
    net.introduce(alice, relay, bob);
    net.introduce(alice, relay, carol);
    const file = alice.send(bob, octets(20 * MB), { stream: true });
    const latencies = chat(net, alice, carol, 10);
    net.advance(1500);
    expect(file.arrived.length).toBe(0);
    expect(latencies().length).toBe(10);
    // The endpoint's backlog and the kernel's buffer, at the speed of the line, and the way.
    expect(Math.max(...latencies())).toBeLessThan((256 * 1024 + 2 * BUFFER) / BANDWIDTH + 60);
    net.advance(10_000);
    expect(file.arrived.length).toBe(1);
  });

  it("to one receiver is shared by a file and a chat that come from two senders", () => {
    const net = network();
    const relay = net.relay("relay.example.com");
    const [alice, bob, carol] = [net.client("alice"), net.client("bob"), net.client("carol")];
    net.introduce(alice, relay, bob);
    net.introduce(carol, relay, bob);
    alice.send(bob, octets(20 * MB), { stream: true });
    const latencies = chat(net, carol, bob, 10);
    net.advance(1500);
    expect(latencies().length).toBe(10);
    // The relay's high mark and two buffers.
    expect(Math.max(...latencies())).toBeLessThan((256 * 1024 + 3 * BUFFER) / BANDWIDTH + 60);
  });
});

describe("a receiver that does not read", () => {
  it("stops its own sender within 4 MB, and nobody else notices", () => {
    const quiet = network();
    const busy = network();
    const [without, withStall] = [quiet, busy].map((net) => {
      const relay = net.relay("relay.example.com");
      const [alice, bob, carol, dave] = [
        net.client("alice"),
        net.client("bob"),
        net.client("carol"),
        net.client("dave"),
      ];
      net.introduce(alice, relay, bob);
      net.introduce(carol, relay, dave);
      const latencies = chat(net, carol, dave, 50);
      if (net === quiet) {
        net.advance(6000);
        return latencies();
      }
      bob.stall(60_000);
      const file = alice.send(bob, octets(12 * MB), { failureReport: "no", stream: true });
      net.advance(6000);
      expect(file.tries[0]?.message.octetsSent).toBeLessThan(4 * MB);
      expect(relay.peak.total).toBeLessThan(MB);
      const during = latencies();
      net.advance(60_000);
      expect(file.arrived.length).toBe(1);
      return during;
    }) as [number[], number[]];
    expect(withStall.length).toBe(50);
    expect(Math.max(...withStall)).toBeLessThanOrEqual(Math.max(...without) + 1);
  });

  it("of fifty senders is kept no more than a mark and a read of each", () => {
    const net = network();
    const relay = net.relay("relay.example.com");
    const bob = net.client("bob");
    const senders = Array.from({ length: 50 }, (_, i) => net.client(`sender${i}`));
    for (const sender of senders) net.introduce(sender, relay, bob);
    bob.stall(20_000);
    const sent = senders.map((sender) => sender.send(bob, octets(MB), { failureReport: "no", stream: true }));
    net.advance(19_000);
    expect(relay.peak.total).toBeLessThan(256 * 1024 + 50 * 66 * 1024);
    net.advance(60_000);
    expect(sent.every(({ arrived }) => arrived.length === 1)).toBe(true);
  });
});

describe("a connection between two relays, with kernels that take 16 MB", () => {
  /** What Carol's lines to Dave take beside files that bring more than goes from relay to relay. */
  function besideFiles(relays: number, options: SendOptions): number[] {
    const net = new ChainNetwork({
      seed: 4976,
      relays,
      hers: 1,
      latency: [1, 1],
      bandwidth: [RELAYS, RELAYS],
      buffer: [16 * MB, 16 * MB],
    });
    const introduced = (from: string, to: string) => {
      const pair = [net.person(from, "alice"), net.person(to, "bob")] as const;
      for (const { name } of pair) net.paces.set(name, 10 * RELAYS);
      net.introduce(pair[0], net.relayAt(0), pair[1], net.relayAt(relays - 1));
      return pair;
    };
    const [carol, dave] = introduced("carol", "dave");
    const pairs = Array.from({ length: SENDERS }, (_, i) => introduced(`alice${i}`, `bob${i}`));
    const files = pairs.map(([alice, bob]) => alice.send(bob, octets(10 * MB), { stream: true, ...options }));
    const latencies = chat(net, carol, dave, 10);
    net.advance(950);
    expect(files.every(({ arrived }) => arrived.length === 0)).toBe(true);
    net.advance(10_000);
    expect(files.every(({ arrived }) => arrived.length === 1)).toBe(true);
    expect(latencies().length).toBe(10);
    return latencies();
  }

  it.each([2, 3])("carries a chat beside files within 50 ms, through %i relays", (relays) => {
    expect(Math.max(...besideFiles(relays, {}))).toBeLessThan(50);
  });

  it("lets a chat wait behind files for which no responses are wanted: nobody knows how much of them lies there", () => {
    expect(Math.max(...besideFiles(2, { failureReport: "no" }))).toBeGreaterThan(100);
  });
});
