import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { octetString } from "../../../core/bytes/octets.ts";
import type { IncomingMessage } from "../../../core/endpoint/incoming-message.ts";
import type { EndpointLimits } from "../../../core/endpoint/limits.ts";
import type { Session, SessionOptions } from "../../../core/endpoint/session.ts";
import { endpoint, Notes, Scripted, skeleton } from "./pair.ts";

const bob = "msrps://bob.example.net:8145/foo;tcp";
const relay = "msrps://b.example.net:9000/aeiug;tcp";
const alice = "msrps://alice.example.org:7965/bar;tcp";

let it: Scripted;
let notes: Notes;
let session: Session;

function begin(options: Partial<SessionOptions> = {}, limits: Partial<EndpointLimits> = {}): void {
  it = new Scripted(endpoint({ limits }));
  notes = new Notes();
  session = it.endpoint.open({ sink: notes, own: bob, peerPath: `${relay} ${alice}`, ...options });
}

beforeEach(() => begin());

interface Chunk {
  readonly id?: string;
  readonly to?: string;
  readonly from?: string;
  readonly messageId?: string;
  readonly range?: string;
  readonly type?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly flag?: string;
}

/** A SEND from Alice by way of Bob's relay. */
function send(chunk: Chunk = {}): string {
  const { id = "d93kswow", to = bob, from = `${relay} ${alice}`, messageId = "12339sdqwer", headers = [] } = chunk;
  const { range, type = "text/plain", body = "Hi, Bob!", flag = "$" } = chunk;
  return [
    `MSRP ${id} SEND`,
    `To-Path: ${to}`,
    `From-Path: ${from}`,
    ...(messageId === "" ? [] : [`Message-ID: ${messageId}`]),
    ...(range === undefined ? [] : [`Byte-Range: ${range}`]),
    ...headers,
    ...(type === "" ? [] : [`Content-Type: ${type}`, "", body]),
    `-------${id}${flag}`,
    "",
  ].join("\r\n");
}

/** What the endpoint answers to a SEND, as a skeleton. */
function reply(chunk: Chunk): string[] {
  it.raw(send(chunk));
  return skeleton(it.sent());
}

describe("Failure-Report decides whether there is an answer (RFC 4975 §7.1.4, §7.2)", () => {
  const outcomes: [string, Chunk, number][] = [
    ["a message", {}, 200],
    ["a bodiless SEND", { type: "" }, 200],
    ["a media type that is not accepted", { type: "image/png" }, 415],
    ["a message above the largest size", { range: "1-8/4097" }, 413],
    ["a session that does not exist", { to: "msrps://bob.example.net:8145/fog;tcp" }, 481],
    ["a To-Path that goes on", { to: `${bob} ${alice}` }, 481],
    ["a Byte-Range that is none", { range: "one-two" }, 400],
    ["no Message-ID", { messageId: "" }, 400],
    ["a header twice", { headers: ["Success-Report: no", "Success-Report: no"] }, 400],
    ["an unknown Success-Report", { headers: ["Success-Report: maybe"] }, 400],
  ];
  test.each(
    outcomes.flatMap(([name, chunk, status]) => [
      { name, report: "none", chunk, status, answered: true },
      { name, report: "yes", chunk, status, answered: true },
      { name, report: "partial", chunk, status, answered: status !== 200 },
      { name, report: "no", chunk, status, answered: false },
    ]),
  )("$name, $report: $status answered $answered", ({ chunk, report, status, answered }) => {
    begin({ acceptTypes: ["text/*", "message/cpim"], maxSize: 4096 });
    const headers = [...(report === "none" ? [] : [`Failure-Report: ${report}`]), ...(chunk.headers ?? [])];
    const frames = reply({ ...chunk, headers });
    expect(frames.map((frame) => Number(frame.split(" ")[0]))).toEqual(answered ? [status] : []);
  });

  test("an unknown Failure-Report is a 400", () => {
    expect(reply({ headers: ["Failure-Report: perhaps"] })).toEqual(["400 Bad Request $"]);
  });

  test("a body without Content-Type is a 400", () => {
    it.says(
      "MSRP d93kswow SEND",
      `To-Path: ${bob}`,
      `From-Path: ${alice}`,
      "Message-ID: 4564dpWd",
      "",
      "x",
      "-------d93kswow$",
    );
    expect(skeleton(it.sent())).toEqual(["400 Bad Request $"]);
  });

  test("without From-Path there is nobody to answer, and the connection goes on", () => {
    it.says("MSRP d93kswow SEND", `To-Path: ${bob}`, "Message-ID: 4564dpWd", "-------d93kswow$");
    expect(it.sent()).toBe("");
    expect(reply({})).toEqual(["200 OK $"]);
  });
});

describe("a response", () => {
  test("goes to the previous hop, from our own URI, under the id of the request (§7.2)", () => {
    it.raw(send());
    expect(it.sent()).toBe(
      ["MSRP d93kswow 200 OK", `To-Path: ${relay}`, `From-Path: ${bob}`, "-------d93kswow$", ""].join("\r\n"),
    );
  });

  test("of 200 waits for the end-line, an error does not", () => {
    const [start, rest] = [send().slice(0, -24), send().slice(-24)];
    it.raw(start);
    expect(it.sent()).toBe("");
    it.raw(rest);
    expect(skeleton(it.sent())).toEqual(["200 OK $"]);
    begin({ acceptTypes: ["image/png"] });
    it.raw(start);
    expect(skeleton(it.sent())).toEqual(["415 Unsupported Media Type $"]);
    it.raw(rest);
    expect(it.sent()).toBe("");
  });

  test("of 413 in the middle of a chunk stops a message that nobody wants; what follows of it gets the same", () => {
    it.raw(send({ range: "1-*/*" }).slice(0, -24));
    notes.messages[0]?.refuse(413, it.now);
    expect(skeleton(it.sent())).toEqual(["413 Stop Sending $"]);
    it.raw(send().slice(-24).replace("$", "+"));
    expect(it.sent()).toBe("");
    expect(reply({ range: "9-16/16", id: "d93kswox" })).toEqual(["413 Stop Sending $"]);
    expect(notes.messages[0]?.state).toBe("refused");
    expect(notes.messages).toHaveLength(1);
  });

  test("of an error may come from the end of the message as well", () => {
    notes.messageEnded = (message: IncomingMessage) => message.refuse(403, it.now);
    expect(reply({ headers: ["Success-Report: yes"] })).toEqual(["403 Forbidden $"]);
  });

  test("to an unknown method goes all the way, and says 501 (§10.9)", () => {
    it.says("MSRP d93kswow FROB", `To-Path: ${bob}`, `From-Path: ${relay} ${alice}`, "-------d93kswow$");
    expect(it.sent()).toMatch(new RegExp(`^MSRP d93kswow 501 .*\r\nTo-Path: ${relay} ${alice}\r\n`));
    it.says("MSRP d93kswow AUTH", `To-Path: ${bob}`, `From-Path: ${alice}`, "-------d93kswow$");
    expect(skeleton(it.sent())).toEqual(["501 Method Not Understood $"]);
    it.says("MSRP d93kswow FROB", `To-Path: ${alice}`, `From-Path: ${alice}`, "-------d93kswow$");
    expect(skeleton(it.sent())).toEqual(["481 Session Does Not Exist $"]);
  });

  test("is never given to a REPORT or to a response", () => {
    for (const messageId of ["unknown1", "12339sdqwer"]) {
      const head = [`To-Path: ${bob}`, `From-Path: ${alice}`, `Message-ID: ${messageId}`];
      it.says("MSRP d93kswow REPORT", ...head, "Byte-Range: 1-2/2", "Status: 000 413 Stop", "-------d93kswow$");
      it.says("MSRP d93kswox REPORT", ...head, "Byte-Range: x", "Status: 200", "-------d93kswox$");
      it.says("MSRP d93kswoy REPORT", `To-Path: ${alice}`, `From-Path: ${alice}`, "-------d93kswoy$");
      it.says("MSRP d93kswoz 481 No", ...head, "-------d93kswoz$");
    }
    expect(it.sent()).toBe("");
  });
});

describe("a success report (§7.1.3)", () => {
  const wanted = { headers: ["Success-Report: yes"] };

  test("covers the message once all of it is there, and goes back the way it came", () => {
    it.raw(send({ ...wanted, headers: ["Success-Report: yes", "Failure-Report: no"] }));
    expect(it.sent()).toMatch(
      new RegExp(
        `^MSRP (\\w+) REPORT\r\nTo-Path: ${relay} ${alice}\r\nFrom-Path: ${bob}\r\nMessage-ID: 12339sdqwer\r\n` +
          "Byte-Range: 1-8/8\r\nStatus: 000 200 OK\r\n-------\\1\\$\r\n$",
      ),
    );
  });

  test("is not sent unless asked for, and not for a part only", () => {
    expect(reply({ headers: ["Success-Report: no"] })).toEqual(["200 OK $"]);
    expect(reply({ ...wanted, messageId: "other1", range: "1-8/16", flag: "+" })).toEqual(["200 OK $"]);
    expect(reply({ ...wanted, messageId: "other1", range: "9-16/16", id: "d93kswox" })).toEqual([
      "200 OK $",
      "REPORT 1-16/16 $",
    ]);
  });

  test("can come bit by bit", () => {
    begin({ reportOctets: 10 });
    const chunk = { ...wanted, body: "x".repeat(8) };
    expect(reply({ ...chunk, range: "1-*/*", flag: "+" })).toEqual(["200 OK $"]);
    expect(reply({ ...chunk, range: "9-*/*", flag: "+" })).toEqual(["REPORT 1-16/* $", "200 OK $"]);
    expect(reply({ ...chunk, range: "17-*/*", flag: "$" })).toEqual(["200 OK $", "REPORT 1-24/24 $"]);
  });

  test("can wait for the application", () => {
    begin({ confirm: "manual" });
    expect(reply(wanted)).toEqual(["200 OK $"]);
    notes.messages[0]?.confirm(it.now);
    notes.messages[0]?.confirm(it.now);
    expect(skeleton(it.sent())).toEqual(["REPORT 1-8/8 $"]);
  });

  test("is repeated for a duplicate, which the application does not see (§5.4)", () => {
    expect(reply(wanted)).toEqual(["200 OK $", "REPORT 1-8/8 $"]);
    expect(reply({ ...wanted, id: "d93kswox" })).toEqual(["200 OK $", "REPORT 1-8/8 $"]);
    expect(notes.told).toEqual(["bound", "complete Hi, Bob!"]);
  });

  test("of a message without octets says 1-0/0 (§7.1.1)", () => {
    expect(reply({ ...wanted, body: "", range: "1-0/0" })).toEqual(["200 OK $", "REPORT 1-0/0 $"]);
    expect(notes.told).toEqual(["bound", "complete"]);
  });
});

describe("a failure report (§7.1.4)", () => {
  test.each([
    ["yes", ["REPORT 1-8/8 $"]],
    ["partial", ["REPORT 1-8/8 $"]],
    ["no", []],
  ])("tells of what went wrong after the 200, Failure-Report: %s", (mode, expected) => {
    it.raw(send({ headers: [`Failure-Report: ${mode}`] }));
    it.sent();
    notes.messages[0]?.refuse(408, it.now);
    const text = it.sent();
    expect(skeleton(text)).toEqual(expected);
    if (expected.length > 0) expect(text).toContain("Status: 000 408 Request Timeout\r\n");
    notes.messages[0]?.refuse(408, it.now);
    expect(it.sent()).toBe("");
  });
});

describe("a message in chunks (§7.3.1)", () => {
  test("ends with the chunk that ends in $, whatever its Byte-Range says", () => {
    reply({ range: "1-*/*", body: "abcd", flag: "+" });
    reply({ range: "5-4000/9999", body: "EFGH", flag: "$", id: "d93kswox" });
    expect(notes.told).toEqual(["bound", "complete abcdEFGH"]);
    expect(notes.messages[0]?.total).toBe(8);
  });

  test("is complete only when what comes before the $ has come as well", () => {
    reply({ range: "5-8/8", body: "EFGH", flag: "$" });
    expect(notes.told).toEqual(["bound"]);
    reply({ range: "1-4/8", body: "abcd", flag: "+", id: "d93kswox" });
    expect(notes.told).toEqual(["bound", "complete abcdEFGH"]);
  });

  test("without Byte-Range is whole", () => {
    reply({});
    expect(notes.told).toEqual(["bound", "complete Hi, Bob!"]);
  });

  test("of overlapping chunks the last stands", () => {
    reply({ range: "1-6/*", body: "abcdef", flag: "+" });
    reply({ range: "5-8/*", body: "EFGH", flag: "$", id: "d93kswox" });
    expect(notes.told).toEqual(["bound", "complete abcdEFGH"]);
  });

  test("is over when its sender aborts it (#), with or without a body", () => {
    reply({ range: "1-4/*", body: "abcd", flag: "#" });
    reply({ range: "1-4/*", body: "abcd", flag: "+", messageId: "other1" });
    expect(reply({ range: "1-0/*", type: "", flag: "#", messageId: "other1" })).toEqual(["200 OK $"]);
    expect(notes.told).toEqual(["bound", "aborted abcd", "aborted abcd"]);
    expect(reply({ range: "5-8/8", headers: ["Success-Report: yes"] })).toEqual(["200 OK $"]);
    expect(notes.messages).toHaveLength(2);
  });

  test.each<[string, Chunk[]]>([
    [
      "octets behind its end",
      [
        { range: "5-8/8", body: "EFGH" },
        { range: "1-*/8", body: "123456789", flag: "+" },
      ],
    ],
    [
      "a second end elsewhere",
      [
        { range: "5-8/8", body: "EFGH" },
        { range: "1-2/8", body: "ab" },
      ],
    ],
    [
      "an end before its octets",
      [
        { range: "5-8/8", body: "EFGH", flag: "+" },
        { range: "1-2/2", body: "ab" },
      ],
    ],
  ])("is refused when its chunks contradict each other: %s", (_, chunks) => {
    expect(chunks.flatMap((chunk, i) => reply({ ...chunk, id: `d93ksw0${i}` }))).toEqual([
      "200 OK $",
      "400 Bad Request $",
    ]);
    expect(notes.messages[0]?.state).toBe("refused");
  });

  test("with too many gaps is refused", () => {
    begin({}, { ranges: 3 });
    const chunk = (i: number) => reply({ range: `${i * 10 + 1}-*/*`, body: "x", flag: "+", id: `d93ksw0${i}` });
    expect([0, 1, 2, 3].flatMap(chunk)).toEqual(["200 OK $", "200 OK $", "200 OK $", "413 Stop Sending $"]);
    expect(notes.told).toEqual(["bound", expect.stringMatching(/^refused/)]);
  });

  test("that outgrows what is gathered, or the largest size, is refused", () => {
    begin({ maxSize: 10 });
    expect(reply({ range: "1-*/*", body: "12345678901" })).toEqual(["413 Stop Sending $"]);
    begin();
    notes = new Notes(10);
    const other = "msrps://bob.example.net:8145/other;tcp";
    it.endpoint.open({ sink: notes, own: other, peerPath: alice });
    expect(reply({ to: other, range: "1-*/*", body: "12345678901" })).toEqual(["413 Stop Sending $"]);
    expect(notes.told).toEqual(["bound", "refused"]);
  });

  test("one of too many is refused, unless another has been silent for a minute", () => {
    begin({}, { incoming: 2 });
    const begun = (messageId: string) => reply({ messageId, range: "1-*/*", flag: "+" });
    expect([begun("one1"), begun("two2"), begun("three")].flat()).toEqual([
      "200 OK $",
      "200 OK $",
      "413 Stop Sending $",
    ]);
    it.now += 60_000;
    expect(begun("four")).toEqual(["200 OK $"]);
    expect(notes.told).toEqual(["bound", "lost Hi, Bob!"]);
    expect(begun("one1")).toEqual(["413 Stop Sending $"]);
  });

  test("tells its type, its length and the headers that MSRP does not know", () => {
    reply({ range: "1-8/8", type: "text/plain;charset=utf-8", headers: ["Content-Disposition: attachment", "X-Y:z"] });
    const { contentType, total, headers } = notes.messages[0] as IncomingMessage;
    expect({ contentType, total, headers }).toEqual({
      contentType: "text/plain;charset=utf-8",
      total: 8,
      headers: [
        ["Content-Disposition", "attachment"],
        ["X-Y", "z"],
      ],
    });
  });

  test("gives the same octets however it was cut, shuffled, repeated and overlapped", () => {
    const cut = fc.record({
      length: fc.integer({ min: 1, max: 300 }),
      pieces: fc.array(fc.tuple(fc.nat(300), fc.nat(120)), { maxLength: 12 }),
      reads: fc.integer({ min: 1, max: 200 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cut, ({ length, pieces, reads, seed }) => {
        begin({}, { ranges: 1000 });
        const whole = Array.from({ length }, (_, i) => String.fromCharCode((i * 31 + seed) & 0xff)).join("");
        // The pieces asked for, where there is something of them; then, in any order, what they left out.
        const chunks = pieces
          .filter(([start]) => start < length)
          .map(([start, size]) => ({ start, end: Math.min(length, start + size) }));
        const there = new Set(
          chunks.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
        );
        for (let i = 0; i < length; i++) if (!there.has(i)) chunks.push({ start: i, end: i + 1 });
        const order = chunks.map((chunk, i) => ({ chunk, key: Math.imul(i + seed, 2654435761) >>> 0 }));
        order.sort((a, b) => a.key - b.key);
        const text = order
          .map(({ chunk: { start, end } }, i) =>
            send({
              id: `tid${i}0`,
              range: start === end ? "1-0/*" : `${start + 1}-*/*`,
              body: start === end ? "" : whole.slice(start, end),
              flag: end === length && start < end ? "$" : "+",
            }),
          )
          .join("");
        for (let at = 0; at < text.length; at += reads) it.raw(text.slice(at, at + reads));
        const complete = notes.messages.filter(({ state }) => state === "complete");
        expect(complete).toHaveLength(1);
        expect(octetString(complete[0]?.content as Uint8Array)).toBe(whole);
        expect(skeleton(it.sent()).every((frame) => frame === "200 OK $")).toBe(true);
      }),
    );
  });
});

describe("octets", () => {
  test("are told with their position, as they come", () => {
    const told: unknown[] = [];
    notes.octets = (_m, position, source, start, end) => told.push([position, octetString(source, start, end)]);
    const text = send({ range: "5-*/*", body: "abcdefghij" });
    const middle = text.indexOf("efg");
    it.raw(text.slice(0, middle));
    expect(told).toEqual([[4, "abcd"]]);
    it.raw(text.slice(middle));
    expect(told).toEqual([
      [4, "abcd"],
      [8, "efghij"],
    ]);
  });

  test("are not told of a message refused in the same call", () => {
    const told: number[] = [];
    notes.messageStarted = (message) => message.refuse(415, it.now);
    notes.octets = (_m, position) => told.push(position);
    expect(reply({})).toEqual(["415 Unsupported Media Type $"]);
    expect(told).toEqual([]);
  });

  test("are told again when they come again, so that a file can be written over", () => {
    const told: number[] = [];
    notes.octets = (_m, position) => told.push(position);
    reply({ range: "1-*/*", flag: "+" });
    reply({ range: "3-*/*", flag: "+", id: "d93kswox" });
    expect(told).toEqual([0, 2]);
  });
});

test("a session closed in the middle of a chunk answers 481 to it and to what follows", () => {
  it.raw(send({ range: "1-*/*" }).slice(0, -24));
  session.close(it.now);
  it.raw(send().slice(-24));
  expect(skeleton(it.sent())).toEqual(["481 Session Does Not Exist $"]);
  expect(reply({ id: "d93kswox" })).toEqual(["481 Session Does Not Exist $"]);
  expect(notes.told).toEqual(["bound", expect.stringMatching(/^lost/)]);
});
