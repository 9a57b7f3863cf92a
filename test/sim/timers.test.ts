/** Every timer of the protocol, on a clock that jumps. */
import { beforeEach, describe, expect, it } from "vitest";
import { octets, SimNetwork } from "../support/sim-network.ts";
import { RawClient } from "../support/sim/raw-client.ts";
import type { SimClient } from "../support/sim/sim-client.ts";
import type { SimRelay } from "../support/sim/sim-relay.ts";

let net: SimNetwork;
let relay: SimRelay;
let alice: SimClient;
let bob: SimClient;

beforeEach(() => {
  net = new SimNetwork({ seed: 4976, latency: [1, 40], cutAnywhere: true });
  relay = net.relay("relay.example.com");
  alice = net.client("alice");
  bob = net.client("bob");
});

describe("probation (RFC 4976 §6.1)", () => {
  it("ends after 30 seconds without a successful request, and not before", () => {
    const silent = new RawClient(net, "silent").connect(relay);
    net.advance(29_900);
    expect(silent.closed).toBe(false);
    net.advance(500);
    expect(silent.closed).toBe(true);
    expect(relay.faults("PROBATION")).toBe(1);
  });

  it("does not end a client that has authenticated", () => {
    net.settle(() => alice.authenticate(relay));
    net.advance(600_000);
    expect(alice.presence?.over).toBe(false);
  });
});

describe("a transaction (RFC 4976 §6.4.1)", () => {
  it("becomes a REPORT 408 when the receiver says nothing for 30 seconds", () => {
    const [atAlice] = net.introduce(alice, relay, bob);
    bob.mute();
    alice.send(bob, octets(2000));
    net.advance(29_900);
    expect(alice.reports).toEqual([]);
    net.advance(1100);
    expect(alice.reports).toEqual([{ status: 408, from: expect.stringContaining("relay.example.com") as string }]);
    expect(atAlice.session.toPath).toContain(alice.reports[0]?.from.split(" ")[0]);
  });

  it("with Failure-Report: partial, says nothing of silence", () => {
    net.introduce(alice, relay, bob);
    bob.mute();
    const { tries } = alice.send(bob, octets(2000), { failureReport: "partial" });
    net.advance(120_000);
    expect(alice.reports).toEqual([]);
    expect(tries[0]?.message.state).toBe("sent");
  });

  it("counts from when the last octet has left: a slow receiver is not a silent one", () => {
    net.introduce(alice, relay, bob);
    const entry = alice.send(bob, octets(200_000));
    bob.stall(25_000);
    net.advance(60_000);
    expect(entry.arrived.length).toBe(1);
    expect(alice.reports).toEqual([]);
  });

  it("takes a late answer for nothing", () => {
    const vandal = new RawClient(net, "late");
    vandal.onFrame = (frame) => {
      if (frame.method === "SEND") net.clock.in(35_000, () => vandal.respond(frame, "200 OK"));
    };
    net.settle(() => vandal.connect(relay, () => vandal.authenticate(relay)));
    alice.authenticate(relay, (own) => own && alice.open("late", own, vandal.sdpPath));
    net.settle();
    const { tries } = alice.send("late", octets(10));
    net.advance(40_000);
    expect(alice.reports.map(({ status }) => status)).toEqual([408]);
    expect(tries[0]?.message.failure).toMatchObject({ by: "report", status: 408 });
    expect(relay.faults("RESPONSE_UNKNOWN")).toBe(1);
  });
});

describe("a lease (RFC 4976 §6.3)", () => {
  it("is refreshed before it expires, and the old URI holds until then", () => {
    let refreshed = 0;
    alice.onRefreshed = () => refreshed++;
    net.settle(() => alice.authenticate(relay, undefined, { expiresSeconds: 100 }));
    net.advance(79_000);
    expect(refreshed).toBe(0);
    net.advance(2000);
    expect(refreshed).toBe(1);
    expect(relay.core.state.leases.heldBy("alice", relay.name)).toBe(2);
    net.advance(20_000);
    expect(relay.core.state.leases.heldBy("alice", relay.name)).toBe(1);
    net.advance(1_000_000);
    expect(relay.core.state.leases.heldBy("alice", relay.name)).toBeGreaterThan(0);
  });

  it("that has expired takes no chunk any more", () => {
    let own: { stop(): void } | undefined;
    const vandal = new RawClient(net, "short");
    alice.authenticate(
      relay,
      (done) => {
        own = done;
        if (done !== undefined) alice.open("short", done, `${vandal.own}`);
      },
      { expiresSeconds: 60 },
    );
    net.settle();
    own?.stop();
    net.advance(61_000);
    const { tries } = alice.send("short", octets(10));
    net.settle();
    expect(tries[0]?.message.failure).toMatchObject({ by: "response", status: 481 });
    expect(relay.faults("SESSION_EXPIRED")).toBe(1);
  });
});

it("a connection that nobody uses is closed when limits.idleSeconds have passed (§6.5)", () => {
  relay = net.relay("short.example.com", { limits: { idleSeconds: 60 } });
  net.settle(() => alice.authenticate(relay));
  net.advance(59_000);
  expect(alice.presence?.over).toBe(false);
  net.advance(2000);
  expect(alice.presence?.over).toBe(true);
});

describe("a receiver that stands still", () => {
  it("is closed after two minutes, and its sender is told", () => {
    net.introduce(alice, relay, bob);
    const entry = alice.send(bob, octets(1_000_000), { stream: true });
    bob.stall(1_000_000);
    net.advance(110_000);
    expect(bob.presence?.over).toBe(false);
    net.advance(60_000);
    expect(relay.faults("STALLED")).toBe(1);
    expect(entry.tries[0]?.message.state).toBe("failed");
  });

  it("for less than that, loses nothing", () => {
    net.introduce(alice, relay, bob);
    const entry = alice.send(bob, octets(1_000_000), { failureReport: "no", stream: true });
    bob.stall(100_000);
    net.advance(99_000);
    expect(entry.arrived.length).toBe(0);
    net.advance(10_000);
    expect(entry.arrived.length).toBe(1);
  });
});
