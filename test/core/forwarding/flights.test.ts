/** What is under way to another relay is kept small while sessions share the way, so that a chat does not wait for a file. */
import { beforeEach, describe, expect, test } from "vitest";
import { MOST_HELD, OPEN_FOR } from "../../../core/forwarding/flights.ts";
import { SHARED_CHUNK, SHARED_WINDOW } from "../../../core/session/flight.ts";
import { beginSend, end, send, type SendSaid } from "../../support/frames.ts";
import { type BenchPeer, type Heard, RelayBench } from "../../support/relay-bench.ts";
import { authThrough, ChainBench, leaseOf, ours } from "../chain-bench.ts";

const block = "x".repeat(32 * 1024);

let bench: RelayBench;
let alice: BenchPeer;
let carol: BenchPeer;
/** Another relay, which we have dialed. */
let far: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
  carol = bench.client("carol");
  alice.say(send("t000", beyond(alice, { body: "first" })));
  far = bench.dialed("far");
  for (const heard of far.heard()) far.answer(heard, 200);
  // Nobody else has written for long: the way is not shared.
  bench.advance(60_000);
});

function beyond(from: BenchPeer, said: Partial<SendSaid> = {}): SendSaid {
  return { to: [from.lease, `msrps://far.example.net:2855/${from.name};tcp`], from: [from.uri], ...said };
}

function chat(text = "hello"): void {
  carol.say(send("t222", beyond(carol, { body: text, messageId: "chat" })));
}

/** Alice sends a file until the relay reads no more, or she has sent so many blocks. */
function pour(most: number): number {
  let blocks = 0;
  while (alice.reading && blocks < most) {
    alice.say(block);
    blocks++;
  }
  return blocks;
}

function beginFile(said: Partial<SendSaid> = {}): void {
  alice.say(beginSend("t111", beyond(alice, { messageId: "file", range: "1-*/999999999", ...said })));
}

function answer(heard: readonly Heard[]): void {
  for (const one of heard) if (one.what === "SEND") far.answer(one, 200);
}

/** A file and a chat take turns, and all is answered: from here on the way is shared. */
function share(said: Partial<SendSaid> = {}): void {
  beginFile(said);
  alice.say(block);
  chat();
  alice.say(block);
  chat();
  alice.say(block);
  answer(far.heard());
}

describe("a session that is alone on the way to another relay", () => {
  test("is sent as one chunk, however much is unanswered", () => {
    beginFile();
    expect(pour(100)).toBe(100);
    expect(far.heard()).toEqual([]);
    expect(far.hearing?.body?.length).toBeGreaterThan(3 * SHARED_WINDOW);
  });
});

describe("sessions that share the way to another relay", () => {
  test("are sent in chunks that are soon answered", () => {
    share();
    pour(10);
    const lengths = far.heard().map(({ body }) => body?.length);
    expect(lengths.length).toBeGreaterThanOrEqual(4);
    for (const length of lengths.slice(1)) expect(length).toBe(SHARED_CHUNK);
  });

  test("have no more than a megabyte unanswered: who sends much waits, who sends little does not", () => {
    share();
    const blocks = pour(200);
    expect(alice.reading).toBe(false);
    expect(blocks * block.length).toBeLessThan(SHARED_WINDOW + 6 * SHARED_CHUNK);
    chat("are you there?");
    expect(carol.reading).toBe(true);
    expect(far.heard().at(-1)?.body).toBe("are you there?");
  });

  test("go on when half of it is answered", () => {
    share();
    pour(200);
    const heard = far.heard();
    answer(heard.slice(0, 4));
    expect(alice.reading).toBe(false);
    answer(heard.slice(4, 12));
    expect(alice.reading).toBe(true);
  });

  test("go on when a later request is answered: what was before it has been read", () => {
    share();
    pour(200);
    chat();
    answer(far.heard().slice(-1));
    expect(alice.reading).toBe(true);
  });

  test("wait a second for a relay that answers nothing, and then go on for a while", () => {
    share();
    pour(200);
    bench.advance(MOST_HELD - 1);
    expect(alice.reading).toBe(false);
    bench.advance(1);
    expect(alice.reading).toBe(true);
    expect(pour(100)).toBe(100);
    bench.advance(OPEN_FOR);
    chat();
    expect(pour(10)).toBeLessThan(10);
  });

  test("wait for no response where none was promised", () => {
    share({ failureReport: "no" });
    expect(pour(200)).toBe(200);
    share({ failureReport: "partial", messageId: "other" });
    expect(pour(200)).toBe(200);
  });

  test("are alone again when the others have been quiet for half a minute", () => {
    share();
    alice.say(end("t111", "+"));
    answer(far.heard());
    bench.advance(60_000);
    answer(far.heard());
    beginFile({ range: "200000-*/999999999" });
    expect(pour(100)).toBe(100);
  });

  test("are let go when that relay is lost, and nothing is kept of them", () => {
    share();
    pour(200);
    far.end();
    expect(alice.reading).toBe(true);
    bench.expectNothingKept();
  });

  test("and end while they wait are forgotten", () => {
    share();
    pour(200);
    alice.end();
    answer(far.heard());
    bench.advance(2000);
    chat();
    expect(carol.reading).toBe(true);
    bench.expectNothingKept();
  });

  test("go on one after the other, all of them", () => {
    share();
    const others = Array.from({ length: 12 }, (_, i) => bench.client(`s${i}`));
    pour(200);
    for (const other of others) {
      for (let i = 0; i < 6 && other.reading; i++) other.say(send("t333", beyond(other, { body: block })));
    }
    expect(others.every(({ reading }) => !reading)).toBe(true);
    answer(far.heard());
    expect(others.every(({ reading }) => reading)).toBe(true);
    expect(alice.reading).toBe(true);
    bench.expectNothingKept();
  });
});

test("a relay that sends us what goes back to it is read from: its responses come that way", () => {
  const chain = new ChainBench();
  const relay = chain.relayConnects("inner");
  const clients = ["c1", "c2", "c3", "c4"].map((name) => [leaseOf("inner", name), `msrps://${name}.invalid:1/x;tcp`]);
  const [one, two, three, four] = clients.map((path) => ({ path, lease: ours(authThrough(relay, path)) }));
  type Client = NonNullable<typeof one>;
  const says = (id: string, from: Client, to: Client) =>
    relay.say(send(id, { to: [from.lease, to.lease, ...to.path], from: from.path, body: block }));
  for (let i = 0; i < 40; i++) {
    says("t111", one as Client, two as Client);
    says("t222", three as Client, four as Client);
  }
  expect(relay.reading).toBe(true);
  chain.expectNothingKept();
});

test("two relays that send much to each other through us do not wait for each other", () => {
  const chain = new ChainBench();
  const relays = ["left", "right"].map((name) => chain.relayConnects(name));
  const clients = relays.map((relay, at) =>
    ["c1", "c2"].map((name) => {
      const path = [leaseOf(at === 0 ? "left" : "right", name), `msrps://${name}.invalid:1/x;tcp`];
      return { path, lease: ours(authThrough(relay, path)) };
    }),
  );
  for (let i = 0; i < 60; i++) {
    for (const [at, relay] of relays.entries()) {
      const [own, others] = [clients[at], clients[1 - at]];
      for (const [k, { path, lease }] of (own ?? []).entries()) {
        const to = others?.[k];
        if (to === undefined || !relay.reading) continue;
        relay.say(send("t111", { to: [lease, to.lease, ...to.path], from: path, body: block }));
      }
    }
  }
  expect(relays.filter(({ reading }) => reading)).toHaveLength(1);
  chain.expectNothingKept();
});
