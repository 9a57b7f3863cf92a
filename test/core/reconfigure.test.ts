/** Another configuration while sessions go on: what it applies to, and what it leaves alone. */
import { expect, test } from "vitest";
import { request, send } from "../support/frames.ts";
import { authUri, between, RelayBench } from "../support/relay-bench.ts";
import { type ConfigChanges, relayConfig } from "../support/relay-config.ts";

/** Two clients in a session, and what gives their relay another configuration. */
function scene(before: ConfigChanges = {}) {
  const bench = new RelayBench(before);
  const [alice, bob] = [bench.client("alice"), bench.client("bob")];
  const { config } = bench.relay.state;
  const change = (changes: ConfigChanges) => {
    bench.relay.reconfigure(relayConfig({ ...config, ...changes }), bench.now);
    bench.settle();
  };
  const say = (body = "hello") => alice.say(send("t111", between(alice, bob, { body, failureReport: "no" })));
  const hears = () => bob.heard().map(({ body }) => body);
  return { bench, alice, bob, change, say, hears };
}

test("a session goes on, that of a domain which is served no more as well", () => {
  const { bench, alice, change, say, hears } = scene();
  say();
  change({ domains: [{ name: "example.org", algorithms: ["MD5"] }] });
  say();
  expect(hears()).toEqual(["hello", "hello"]);
  const carol = bench.connect("carol");
  expect(carol.authenticate({ to: "msrps://example.org;tcp", user: "carol" })).not.toBe("");
  const dave = bench.connect("dave");
  dave.challenge({ to: authUri });
  expect([dave.closed, alice.closed]).toEqual([true, false]);
  expect(bench.relay.counters.auths["example.org"]).toMatchObject({ OK: 1 });
  expect(bench.relay.counters.auths["example.com"]).toMatchObject({ OK: 2 });
  bench.expectNothingKept();
});

test("a challenge that is out can still be answered, and nonces are good for as long as is said now", () => {
  const { bench, change } = scene();
  const [carol, dave] = [bench.connect("carol"), bench.connect("dave")];
  const challenges = [carol, dave].map((peer) => peer.challenge());
  change({ auth: { nonceSeconds: 10 } });
  bench.advance(5_000);
  carol.say(carol.proof(challenges[0]!, { user: "carol" }));
  expect(carol.only().what).toBe("200");
  bench.advance(10_000);
  dave.say(dave.proof(challenges[1]!));
  expect(dave.only().header("WWW-Authenticate")).toContain("stale=true");
});

test("how much a user may have is asked at the next AUTH", () => {
  const { bench, alice, change } = scene();
  change({ limits: { sessionsPerUser: 1 } });
  expect(bench.connect("elsewhere").authenticate({ user: "alice" })).toBe("");
  expect(alice.closed).toBe(false);
});

test("connections that are there have another idle time at once, a shorter or a longer one", () => {
  const { bench, alice, change } = scene();
  change({ limits: { idleSeconds: 7200 } });
  bench.advance(3_600_000);
  expect(alice.closed).toBe(false);
  change({ limits: { idleSeconds: 60 } });
  expect(alice.closed).toBe(true);
  bench.expectNothingKept();
});

test("sessions that are there end sooner when they may be idle for less", () => {
  const { bench, alice, change } = scene();
  change({ limits: { sessionIdleSeconds: 60 } });
  bench.advance(59_000);
  expect(bench.last("sessionEnded")).toBeUndefined();
  bench.advance(1_000);
  expect(bench.last("sessionEnded")?.why).toBe("IDLE");
  expect(alice.closed).toBe(true);
  bench.expectNothingKept();
});

test("a session is held back from now on, and let go from now on", () => {
  const { bench, alice, change, say, hears } = scene();
  change({ limits: { bytesPerSecondPerSession: 2_000 } });
  say("x".repeat(9_000));
  expect(alice.reading).toBe(false);
  bench.advance(10_000);
  expect(alice.reading).toBe(true);
  change({ limits: { bytesPerSecondPerSession: 0 } });
  say("x".repeat(9_000));
  expect(alice.reading).toBe(true);
  expect(hears().map((body) => body?.length)).toEqual([9_000, 9_000]);
});

test("chunks have another size from the next one on, on routes that are in use as well", () => {
  const { alice, bob, change, say } = scene();
  say();
  expect(bob.heard()).toHaveLength(1);
  change({ forwarding: { chunkBytes: 2 } });
  alice.say(send("t112", between(alice, bob, { body: "hello", range: "1-5/5" })));
  expect(bob.heard().map(({ body }) => body)).toEqual(["he", "ll", "o"]);
});

test("a method that we do not know is refused from now on", () => {
  const { alice, bob, change } = scene();
  const nickname = () => alice.say(request("t113", "NICKNAME", between(alice, bob)));
  nickname();
  expect(bob.heard()).toHaveLength(1);
  change({ forwarding: { unknownMethods: "refuse" } });
  nickname();
  expect([bob.heard().length, alice.briefs()]).toEqual([0, ["t113 501"]]);
});
