import { beforeEach, describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import type { EndpointLimits } from "../../../core/endpoint/limits.ts";
import type { MessageOptions, OutgoingMessage } from "../../../core/endpoint/outgoing-message.ts";
import type { Session } from "../../../core/endpoint/session.ts";
import { MisuseError } from "../../../core/ports.ts";
import { endpoint, Notes, pattern, Scripted, skeleton } from "./pair.ts";

const own = "msrps://alice.example.org:7965/bar;tcp";
const peerPath = "msrps://b.example.net:9000/aeiug;tcp msrps://bob.example.net:8145/foo;tcp";

let it: Scripted;
let notes: Notes;
let session: Session;

function begin(limits: Partial<EndpointLimits> = {}): void {
  it = new Scripted(endpoint({ limits }));
  notes = new Notes();
  session = it.endpoint.open({ sink: notes, own, peerPath });
}

beforeEach(() => begin());

const text = { contentType: "text/plain", body: octets("Hi, Bob!") };

function send(options: MessageOptions = text): { message: OutgoingMessage; sent: string; ids: string[] } {
  const message = session.send(options, it.now);
  const sent = it.sent();
  return { message, sent, ids: [...sent.matchAll(/^MSRP (\S+) SEND/gm)].map(([, id]) => id as string) };
}

function responds(id: string | undefined, status: string): void {
  it.says(`MSRP ${id} ${status}`, `To-Path: ${own}`, `From-Path: ${peerPath.split(" ")[0]}`, `-------${id}$`);
}

function reports(message: OutgoingMessage, status: string, range?: string): void {
  it.says(
    "MSRP dkei38sd REPORT",
    `To-Path: ${own}`,
    `From-Path: ${peerPath}`,
    `Message-ID: ${message.id}`,
    ...(range === undefined ? [] : [`Byte-Range: ${range}`]),
    `Status: ${status}`,
    "-------dkei38sd$",
  );
}

describe("a SEND", () => {
  test("of a short message says exactly what it holds, Content-Type last", () => {
    const { message, sent, ids } = send({ ...text, headers: [["Content-Disposition", "render"]], successReport: true });
    expect(sent).toBe(
      [
        `MSRP ${ids[0]} SEND`,
        `To-Path: ${peerPath}`,
        `From-Path: ${own}`,
        `Message-ID: ${message.id}`,
        "Success-Report: yes",
        "Byte-Range: 1-8/8",
        "Content-Disposition: render",
        "Content-Type: text/plain",
        "",
        "Hi, Bob!",
        `-------${ids[0]}$`,
        "",
      ].join("\r\n"),
    );
  });

  test("writes Failure-Report only where it is not yes", () => {
    const modes = (["yes", "partial", "no"] as const).map((failureReport) => send({ ...text, failureReport }).sent);
    expect(modes.map((sent) => /^Failure-Report: .*$/m.exec(sent)?.[0])).toEqual([
      undefined,
      "Failure-Report: partial",
      "Failure-Report: no",
    ]);
  });

  test("without content has no body and no Content-Type (§7.1)", () => {
    const { sent } = send({});
    expect(sent).toMatch(/Byte-Range: 1-0\/0\r\n-------\w+\$\r\n$/);
    expect(sent).not.toContain("Content-Type");
  });

  test("of empty content has both", () => {
    const { sent } = send({ contentType: "text/plain", body: new Uint8Array(0) });
    expect(sent).toMatch(/Byte-Range: 1-0\/0\r\nContent-Type: text\/plain\r\n\r\n\r\n-------\w+\$\r\n$/);
  });

  test("keeps the Message-ID of an earlier try (§5.4)", () => {
    expect(send({ ...text, messageId: "12339sdqwer" }).sent).toContain("\r\nMessage-ID: 12339sdqwer\r\n");
  });

  test.each<[string, MessageOptions]>([
    ["a body without a type", { body: octets("x") }],
    ["a type with a line end", { contentType: "text/plain\r\nX: y", body: octets("x") }],
    ["a header with a line end", { ...text, headers: [["X", "y\r\n"]] }],
  ])("is never made of %s", (_, options) => {
    expect(() => session.send(options, it.now)).toThrow(MisuseError);
    expect(it.sent()).toBe("");
  });
});

describe("what becomes of a message (§7.1.1, §7.3.2)", () => {
  type Happens = "200" | "400" | "413" | "481" | "31 s" | "report 200" | "report 408" | "report 413" | "report 481";
  const table: [failureReport: "yes" | "partial" | "no", successReport: boolean, happens: Happens, told: string[]][] = [
    ["yes", false, "200", ["sent", "accepted"]],
    ["yes", false, "400", ["sent", "failed 400 by response"]],
    ["yes", false, "413", ["sent", "failed 413 by response"]],
    ["yes", false, "481", ["sent", "failed 481 by response", "session failed 481 by response"]],
    ["yes", false, "31 s", ["sent", "failed 408 by timeout"]],
    ["yes", false, "report 408", ["sent", "failed 408 by report"]],
    ["yes", false, "report 413", ["sent", "failed 413 by report"]],
    ["yes", false, "report 481", ["sent", "failed 481 by report", "session failed 481 by report"]],
    ["yes", true, "200", ["sent", "accepted"]],
    ["yes", true, "report 200", ["sent", "delivered"]],
    ["partial", false, "200", ["sent"]],
    ["partial", false, "413", ["sent", "failed 413 by response"]],
    ["partial", false, "31 s", ["sent"]],
    ["partial", false, "report 413", ["sent", "failed 413 by report"]],
    ["partial", true, "report 200", ["sent", "delivered"]],
    ["no", false, "200", ["sent"]],
    ["no", false, "413", ["sent"]],
    ["no", false, "31 s", ["sent"]],
    ["no", false, "report 200", ["sent"]],
    ["no", true, "report 200", ["sent", "delivered"]],
  ];
  test.each(table)("Failure-Report: %s, Success-Report: %s, then %s", (failureReport, successReport, happens, told) => {
    const { message, ids } = send({ ...text, failureReport, successReport });
    if (happens === "31 s") it.advance(31_000);
    else if (happens.startsWith("report ")) reports(message, `000 ${happens.slice(7)} Comment`, "1-8/8");
    else responds(ids[0], `${happens} Comment`);
    expect(notes.told).toEqual(told);
  });

  test("a failure may be reported after the next hop has accepted it", () => {
    const { message, ids } = send();
    responds(ids[0], "200 OK");
    expect(message.settled).toBe(true);
    reports(message, "000 408 Too late", "1-8/8");
    expect(notes.told).toEqual(["sent", "accepted", "failed 408 by report"]);
    expect(message.failure).toEqual({ by: "report", status: 408, comment: "Too late" });
  });

  test("partial success reports add up, in any order and more than once", () => {
    const { message } = send({ ...text, successReport: true });
    for (const range of ["5-8/8", "5-8/*", "1-3/8"]) reports(message, "000 200 OK", range);
    expect([notes.told, message.acknowledged.octets]).toEqual([["sent"], 7]);
    reports(message, "000 200 OK", "4-4/8");
    expect(notes.told).toEqual(["sent", "delivered"]);
    expect(notes.reports.map(({ start, end }) => [start, end])).toEqual([
      [4, 8],
      [4, 8],
      [0, 3],
      [3, 4],
    ]);
  });

  test("a success report without Byte-Range, or one that ends in a star, is about all of it", () => {
    for (const range of [undefined, "1-*/*"]) {
      begin();
      const { message } = send({ ...text, successReport: true });
      reports(message, "000 200 OK", range);
      expect(message.state).toBe("delivered");
    }
  });

  test("a report in another namespace than 000, or on another message, is not ours to understand", () => {
    const { message } = send({ ...text, successReport: true });
    reports(message, "001 413 Something", "1-8/8");
    it.says(
      "MSRP dkei38sd REPORT",
      `To-Path: ${own}`,
      `From-Path: ${peerPath}`,
      "Message-ID: other",
      "Status: 000 413",
      "-------dkei38sd$",
    );
    expect([notes.told, notes.reports]).toEqual([["sent"], []]);
  });

  test("a status without a reason phrase will do", () => {
    const { message } = send();
    reports(message, "000 413", "1-8/8");
    expect(notes.told).toEqual(["sent", "failed 413 by report"]);
  });

  test("all its chunks must be accepted", () => {
    const { ids } = send({ contentType: "a/b", body: pattern(5000), chunkOctets: 2048 });
    expect(ids).toHaveLength(3);
    for (const id of [ids[2], ids[0]]) responds(id, "200 OK");
    expect(notes.told).toEqual(["sent"]);
    responds(ids[1], "200 OK");
    expect(notes.told).toEqual(["sent", "accepted"]);
  });

  test("the timer starts with the last octet of each chunk", () => {
    const message = session.send({ contentType: "a/b", total: 10_000 }, it.now);
    message.write(pattern(8000), it.now);
    it.advance(29_000);
    expect(it.endpoint.deadline).toBe(Number.POSITIVE_INFINITY);
    message.write(pattern(2000), it.now);
    it.advance(29_999);
    expect(message.state).toBe("sent");
    it.advance(1);
    expect(message.failure?.by).toBe("timeout");
  });

  test("a session that has failed takes no more, and all that is under way fails with it", () => {
    const [{ message: first, ids }, { message: second }] = [send(), send()];
    responds(ids[0], "481 Session Does Not Exist");
    expect([first.failure?.by, second.failure?.by]).toEqual(["response", "session"]);
    const { message: third, sent } = send();
    expect([third.state, third.failure?.by, third.failure?.status, sent]).toEqual(["failed", "session", 481, ""]);
  });

  test("the end of the connection ends what still waits for something, and only that", () => {
    const [accepted, waiting, unasked] = [
      send(),
      send({ ...text, successReport: true }),
      send({ ...text, failureReport: "no" }),
    ];
    responds(accepted.ids[0], "200 OK");
    responds(waiting.ids[0], "200 OK");
    it.feed.ended(it.now);
    expect([accepted, waiting, unasked].map(({ message }) => message.state)).toEqual(["accepted", "failed", "sent"]);
    expect(waiting.message.failure?.by).toBe("connection");
    expect(send().message.failure?.by).toBe("connection");
  });
});

describe("a message that is stopped in the middle", () => {
  function streaming(): { message: OutgoingMessage; id: string } {
    const { message } = send({ contentType: "a/b", total: 100_000 });
    message.write(pattern(10_000), it.now);
    return { message, id: /^MSRP (\S+) SEND/.exec(it.sent())?.[1] as string };
  }

  test.each([
    ["a 413", (id: string) => responds(id, "413 Stop Sending")],
    ["a 413 in a REPORT", (_: string, message: OutgoingMessage) => reports(message, "000 413 Stop", "1-4000/100000")],
    ["a 415", (id: string) => responds(id, "415 Unsupported Media Type")],
    ["its own sender", (_: string, message: OutgoingMessage) => message.abort(it.now)],
  ])("by %s ends its chunk with # and asks for no more (§7.3.2, §10.5)", (name, stop) => {
    const { message, id } = streaming();
    stop(id, message);
    expect(it.sent()).toBe(`\r\n-------${id}#\r\n`);
    expect(message.state).toBe(name === "its own sender" ? "aborted" : "failed");
    // The disk answers late: no harm.
    message.write(pattern(1000), it.now);
    message.finish(it.now);
    expect(it.sent()).toBe("");
    expect(message.room).toBe(0);
  });

  test("by its sender between two chunks says so in a SEND of its own", () => {
    const { message } = streaming();
    send();
    message.abort(it.now);
    const sent = it.sent();
    expect(skeleton(sent)).toEqual(["SEND 1-0/100000 #"]);
    expect(sent).toContain(`Message-ID: ${message.id}\r\n`);
  });

  test("by its sender before it began says nothing", () => {
    const message = session.send({ contentType: "a/b", total: 100_000 }, it.now);
    message.abort(it.now);
    expect([it.sent(), message.state]).toEqual(["", "aborted"]);
  });

  test("by a 413 between two chunks is not heard of again", () => {
    const { message } = streaming();
    send();
    reports(message, "000 413 Stop", "1-4000/100000");
    expect(it.sent()).toBe("");
    expect(message.state).toBe("failed");
  });
});

describe("octets given bit by bit", () => {
  test("are asked for once, up to a window, and again when they are gone", () => {
    const asked: number[] = [];
    notes.wanted = (_, room) => asked.push(room);
    const message = session.send({ contentType: "a/b", total: 200_000 }, it.now);
    expect(asked).toEqual([65_536]);
    message.write(pattern(1000), it.now);
    // Too little to begin a chunk with, so it waits.
    expect([asked, it.sent()]).toEqual([[65_536, 64_536], ""]);
    message.write(pattern(64_536), it.now);
    expect(asked).toEqual([65_536, 64_536, 65_536]);
  });

  test("are never asked for beyond the total, which ends the message by itself", () => {
    const asked: number[] = [];
    notes.wanted = (message, room, now) => {
      asked.push(room);
      message.write(pattern(Math.min(room, 4000)), now);
    };
    const { message } = send({ contentType: "a/b", total: 10_000 });
    expect(asked).toEqual([10_000, 6000, 2000]);
    expect(message.state).toBe("sent");
  });

  test("of unknown length end with finish, in a chunk that is not empty", () => {
    const message = session.send({ contentType: "a/b" }, it.now);
    message.write(octets("abc"), it.now);
    message.finish(it.now);
    expect(skeleton(it.sent())).toEqual(["SEND 1-3/3 $"]);

    const longer = session.send({ contentType: "a/b" }, it.now);
    longer.write(pattern(5000), it.now);
    send();
    longer.finish(it.now);
    expect(skeleton(it.sent())).toEqual(["SEND 5000-5000/5000 $"]);
  });

  test("of unknown length may be none", () => {
    const message = session.send({ contentType: "a/b" }, it.now);
    message.finish(it.now);
    expect(skeleton(it.sent())).toEqual(["SEND 1-0/0 $"]);
  });

  test("must be as many as were promised, and no more than were wanted", () => {
    const message = session.send({ contentType: "a/b", total: 100_000 }, it.now);
    expect(() => message.write(pattern(65_537), it.now)).toThrow(MisuseError);
    expect(() => message.finish(it.now)).toThrow(MisuseError);
  });

  test("are borrowed", () => {
    it.link.stalled = true;
    const message = session.send({ contentType: "a/b", total: 3000 }, it.now);
    const bytes = octets("x".repeat(1500));
    message.write(bytes, it.now);
    bytes.fill(0x21);
    message.write(bytes, it.now);
    expect(it.sent()).toContain(`\r\n\r\n${"x".repeat(1500)}${"!".repeat(1500)}\r\n-------`);
  });
});

describe("bounds", () => {
  test("a message given whole is refused when too much waits in memory", () => {
    begin({ backlog: 100_000, held: 300_000 });
    it.link.take = () => undefined;
    const body = pattern(150_000);
    const states = [1, 2, 3, 4].map(() => session.send({ contentType: "a/b", body }, it.now).failure?.by);
    expect(states).toEqual([undefined, undefined, "limit", "limit"]);
  });

  test("of the messages whose fate is known only so many are remembered", () => {
    begin({ remembered: 3 });
    const first = send();
    responds(first.ids[0], "200 OK");
    for (let i = 0; i < 3; i++) send({ ...text, failureReport: "no" });
    reports(first.message, "000 408 Too late", "1-8/8");
    expect(first.message.state).toBe("accepted");
    expect(notes.reports).toEqual([]);
  });

  test("the oldest of too many that wait for a report is given up", () => {
    begin({ messages: 2 });
    const first = send({ ...text, successReport: true });
    send();
    send();
    expect(first.message.failure?.by).toBe("limit");
  });

  test("too many unanswered chunks hold back those that want an answer, not the others", () => {
    begin({ unanswered: 2 });
    const { ids } = send();
    send();
    const { message, sent } = send();
    expect([message.state, sent]).toEqual(["waiting", ""]);
    expect(send({ ...text, failureReport: "partial" }).message.state).toBe("sent");
    responds(ids[0], "200 OK");
    expect(message.state).toBe("sent");
  });
});
