import { expect, it } from "vitest";
import { octets, SimNetwork } from "../support/sim-network.ts";

it("a message arrives", () => {
  const net = new SimNetwork({ seed: 4976, latency: [1, 40], cutAnywhere: true });
  const [relay, alice, bob] = [net.relay("relay.example.com"), net.client("alice"), net.client("bob")];
  net.introduce(alice, relay, bob);
  const entry = alice.send(bob, octets(200000), { successReport: true });
  net.settle();
  expect(bob.received.length).toBe(1);
  expect(entry.tries[0]?.message.state).toBe("delivered");
  bob.mute();
  alice.send(bob, octets(2000));
  net.advance(31_000);
  expect(alice.reports.map((r) => r.status)).toEqual([200, 408]);
});
