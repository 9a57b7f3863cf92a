/** Properties of two endpoints that talk to each other, and of one that is talked to by anybody. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { EndpointLimits } from "../../../core/endpoint/limits.ts";
import type { OutgoingMessage } from "../../../core/endpoint/outgoing-message.ts";
import type { Session } from "../../../core/endpoint/session.ts";
import { dice, endpoint, Notes, Pair, pattern, Scripted } from "./pair.ts";

/** Small, so that a few kilobytes meet every one of them. */
const limits: Partial<EndpointLimits> = { window: 6000, quantum: 3000, backlog: 66_000, concurrent: 2, unanswered: 6 };

const plan = fc.record({
  size: fc.oneof(fc.nat(40), fc.nat(3000), fc.nat(40_000)),
  chunkOctets: fc.constantFrom(0, 0, 1000, 2048, 5000),
  given: fc.constantFrom("whole", "known", "open"),
  failureReport: fc.constantFrom("yes", "partial", "no"),
  successReport: fc.boolean(),
  fromA: fc.boolean(),
  end: fc.constantFrom("whole", "whole", "whole", "aborted"),
});

/** Gives a message its octets, a random piece whenever it is asked. */
class Source {
  readonly octets: Uint8Array;
  readonly #given: string;
  readonly #abortAt: number;
  readonly #piece: () => number;
  #at = 0;

  constructor(octets: Uint8Array, given: string, abortAt: number, piece: () => number) {
    this.octets = octets;
    this.#given = given;
    this.#abortAt = abortAt;
    this.#piece = piece;
  }

  give(message: OutgoingMessage, room: number, now: number): void {
    const end = Math.min(this.octets.length, this.#at + Math.min(room, this.#piece()));
    const lent = this.octets.slice(this.#at, end);
    this.#at = end;
    message.write(lent, now);
    lent.fill(0x21);
    if (end >= this.#abortAt) message.abort(now);
    else if (end === this.octets.length && this.#given === "open") message.finish(now);
  }
}

test("what one sends the other receives, however it is given, cut and mixed", () => {
  const run = fc.record({
    plans: fc.array(plan, { minLength: 1, maxLength: 12 }),
    cut: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 100, max: 70_000 })),
    seed: fc.nat(),
    between: fc.nat(3),
  });
  fc.assert(
    fc.property(run, ({ plans, cut, seed, between }) => {
      const pair = new Pair(
        endpoint({ limits, fillRandom: dice(seed) }),
        endpoint({ limits, fillRandom: dice(seed + 1) }),
      );
      pair.wire.cut = cut;
      pair.fromA.record = pair.fromB.record = false;
      const [ownA, ownB] = [pair.a.newUri(), pair.b.newUri()];
      const [alice, bob] = [new Notes(), new Notes()];
      const a = pair.a.open({ sink: alice, own: ownA, peerPath: ownB });
      const b = pair.b.open({ sink: bob, own: ownB, peerPath: ownA });
      let random = seed;
      const piece = () => 1 + (((random = (Math.imul(random, 1664525) + 1013904223) >>> 0) >>> 8) % 5000);

      const sent = plans.map(({ size, chunkOctets, given, failureReport, successReport, fromA, end }, i) => {
        const octets = pattern(size + i).subarray(i);
        const abortAt = end === "aborted" && given !== "whole" ? size >>> 1 : Number.POSITIVE_INFINITY;
        const source = new Source(octets, given, abortAt, piece);
        const content = given === "whole" ? { body: octets } : given === "known" ? { total: size } : {};
        const session: Session = fromA ? a : b;
        const options = {
          contentType: "a/b",
          messageId: `message${i}`,
          chunkOctets,
          failureReport,
          successReport,
        } as const;
        const wanted = (message: OutgoingMessage, room: number, now: number) => source.give(message, room, now);
        const message = session.send({ ...options, ...content, wanted }, pair.now);
        for (let step = 0; step < between; step++) pair.wire.carry(pair.now);
        return { message, octets, to: fromA ? bob : alice, aborted: abortAt < Number.POSITIVE_INFINITY };
      });
      pair.settle();

      for (const { message, octets, to, aborted } of sent) {
        const arrived = to.messages.find(({ id }) => id === message.id);
        if (message.state === "aborted") {
          expect(aborted).toBe(true);
          expect(arrived === undefined || arrived.state === "aborted").toBe(true);
          continue;
        }
        const { failureReport, successReport } = message;
        expect(message.state).toBe(successReport ? "delivered" : failureReport === "yes" ? "accepted" : "sent");
        expect(arrived?.state).toBe("complete");
        expect(Buffer.compare(arrived?.content as Uint8Array, octets)).toBe(0);
      }
      expect([alice.failures, bob.failures]).toEqual([[], []]);
    }),
    { numRuns: 150 },
  );
});

test("whoever says whatever gets an answer or the end, and never a throw", () => {
  const own = "msrps://bob.example.net:8145/foo;tcp";
  const line = fc.oneof(
    fc.constantFrom(
      "MSRP abcd SEND",
      "MSRP abcd REPORT",
      "MSRP abcd AUTH",
      "MSRP abcd NICKNAME",
      "MSRP abcd 200 OK",
      "MSRP abcd 413",
      `To-Path: ${own}`,
      "From-Path: msrp://x.example:1/z;tcp",
      "From-Path: nonsense",
      "Message-ID: m1",
      "Message-ID: m2",
      "Byte-Range: 1-*/*",
      "Byte-Range: 5-8/8",
      "Byte-Range: 900000000000000-*/900000000000001",
      "Byte-Range: 0-0/0",
      "Success-Report: yes",
      "Failure-Report: partial",
      "Status: 000 481 Gone",
      "Content-Type: text/plain",
      "",
      "octets",
      "-------abcd$",
      "-------abcd+",
      "-------abcd#",
    ),
    fc.string({ maxLength: 20 }),
  );
  const request = fc
    .tuple(
      fc.constantFrom("SEND", "SEND", "REPORT", "200 OK", "NICKNAME"),
      fc.subarray([`To-Path: ${own}`, "From-Path: msrp://x.example:1/z;tcp", "Message-ID: m1"], { minLength: 2 }),
      fc.array(line, { maxLength: 5 }),
      fc.constantFrom("-------abcd$", "-------abcd+", "-------abcd#"),
    )
    .map(([word, head, more, end]) => [`MSRP abcd ${word}`, ...head, ...more, end]);
  fc.assert(
    fc.property(fc.array(fc.oneof(request, fc.array(line)), { maxLength: 30 }), fc.nat(200), (blocks, cut) => {
      const it = new Scripted(endpoint({ limits: { incoming: 3, remembered: 3, ranges: 3 } }));
      const notes = new Notes(1000);
      const session = it.endpoint.open({ sink: notes, own, reportOctets: 3 });
      const text = `${blocks.flat().join("\r\n")}\r\n`;
      for (let at = 0; at < text.length; at += cut + 1) it.raw(text.slice(at, at + cut + 1));
      it.advance(100_000);
      session.close(it.now);
      it.feed.ended(it.now);
      expect(notes.messages.every(({ state }) => state !== "open")).toBe(true);
    }),
    { numRuns: 300 },
  );
});
