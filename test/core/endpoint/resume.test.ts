/** A message that goes on in a new session, after the first has failed (RFC 4975 §5.4). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import type { Endpoint } from "../../../core/endpoint/endpoint.ts";
import type { IncomingMessage } from "../../../core/endpoint/incoming-message.ts";
import type { OutgoingMessage } from "../../../core/endpoint/outgoing-message.ts";
import type { SessionSink } from "../../../core/endpoint/sinks.ts";
import { MisuseError } from "../../../core/ports.ts";
import { endpoint, Notes, Pair, pattern, Scripted, skeleton } from "./pair.ts";

const alice = "msrps://a.example.com:9892/alice;tcp";
const bob = "msrps://b.example.com:9892/bob;tcp";
const body = octets("0123456789");

function scripted(): { it: Scripted; notes: Notes; send: (from: number) => OutgoingMessage } {
  const it = new Scripted();
  const notes = new Notes();
  const session = it.endpoint.open({ sink: notes, own: alice, peerPath: bob });
  const send = (from: number) =>
    session.send({ contentType: "text/plain", body, messageId: "m1234", from, successReport: true }, it.now);
  return { it, notes, send };
}

describe("the sender", () => {
  test("begins where the peer has confirmed, under the same Message-ID", () => {
    const { it, send } = scripted();
    const message = send(6);
    const sent = it.sent();
    expect(skeleton(sent)).toEqual(["SEND 7-10/10 $"]);
    expect(sent).toContain("Message-ID: m1234\r\n");
    expect(sent).toContain("\r\n\r\n6789\r\n-------");
    expect([message.octetsSent, message.acknowledged.contiguous]).toEqual([10, 6]);
  });

  test("has it delivered when the rest is reported", () => {
    const { it, notes, send } = scripted();
    send(6);
    const [, id] = /^MSRP (\S+)/.exec(it.sent()) ?? [];
    it.says(`MSRP ${id} 200 OK`, `To-Path: ${alice}`, `From-Path: ${bob}`, `-------${id}$`);
    it.says(
      "MSRP aaaaaaaa REPORT",
      `To-Path: ${alice}`,
      `From-Path: ${bob}`,
      "Message-ID: m1234",
      "Byte-Range: 7-10/10",
      "Status: 000 200 OK",
      "-------aaaaaaaa$",
    );
    expect(notes.told).toEqual(["sent", "accepted", "delivered"]);
  });

  test("asks for the octets from there on where they are given bit by bit", () => {
    const { it } = scripted();
    const session = it.endpoint.open({ sink: {}, peerPath: bob });
    const rooms: number[] = [];
    const wanted = (message: OutgoingMessage, room: number, now: number) => {
      rooms.push(room);
      message.write(body.subarray(4), now);
    };
    session.send({ contentType: "text/plain", total: 10, from: 4, wanted }, it.now);
    expect(rooms).toEqual([6]);
    expect(skeleton(it.sent())).toEqual(["SEND 5-10/10 $"]);
  });

  test.each([-1, 0.5, 10, 11])("cannot begin at %s of 10: no chunk could say its end (§7.1.1)", (from) => {
    expect(() => scripted().send(from)).toThrow(MisuseError);
  });
});

/** Keeps what comes, across sessions, as an application with a disk would; confirms every `step` octets. */
class Shelf implements SessionSink {
  readonly told: string[] = [];
  readonly octetsOf = new Uint8Array(4096);
  #kept: IncomingMessage | undefined;
  readonly #step: number;

  constructor(step: number) {
    this.#step = step;
  }

  messageStarted(message: IncomingMessage): void {
    const kept = this.#kept;
    if (kept?.id !== message.id || kept.sender !== message.sender) return;
    for (const [start, end] of kept.received.toArray()) expect(message.have(start, end)).toBe(true);
  }

  octets(
    message: IncomingMessage,
    position: number,
    source: Uint8Array,
    start: number,
    end: number,
    now: number,
  ): void {
    this.octetsOf.set(source.subarray(start, end), position);
    const there = message.received.contiguous;
    message.confirmPart(there - (there % this.#step), now);
  }

  messageEnded(message: IncomingMessage, now: number): void {
    this.told.push(message.state);
    this.#kept = message;
    message.confirm(now);
  }
}

describe("the receiver", () => {
  /** One session from Alice to Bob, on connections of its own, that may be cut after so many octets. */
  function session(shelf: Shelf, from: number, length: number, cutAfter: number): OutgoingMessage {
    const pair = new Pair(endpoint(), endpoint());
    pair.wire.cut = 50;
    (pair.b as Endpoint).open({ sink: shelf, own: bob, confirm: "manual" });
    const mine = (pair.a as Endpoint).open({ sink: {}, own: alice, peerPath: bob });
    const message = mine.send(
      {
        contentType: "text/plain",
        body: pattern(length),
        messageId: "m1234",
        from,
        successReport: true,
        chunkOctets: 100,
      },
      pair.now,
    );
    for (let carried = 0; carried < cutAfter && pair.wire.carry(pair.now); carried += pair.wire.cut);
    if (!message.over) {
      pair.a.ended(pair.now);
      pair.b.ended(pair.now);
    }
    return message;
  }

  test("confirms part by part and is not sent again what it has confirmed", () => {
    const shelf = new Shelf(100);
    const first = session(shelf, 0, 2000, 2500);
    expect(first.state).toBe("failed");
    const from = first.acknowledged.contiguous;
    expect(from).toBeGreaterThan(0);
    const second = session(shelf, from, 2000, Number.POSITIVE_INFINITY);
    expect([second.state, shelf.told]).toEqual(["delivered", ["lost", "complete"]]);
    expect(shelf.octetsOf.subarray(0, 2000)).toEqual(pattern(2000));
  });

  test("gets every octet, wherever sessions are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8000 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 500 }),
        (cuts, step) => {
          const shelf = new Shelf(step);
          let from = 0;
          let over = false;
          for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
            if (over) break;
            const message = session(shelf, from, 2000, cut);
            expect(message.acknowledged.contiguous).toBeGreaterThanOrEqual(from);
            from = message.acknowledged.contiguous;
            // Had it lost but the last report, it would go on with the last octet.
            over = message.state === "delivered";
          }
          expect(shelf.told.at(-1)).toBe("complete");
          expect(shelf.octetsOf.subarray(0, 2000)).toEqual(pattern(2000));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("takes no more for here than the session takes at all", () => {
    const pair = new Pair();
    const answers: boolean[] = [];
    const sink: SessionSink = {
      messageStarted: (message) => void answers.push(message.have(0, 100), message.have(0, 101)),
    };
    pair.b.open({ sink, own: bob, maxSize: 100 });
    const mine = pair.a.open({ sink: {}, own: alice, peerPath: bob });
    mine.send({ contentType: "text/plain", body }, pair.now);
    pair.settle();
    expect(answers).toEqual([true, false]);
  });
});

describe("a probe of our own relays", () => {
  const relays = "msrps://r1.example:2855/u;tcp msrps://r2.example:2855/v;tcp";

  function authenticated(): { it: Scripted; told: string[]; id: () => string } {
    const told: string[] = [];
    const sink = {
      authenticationFailed: (_: unknown, { by, status }: { by: string; status: number }) =>
        void told.push(`${status} by ${by}`),
    };
    const it = new Scripted(endpoint({ sink }));
    const it2 = it.endpoint.authenticate(
      { relays: [{ uri: "msrps://r.example;tcp", username: "a", credential: {} }] },
      it.now,
    );
    const id = () => /^MSRP (\S+)/.exec(it.sent())?.[1] ?? "";
    const auth = id();
    it.says(`MSRP ${auth} 200 OK`, "To-Path: x", "From-Path: x", `Use-Path: ${relays}`, `-------${auth}$`);
    it.endpoint.probe(it2, it.now);
    return { it, told, id };
  }

  test("goes to them and no further", () => {
    const { it } = authenticated();
    expect(it.sent()).toMatch(new RegExp(`^MSRP \\w+ SEND\r\nTo-Path: ${relays}\r\n`));
  });

  test.each([
    ["200 OK", []],
    ["408 Request Timeout", ["408 by response"]],
    ["481 No Such Session", ["481 by response"]],
  ])("that is answered %s tells %j", (status, expected) => {
    const { it, told, id } = authenticated();
    const probe = id();
    it.says(`MSRP ${probe} ${status}`, "To-Path: x", "From-Path: x", `-------${probe}$`);
    expect(told).toEqual(expected);
  });

  test.each(["408", "481"])("hears the REPORT %s of a relay on the way, after the nearest has taken it", (status) => {
    const { it, told } = authenticated();
    const sent = it.sent();
    const [, id] = /^MSRP (\S+)/.exec(sent) ?? [];
    const [, messageId] = /Message-ID: (\S+)/.exec(sent) ?? [];
    const [, own] = /From-Path: (\S+)/.exec(sent) ?? [];
    it.says(`MSRP ${id} 200 OK`, "To-Path: x", "From-Path: x", `-------${id}$`);
    it.says(
      "MSRP aaaaaaaa REPORT",
      `To-Path: ${own}`,
      "From-Path: msrps://r1.example:2855/u;tcp",
      `Message-ID: ${messageId}`,
      `Status: 000 ${status} x`,
      "-------aaaaaaaa$",
    );
    expect(told).toEqual([`${status} by report`]);
  });
});
