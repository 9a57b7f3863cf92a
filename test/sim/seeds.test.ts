/** Seeds of random runs that have failed once, each with what it has found. */
import { expect, it } from "vitest";
import { octets, SimNetwork } from "../support/sim-network.ts";
import { randomRun } from "./random-run.ts";

it.each([
  [306, "a timer for idleness that a rounding made due for ever"],
  [490, "chunks on a connection that came in overtook those that waited for one being dialed"],
  [1270, "the same, with a client that resumes its message"],
  [1437, "the same, with a message that is streamed"],
])("seed %i: %s", (seed) => void randomRun(seed));

it("a connection that nobody uses ends at once when its time is up, whatever fractions the clock has", () => {
  const net = new SimNetwork({ seed: 306, latency: [1, 40] });
  const relay = net.relay("relay.example.com", { limits: { idleSeconds: 2000 } });
  for (let i = 0; i < 200; i++) {
    net.advance(net.dice.share() * 1000);
    net.client(`c${i}`).authenticate(relay);
  }
  net.advance(2_100_000);
  expect(relay.core.connections).toBe(0);
});

// What a kernel takes lot by lot (node:tls) looks like nothing taken between two lots. When a lot was all the backlog, 256
// KB at 50 octets in a millisecond lasted five seconds, and the relay took the receiver for one that stands still.
it("a slow receiver behind another relay gets a long message all the same", () => {
  const net = new SimNetwork({ seed: 2162, buffer: [16_384, 16_384], takes: ["whole"] });
  net.paces.set("bob", 50);
  const [r1, r2] = [net.relay("r1.example.com"), net.relay("r2.example.com")];
  const [alice, bob, carol] = [net.client("alice"), net.client("bob"), net.client("carol")];
  net.introduce(alice, r1, bob, r2);
  net.introduce(alice, r1, carol, r2);
  const sent = [
    alice.send(bob, octets(1_000_000), { stream: true }),
    alice.send(carol, octets(1_000_000), { stream: true }),
  ];
  net.advance(300_000);
  expect(sent.map(({ arrived }) => arrived.length)).toEqual([1, 1]);
});
