/** Following one session: every head of its frames, no body, and nothing that whoever reads it could use. */
import { beforeEach, describe, expect, test } from "vitest";
import type { TracedHead } from "../../../core/mod.ts";
import { beginSend, end, request, send } from "../../support/frames.ts";
import { authUri, type BenchPeer, between, RelayBench } from "../../support/relay-bench.ts";

let bench: RelayBench;
let alice: BenchPeer;
let bob: BenchPeer;
let seen: TracedHead[];
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
  bob = bench.client("bob");
  seen = [];
  expect(bench.relay.trace(1, (head) => seen.push(head))).toBe(true);
});

/** `in 1 SEND 5$`: direction, connection, method or status, octets of the body, flag. */
function briefs(): string[] {
  return seen.splice(0).map(({ direction, connection, head, bodyBytes }) => {
    const what = head.split(/\s/)[2];
    return `${direction} ${connection} ${what} ${bodyBytes}${head.at(-3)}`;
  });
}

test("a message is seen as it comes, as it goes on, and as it is answered", () => {
  alice.say(send("t111", between(alice, bob, { body: "hello" })));
  expect(seen[0]).toEqual({
    at: 0,
    session: 1,
    direction: "in",
    connection: 1,
    head:
      "MSRP t111 SEND\r\n" +
      "To-Path: msrps://relay.example.com:2855/***;tcp msrps://relay.example.com:2855/***;tcp " +
      "msrps://bob.invalid:9999/bob1;tcp\r\nFrom-Path: msrps://alice.invalid:9999/alice1;tcp\r\n" +
      "Message-ID: m111\r\nContent-Type: text/plain\r\n-------t111$\r\n",
    bodyBytes: 5,
  });
  expect(briefs()).toEqual(["in 1 SEND 5$", "out 2 SEND 5$", "out 1 200 0$"]);
});

test("the other way, and what is no SEND, is seen as well", () => {
  bob.say(request("r111", "REPORT", { ...between(bob, alice), headers: ["Message-ID: m111", "Status: 000 200 OK"] }));
  expect(briefs()).toEqual(["in 2 REPORT 0$", "out 1 REPORT 0$"]);
  alice.say(request("n111", "NICKNAME", { ...between(alice, bob), headers: ["Content-Type: a/b"], body: "hello" }));
  bob.heard();
  expect(briefs()).toEqual(["in 1 NICKNAME 5$", "out 2 NICKNAME 5$"]);
});

test("a REPORT of ours and a refusal are seen", () => {
  alice.say(send("t111", between(alice, bob)));
  alice.say(send("t112", between(alice, bob, { range: "x" })));
  briefs();
  bob.end();
  alice.say(send("t113", between(alice, bob)));
  expect(briefs()).toEqual(["out 1 REPORT 0$", "in 1 SEND 0$", "out 1 481 0$"]);
});

test("a chunk that comes in pieces is told at its end, with all that it was and how it ended", () => {
  alice.say(`${beginSend("t111", between(alice, bob))}hello`);
  expect(briefs()).toEqual([]);
  bench.advance(1000);
  alice.say(" world");
  alice.say(end("t111", "+"));
  expect(seen.map(({ at }) => at)).toEqual([1000, 1000, 1000]);
  expect(briefs()).toEqual(["in 1 SEND 11+", "out 2 SEND 11+", "out 1 200 0$"]);
});

test("a chunk that somebody's frame interrupts is told before that frame", () => {
  const carol = bench.client("carol");
  alice.say(`${beginSend("t111", between(alice, bob))}${"x".repeat(3000)}`);
  carol.say(send("t222", between(carol, bob, { body: "hi" })));
  bob.say(request("r111", "REPORT", { ...between(bob, alice), headers: ["Message-ID: m111"] }));
  alice.say(end("t111"));
  expect(briefs()).toEqual([
    "out 2 SEND 2999+",
    "in 2 REPORT 0$",
    "out 1 REPORT 0$",
    "in 1 SEND 3000$",
    "out 2 SEND 1$",
    "out 1 200 0$",
  ]);
  expect(bob.briefs()).toEqual([`SEND 1-*/* ${"x".repeat(2999)}+`, "SEND - hi$", "SEND 3000-*/* x$"]);
});

test("frames of other sessions are not seen", () => {
  const carol = bench.client("carol");
  carol.say(send("t111", between(carol, bob)));
  expect(briefs()).toEqual([]);
});

test("what proves a client to another relay, and the URI it is given there, are masked", () => {
  const outer = "msrps://outer.example.net:2855;tcp";
  const headers = ['Authorization: Digest response="5ec4e7"'];
  alice.say(request("a111", "AUTH", { to: [alice.lease, outer], from: [alice.uri], headers }));
  const far = bench.dialed("outer");
  far.answer(far.only(), 200, ["Use-Path: msrps://outer.example.net:2855/hidden;tcp", "Expires: 60"]);
  const heads = seen.map(({ head }) => head).join("");
  expect(briefs()).toHaveLength(4);
  expect(heads).not.toMatch(/5ec4e7|hidden/);
  expect(heads.match(/^(Authorization|Use-Path): \*\*\*\r$/gm)).toHaveLength(4);
  expect(alice.only().header("Use-Path")).toContain("hidden");
});

describe("following", () => {
  test("ends when it is told to, and when the session ends", () => {
    bench.relay.trace(1, undefined);
    alice.say(send("t111", between(alice, bob)));
    expect(briefs()).toEqual([]);
    bench.relay.trace(1, (head) => seen.push(head));
    bench.relay.endSession(1, bench.now);
    expect(bench.relay.state.traces.on).toBe(false);
    bench.expectNothingKept();
  });

  test("is not possible for a session that is not there, nor for more than sixteen", () => {
    expect(bench.relay.trace(17, () => {})).toBe(false);
    const carol = bench.client("carol");
    for (let i = 0; i < 16; i++) carol.authenticate({ user: "carol" });
    const numbers = bench.relay.sessionsNow().map(({ session }) => session);
    const followed = numbers.filter((session) => bench.relay.trace(session, () => {}));
    expect(followed).toEqual(numbers.slice(0, 16));
  });

  test("begins in the middle of a chunk with the next frame", () => {
    bench.relay.trace(1, undefined);
    alice.say(`${beginSend("t111", between(alice, bob))}hello`);
    bench.relay.trace(1, (head) => seen.push(head));
    alice.say(end("t111"));
    expect(briefs()).toEqual(["out 1 200 0$"]);
  });

  test("shows a client that answers under the session's URI", () => {
    alice.say(
      send("t111", { to: [alice.lease, authUri.replace("example.com", "far.example.net:2855/f")], from: [alice.uri] }),
    );
    const far = bench.dialed("far");
    briefs();
    far.answer(far.only(), 200);
    expect(briefs()).toEqual(["in 3 200 0$"]);
  });
});
