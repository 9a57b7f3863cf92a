/** `limits.bytesPerSecond…`: by back-pressure, never by loss. */
import { describe, expect, test } from "vitest";
import { send } from "../../support/frames.ts";
import { between, type BenchPeer, RelayBench } from "../../support/relay-bench.ts";

const limits = { bytesPerSecondPerSession: 10_000 };

function scene() {
  const bench = new RelayBench({ limits });
  const [alice, bob] = [bench.client("alice"), bench.client("bob")];
  bench.advance(2_000);
  const say = (body: string) => alice.say(send("t111", between(alice, bob, { body, failureReport: "no" })));
  return { bench, alice, bob, say };
}

test("a session that stays below its limit is never stopped", () => {
  const { bench, alice, bob, say } = scene();
  for (let i = 0; i < 20; i++) {
    say("x".repeat(8_000));
    expect(alice.reading).toBe(true);
    bench.advance(1_000);
  }
  expect(bob.heard().length).toBe(20);
});

test("one that goes beyond it is stopped until that is made up for, and loses nothing", () => {
  const { bench, alice, bob, say } = scene();
  say("x".repeat(30_000));
  expect(bob.only().body?.length).toBe(30_000);
  expect(alice.reading).toBe(false);
  bench.advance(1_900);
  expect(alice.reading).toBe(false);
  bench.advance(300);
  expect(alice.reading).toBe(true);
});

test("two sessions of a connection may bring twice as much", () => {
  const { bench, alice, say } = scene();
  alice.authenticate();
  bench.advance(2_000);
  say("x".repeat(18_000));
  expect(alice.reading).toBe(true);
  say("x".repeat(5_000));
  expect(alice.reading).toBe(false);
});

test("a connection that ends while it waits leaves nothing behind", () => {
  const { bench, alice, say } = scene();
  say("x".repeat(90_000));
  expect(alice.reading).toBe(false);
  alice.end();
  bench.expectNothingKept();
});

describe("a limit that several connections share", () => {
  /** A bench with a limit; `say` sends so many octets from one client to another. */
  function shared(limit: Record<string, number>) {
    const bench = new RelayBench({
      limits: limit,
      domains: [
        { name: "example.com", algorithms: ["MD5"] },
        { name: "example.net", algorithms: ["MD5"] },
      ],
    });
    const client = (user: string, domain = "example.com") => {
      const peer = bench.connect(user);
      peer.lease = peer.authenticate({ user, to: `msrps://${domain};tcp` });
      return peer;
    };
    const bob = client("bob", "example.net");
    const say = (from: BenchPeer, octets: number) =>
      from.say(send("t111", between(from, bob, { body: "x".repeat(octets), failureReport: "no" })));
    return { bench, client, bob, say };
  }

  test("stops all connections of a user, and of nobody else", () => {
    const { bench, client, say } = shared({ bytesPerSecondPerUser: 10_000 });
    const [alice, again, carol] = [client("alice"), client("alice"), client("carol")];
    bench.advance(2_000);
    say(alice, 9_000);
    expect(alice.reading).toBe(true);
    say(again, 9_000);
    say(carol, 9_000);
    expect([alice.reading, again.reading, carol.reading]).toEqual([true, false, true]);
    say(alice, 2_000);
    expect(alice.reading).toBe(false);
    bench.advance(1_200);
    expect(again.reading).toBe(true);
  });

  test("tells the same name in two domains apart, and counts those of one domain together", () => {
    const { bench, client, say } = shared({ bytesPerSecondPerDomain: 10_000 });
    const [alice, carol, other] = [client("alice"), client("carol"), client("alice", "example.net")];
    bench.advance(2_000);
    say(alice, 9_000);
    say(carol, 9_000);
    say(other, 9_000);
    expect([alice.reading, carol.reading, other.reading]).toEqual([true, false, true]);
  });

  test("for all together holds for strangers and whoever we have dialed as well", () => {
    const { bench, bob, client, say } = shared({ bytesPerSecond: 10_000 });
    const [alice, stranger] = [client("alice"), bench.connect("stranger")];
    bench.advance(2_000);
    say(alice, 9_500);
    stranger.say(send("t111", between(stranger, bob, { body: "x".repeat(3_000), failureReport: "no" })));
    expect([alice.reading, stranger.reading]).toEqual([true, false]);
  });

  test("lets those go that wait in their turn, so that each brings as much as the others and all no more than the limit", () => {
    const { bench, client, bob, say } = shared({ bytesPerSecond: 100_000 });
    const senders = ["alice", "carol", "dave", "erin"].map((user) => {
      bench.accounts.set(user, { password: "secret" });
      return client(user);
    });
    const brought = senders.map(() => 0);
    bench.advance(2_000);
    bob.heard();
    // Each sends 20,000 octets whenever it may, for ten seconds.
    for (let at = 0; at < 10_000; at += 50) {
      for (const [i, sender] of senders.entries()) {
        if (!sender.reading) continue;
        say(sender, 20_000);
        brought[i] = (brought[i] ?? 0) + 20_000;
      }
      bench.advance(50);
    }
    const all = brought.reduce((sum, octets) => sum + octets);
    expect(all).toBeGreaterThan(900_000);
    expect(all).toBeLessThan(1_250_000);
    expect(Math.max(...brought) / Math.min(...brought)).toBeLessThan(1.5);
    expect(bob.heard()).toHaveLength(all / 20_000);
    for (const sender of senders) sender.end();
    bob.end();
    bench.expectNothingKept();
  });
});
