/** `limits.bytesPerSecondPerSession`: by back-pressure, never by loss. */
import { expect, test } from "vitest";
import { send } from "../../support/frames.ts";
import { between, RelayBench } from "../../support/relay-bench.ts";

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
