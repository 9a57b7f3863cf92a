/** Responses from next hops: RFC 4976 §6.4.3. */
import { beforeEach, describe, expect, test } from "vitest";
import { request, send } from "../../support/frames.ts";
import { between, type BenchPeer, cuts, type Heard, RelayBench } from "../../support/relay-bench.ts";

describe.each(cuts)("%s", (cut) => {
  let bench: RelayBench;
  let alice: BenchPeer;
  let bob: BenchPeer;
  let sent: Heard;
  beforeEach(() => {
    bench = new RelayBench({ cut });
    alice = bench.client("alice");
    bob = bench.client("bob");
    alice.say(send("t111", between(alice, bob, { body: "hello" })));
    expect(alice.briefs()).toEqual(["t111 200"]);
    sent = bob.only();
  });

  /** The transaction is over: nothing comes when its time would be. */
  function expectOver(): void {
    bench.advance(60_000);
    expect(alice.briefs()).toEqual([]);
  }

  /** It still waits, and its time comes. */
  function expectWaiting(): void {
    expect(alice.briefs()).toEqual([]);
    bench.advance(31_000);
    expect(alice.briefs()).toEqual(["REPORT m111 1-5/5 408"]);
  }

  describe("a response ends its transaction", () => {
    test.each(["200 OK", "200", "200 ", "201 Something", "299"])("%s is success and goes no further", (status) => {
      bob.answer(sent, status);
      expectOver();
      expect(bench.faults).toEqual([]);
    });

    test.each(["400 Bad", "413", "481", "500", "999 Who knows"])("%s is failure", (status) => {
      bob.answer(sent, status);
      expect(alice.briefs()).toEqual([`REPORT m111 1-5/5 ${status.slice(0, 3)}`]);
      expectOver();
    });

    test("also when its To-Path is the whole way back rather than the previous hop (FreeSWITCH)", () => {
      bob.say(request(sent.id, "200", { to: sent.from, from: [bob.uri] }));
      expectOver();
      expect(bench.faults).toEqual([]);
    });

    test("also when our URI is spelt another way, and with headers and a body", () => {
      const to = [bob.lease.replace("relay", "RELAY")];
      bob.say(request(sent.id, "200", { to, from: [bob.uri], headers: ["Message-ID: m111"], body: "thanks" }));
      expectOver();
    });

    test("that nobody asked for is dropped: Failure-Report no and partial (FreeSWITCH, SylkServer)", () => {
      bob.answer(sent, 200);
      for (const failureReport of ["no", "partial"]) {
        alice.say(send("t222", between(alice, bob, { failureReport, body: "hello" })));
        bob.answer(bob.only(), 200);
      }
      expectOver();
      expect(bob.closed).toBe(false);
    });
  });

  describe("a response is dropped, and its connection kept,", () => {
    test("when it is to nothing of ours", () => {
      for (const id of ["unknown", "a".repeat(17), `${sent.id}a`, sent.id.slice(0, -1), sent.id.toUpperCase()]) {
        bob.say(request(id, "200", { to: [bob.lease], from: [bob.uri] }));
      }
      expect(bench.faults).toEqual(Array(5).fill("RESPONSE_UNKNOWN"));
      expect(bob.closed).toBe(false);
      expectWaiting();
    });

    test("when another connection says it", () => {
      const carol = bench.connect("carol");
      carol.say(request(sent.id, "200", { to: [bob.lease], from: [bob.uri] }));
      expect(bench.faults).toEqual(["RESPONSE_UNKNOWN"]);
      expectWaiting();
    });

    test("when it names another of our URIs, also when a response like it was right before", () => {
      const first = bob.lease;
      bob.answer(sent, 200);
      bob.lease = bob.authenticate();
      alice.say(send("t222", between(alice, bob, { body: "hello" })));
      expect(alice.briefs()).toEqual(["t222 200"]);
      bob.say(request(bob.only().id, "200", { to: [first], from: [bob.uri] }));
      expect(bench.faults).toEqual(["RESPONSE_MALFORMED"]);
      expectWaiting();
    });

    test("when it comes twice", () => {
      bob.answer(sent, 200);
      bob.answer(sent, 415);
      expect(bench.faults).toEqual(["RESPONSE_UNKNOWN"]);
      expectOver();
    });

    test("when it comes late", () => {
      bench.advance(31_000);
      alice.heard();
      bob.answer(sent, 415);
      expect(bench.faults.at(-1)).toBe("RESPONSE_UNKNOWN");
      expectOver();
    });

    test("when its slot serves another by now", () => {
      bob.answer(sent, 200);
      alice.say(send("t222", between(alice, bob, { messageId: "m222" })));
      const second = bob.only();
      expect(second.id.slice(0, 4)).toBe(sent.id.slice(0, 4));
      bob.answer(sent, 415);
      expect(alice.briefs()).toEqual(["t222 200"]);
      bob.answer(second, 415);
      expect(alice.briefs()).toEqual(["REPORT m222 1-0/0 415"]);
    });

    test.each([
      ["without paths", () => `MSRP ${sent.id} 200 OK\r\n-------${sent.id}$\r\n`],
      ["to somebody else", () => request(sent.id, "200", { to: [alice.uri], from: [bob.uri] })],
      ["to a path that is none", () => request(sent.id, "200", { to: ["x"], from: [bob.uri] })],
      [
        "with two To-Paths",
        () => request(sent.id, "200", { to: [bob.lease], from: [bob.uri], headers: ["To-Path: x"] }),
      ],
      ["with a control character", () => request(sent.id, "200 \x07", { to: [bob.lease], from: [bob.uri] })],
    ])("when it cannot be parsed or is not for us: %s", (_, text) => {
      bob.say(text());
      expect(bench.faults).toEqual(["RESPONSE_MALFORMED"]);
      expect(bob.closed).toBe(false);
      expectWaiting();
    });
  });

  test("an answer to another method goes the whole way back, also when it names only us (Kamailio)", () => {
    alice.say(request("n111", "NICKNAME", { to: [alice.lease, bob.lease, bob.uri], from: [alice.uri] }));
    const asked = bob.only();
    bob.say(request(asked.id, "200", { to: asked.from.slice(0, 1), from: [bob.uri] }));
    const answer = alice.only();
    expect([answer.id, answer.to, answer.from]).toEqual(["n111", [alice.uri], [alice.lease, bob.lease, bob.uri]]);
    expect(bench.faults).toEqual([]);
  });

  test("a response that comes before the end of its request is as good", () => {
    bob.answer(sent, 200);
    alice.say(`MSRP t222 SEND\r\nTo-Path: ${alice.lease} ${bob.lease} ${bob.uri}\r\nFrom-Path: ${alice.uri}\r\n`);
    alice.say("Message-ID: m222\r\nContent-Type: text/plain\r\n\r\nhello world");
    bob.answer(bob.hearing as Heard, 200);
    alice.say("!\r\n-------t222$\r\n");
    expect(bob.only().body).toBe("hello world!");
    expect(alice.briefs()).toEqual(["t222 200"]);
    expectOver();
    bench.expectNothingKept();
  });

  test("a response nobody waits for proves nothing: the connection is still on probation", () => {
    const mallory = bench.connect("mallory");
    mallory.say(request("x111", "200", { to: [alice.lease], from: [mallory.uri] }));
    bench.advance(30_000);
    expect(mallory.closed).toBe(true);
  });
});
