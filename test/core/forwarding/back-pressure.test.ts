/** A slow peer stops those who send to it, and nobody else; what is kept for it is bounded. */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, end, request, type SendSaid, send } from "../../support/frames.ts";
import { between, type BenchPeer, RelayBench } from "../../support/relay-bench.ts";

const HIGH_WATER = 256 * 1024;
const block = "x".repeat(32 * 1024);

let bench: RelayBench;
let alice: BenchPeer;
let bob: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
  bob = bench.client("bob");
});

function toBob(from: BenchPeer, said: Partial<SendSaid> = {}): SendSaid {
  return between(from, bob, said);
}

/** Sends blocks until the relay reads no more; what had to be kept for bob. */
function fill(from: BenchPeer): number {
  for (let i = 0; i < 64 && from.reading; i++)
    from.say(send("t111", toBob(from, { body: block, failureReport: "no" })));
  expect(from.reading).toBe(false);
  return bob.backlog;
}

describe("a next hop that takes nothing", () => {
  test("stops its sender at 256 KiB and one read", () => {
    bob.stall();
    expect(fill(alice)).toBeLessThan(HIGH_WATER + block.length + 1024);
  });

  test("stops a sender that streams", () => {
    bob.stall();
    alice.say(beginSend("t111", toBob(alice)));
    let pushed = 0;
    while (alice.reading && pushed < 64) {
      alice.say(block);
      pushed++;
    }
    expect(pushed).toBe(8);
    bob.take();
    expect(alice.reading).toBe(true);
    alice.say(end("t111"));
    expect(bob.only().body).toHaveLength(8 * block.length);
  });

  test("stops nobody who sends to others", () => {
    const carol = bench.client("carol");
    const dave = bench.connect("dave");
    bob.stall();
    fill(alice);
    for (let i = 0; i < 20; i++) carol.say(send("t222", between(carol, alice, { body: block })));
    for (let i = 0; i < 20; i++) dave.say(send("t333", between(dave, carol, { body: block })));
    expect([carol.reading, dave.reading, alice.reading]).toEqual([true, true, false]);
  });

  test("lets its sender go when its backlog has fallen", () => {
    bob.stall();
    fill(alice);
    bob.take(100_000);
    expect(alice.reading).toBe(false);
    bob.take(150_000);
    expect(alice.reading).toBe(true);
  });

  test("lets all of its senders go, in turn, a few at a time", () => {
    const senders = Array.from({ length: 20 }, (_, i) => bench.connect(`s${i}`));
    bob.stall();
    fill(alice);
    for (const sender of senders) sender.say(send("t222", toBob(sender, { failureReport: "no", body: "x" })));
    expect(senders.every(({ reading }) => !reading)).toBe(true);
    bob.take();
    expect(senders.every(({ reading }) => reading)).toBe(true);
    expect(alice.reading).toBe(true);
    bench.expectNothingKept();
  });

  test("that is filled again at once keeps the rest of them waiting, and none for ever", () => {
    const senders = Array.from({ length: 12 }, (_, i) => bench.connect(`s${i}`));
    const got = new Map<BenchPeer, number>();
    bob.stall();
    for (const sender of senders) {
      while (sender.reading) sender.say(send("t222", toBob(sender, { failureReport: "no", body: block.repeat(9) })));
    }
    for (let round = 0; round < 60; round++) {
      bob.take(bob.backlog);
      for (const sender of senders) {
        if (!sender.reading) continue;
        got.set(sender, (got.get(sender) ?? 0) + 1);
        sender.say(send("t222", toBob(sender, { failureReport: "no", body: block.repeat(9) })));
      }
      expect(bob.backlog).toBeLessThan(13 * 9 * block.length);
    }
    const shares = senders.map((sender) => got.get(sender) ?? 0);
    expect(Math.min(...shares)).toBeGreaterThan(Math.max(...shares) / 2);
  });

  test("is closed after two minutes, and its senders are told and let go", () => {
    bob.stall();
    alice.say(send("t111", toBob(alice, { failureReport: "partial", body: block.repeat(9) })));
    expect(alice.reading).toBe(false);
    bench.advance(119_000);
    expect(bob.closed).toBe(false);
    bench.advance(32_000);
    expect(bob.closed).toBe(true);
    expect(bench.last("connectionClosed")?.why).toBe("STALLED");
    expect(alice.reading).toBe(true);
    expect(alice.briefs()).toEqual([`REPORT m111 1-${9 * block.length}/${9 * block.length} 481`]);
    bob.take();
    bench.expectNothingKept();
  });

  test("is not closed while it takes a little from time to time", () => {
    bob.stall();
    fill(alice);
    for (let minutes = 0; minutes < 10; minutes++) {
      bench.advance(60_000);
      bob.take(1);
    }
    expect(bob.closed).toBe(false);
    bench.advance(180_000);
    expect(bob.closed).toBe(true);
  });

  test("that we still dial stops its sender as well, and is closed when it then takes nothing", () => {
    const uri = "msrps://far.example.net:2855/f00;tcp";
    alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri], body: block.repeat(9), failureReport: "no" }));
    expect(alice.reading).toBe(false);
    bench.advance(60_000);
    const far = bench.dialed("far");
    far.stall();
    // It had taken all of it in the first turn; the next lot it does not.
    alice.say(send("t222", { to: [alice.lease, uri], from: [alice.uri], body: block.repeat(9), failureReport: "no" }));
    expect(alice.reading).toBe(false);
    bench.advance(160_000);
    expect(far.closed).toBe(true);
    expect(alice.reading).toBe(true);
  });

  test("right from when it was dialed is closed after two minutes, not waited for until it is idle", () => {
    const uri = "msrps://far.example.net:2855/f00;tcp";
    alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri], body: block.repeat(9), failureReport: "no" }));
    bench.advance(40_000);
    const far = bench.dialed("far", bench.dials[0], { stalled: true });
    bench.advance(160_000);
    expect(far.closed).toBe(true);
    expect(alice.reading).toBe(true);
    bench.expectNothingKept();
  });

  test("and is lost, lets its senders go", () => {
    bob.stall();
    fill(alice);
    bob.end();
    expect(alice.reading).toBe(true);
    bench.expectNothingKept();
  });

  test("forgets a sender that has gone meanwhile", () => {
    const carol = bench.connect("carol");
    bob.stall();
    fill(alice);
    carol.say(send("t222", toBob(carol)));
    expect(carol.reading).toBe(false);
    carol.end();
    bob.take();
    expect(alice.reading).toBe(true);
    bench.expectNothingKept();
  });

  test("keeps no list of the senders that came and went", () => {
    bob.stall();
    fill(alice);
    for (let i = 0; i < 50; i++) {
      const passing = bench.connect("passing");
      passing.say(send("t222", toBob(passing, { failureReport: "no" })));
      expect(passing.reading).toBe(false);
      passing.end();
    }
    for (const { held } of bench.relay.state.connections) expect(held.length).toBeLessThanOrEqual(1);
  });

  test("holds a sender to two of them until both have room", () => {
    const carol = bench.client("carol");
    bob.stall();
    carol.stall();
    const big = block.repeat(9);
    // Both in one read: what was read already still comes.
    alice.say(
      send("t111", toBob(alice, { failureReport: "no", body: big })) +
        send("t222", between(alice, carol, { failureReport: "no", body: big })),
    );
    bob.take();
    expect(alice.reading).toBe(false);
    carol.take();
    expect(alice.reading).toBe(true);
  });
});

describe("a peer that does not read what is its own", () => {
  test("is not read from either: responses", () => {
    alice.stall();
    let requests = 0;
    while (alice.reading && requests < 100_000) {
      alice.say(send("t111", { to: [alice.lease], from: [alice.uri] }).repeat(50));
      requests += 50;
    }
    expect(alice.reading).toBe(false);
    expect(alice.backlog).toBeLessThan(HIGH_WATER + 64 * 1024);
    alice.take();
    expect(alice.reading).toBe(true);
  });

  test("is not read from either: REPORTs about what it sends", () => {
    alice.stall();
    let sent = 0;
    while (alice.reading && sent < 5_000) {
      alice.say(send("t111", toBob(alice, { failureReport: "partial", body: "hello" })));
      for (const heard of bob.heard()) bob.answer(heard, 415);
      sent++;
    }
    expect(alice.reading).toBe(false);
    expect(alice.backlog).toBeLessThan(HIGH_WATER + 64 * 1024);
    bench.advance(160_000);
    expect(bench.last("connectionClosed")?.why).toBe("STALLED");
  });

  test("is not read from either: responses of others to it", () => {
    alice.stall();
    let asked = 0;
    const paths = { to: [alice.lease, bob.lease, bob.uri], from: [alice.uri] };
    while (alice.reading && asked < 5_000) {
      alice.say(request("n111", "NICKNAME", paths));
      for (const heard of bob.heard()) bob.answer(heard, 200);
      asked++;
    }
    expect(alice.reading).toBe(false);
    expect(alice.backlog).toBeLessThan(HIGH_WATER + 64 * 1024);
  });

  test("is not read from either: challenges", () => {
    const carol = bench.connect("carol");
    carol.stall();
    let asked = 0;
    while (carol.reading && asked < 5_000) {
      carol.say(request("auth1", "AUTH", { to: ["msrps://example.com;tcp"], from: [carol.uri] }));
      asked++;
    }
    expect(carol.reading).toBe(false);
  });

  test("is closed although nobody sends to it any more: REPORTs of the 30 seconds", () => {
    const big = "m".repeat(250);
    for (let i = 0; i < 2_000; i++) {
      alice.say(send("t111", toBob(alice, { messageId: big, body: "hello" })));
    }
    alice.stall();
    bench.advance(31_000);
    expect(alice.backlog).toBeGreaterThan(HIGH_WATER);
    bench.advance(160_000);
    expect(alice.closed).toBe(true);
  });
});

describe("a next hop that never answers", () => {
  test("is not sent more than 4,096 requests; its senders wait for the timers", () => {
    let sent = 0;
    while (alice.reading && sent < 10_000) {
      alice.say(send("t111", toBob(alice)));
      sent++;
    }
    expect(sent).toBe(4_097);
    expect(bench.relay.census.transactions).toBe(4_097);
    bench.advance(31_000);
    expect(alice.reading).toBe(true);
    expect(bench.relay.census.transactions).toBe(0);
    bench.expectNothingKept();
  });

  test("and does at last lets its senders go on", () => {
    while (alice.reading) alice.say(send("t111", toBob(alice)));
    const [first, second] = bob.heard();
    bob.answer(first as never, 200);
    bob.answer(second as never, 200);
    expect(alice.reading).toBe(true);
  });
});
