import { beforeEach, describe, expect, test } from "vitest";
import { octetString, octets } from "../../../core/bytes/octets.ts";
import { RandomPool } from "../../../core/bytes/random.ts";
import { defaultLimits, type EndpointLimits } from "../../../core/endpoint/limits.ts";
import type { OutgoingMessage } from "../../../core/endpoint/outgoing-message.ts";
import type { Session } from "../../../core/endpoint/session.ts";
import { dice, endpoint, Notes, Pair, pattern, PipeLink, Scripted, skeleton } from "./pair.ts";

const own = "msrps://alice.example.org:7965/bar;tcp";
const peerPath = "msrps://bob.example.net:8145/foo;tcp";
const text = { contentType: "text/plain", body: octets("Hi!") };

let it: Scripted;
let notes: Notes;
let session: Session;

function begin(limits: Partial<EndpointLimits> = {}): void {
  it = new Scripted(endpoint({ limits }));
  notes = new Notes();
  session = it.endpoint.open({ sink: notes, own, peerPath });
}

beforeEach(() => begin());

/** A SEND of the peer, answered with a 200. */
function peerSends(id = "d93kswow"): void {
  const head = [`To-Path: ${own}`, `From-Path: ${peerPath}`, `Message-ID: m${id}`];
  it.says(`MSRP ${id} SEND`, ...head, "Content-Type: a/b", "", "x", `-------${id}$`);
}

describe("chunks (RFC 4975 §7.1.1)", () => {
  test.each<[string, number, number, string[]]>([
    ["2048 octets go in one that says its range", 0, 2048, ["SEND 1-2048/2048 $"]],
    ["2049 octets must be interruptible", 0, 2049, ["SEND 1-*/2049 $"]],
    ["a fixed size of 2048", 2048, 5000, ["SEND 1-2048/5000 +", "SEND 2049-4096/5000 +", "SEND 4097-5000/5000 $"]],
    ["a fixed size that fits exactly", 2048, 4096, ["SEND 1-2048/4096 +", "SEND 2049-4096/4096 $"]],
    ["a larger fixed size has a star", 4096, 9000, ["SEND 1-*/9000 +", "SEND 4097-*/9000 +", "SEND 8193-9000/9000 $"]],
    [
      "a smaller one is the application's wish",
      1000,
      2500,
      ["SEND 1-1000/2500 +", "SEND 1001-2000/2500 +", "SEND 2001-2500/2500 $"],
    ],
  ])("%s", (_, chunkOctets, size, expected) => {
    session.send({ contentType: "a/b", body: pattern(size), chunkOctets }, it.now);
    expect(skeleton(it.sent())).toEqual(expected);
  });

  test("of a message of unknown length say so until it is known", () => {
    const message = session.send({ contentType: "a/b", chunkOctets: 2048 }, it.now);
    message.write(pattern(4096), it.now);
    expect(skeleton(it.sent())).toEqual(["SEND 1-2048/* +"]);
    message.finish(it.now);
    expect(skeleton(it.sent())).toEqual(["SEND 2049-4096/4096 $"]);
  });

  test("are not opened for less than 2048 octets while more will come", () => {
    const message = session.send({ contentType: "a/b", total: 10_000 }, it.now);
    message.write(pattern(2047), it.now);
    expect(it.sent()).toBe("");
    message.write(pattern(1), it.now);
    expect(it.sent()).toMatch(/Byte-Range: 1-\*\/10000/);
  });
});

describe("the id of a chunk never occurs as an end-line in it (§7.1)", () => {
  /** The ids that the endpoint of this seed will use for its first chunks. */
  function nextIds(seed: number, count: number): string[] {
    const random = new RandomPool(dice(seed));
    random.text(20); // the Message-ID
    return Array.from({ length: count }, () => random.text(14));
  }

  test.each([
    ["short", 0],
    ["long", 5000],
  ])("in a %s chunk", (_, more) => {
    const [first, second] = nextIds(7, 2) as [string, string];
    const body = octets(`before\r\n-------${first}$\r\nbehind${"x".repeat(more)}`);
    it = new Scripted(endpoint({ fillRandom: dice(7) }));
    session = it.endpoint.open({ sink: notes, own, peerPath });
    session.send({ contentType: "a/b", body }, it.now);
    const sent = it.sent();
    if (more === 0) {
      expect(sent).toMatch(new RegExp(`^MSRP ${second} SEND`));
      expect(skeleton(sent)).toEqual([`SEND 1-${body.length}/${body.length} $`]);
    } else {
      // Interrupted before the octet that would have completed the id.
      const cut = octetString(body).indexOf(first) + first.length;
      expect(sent.split(`-------${first}`)).toHaveLength(2);
      expect(sent).toContain(`\r\n-------${first}+\r\nMSRP ${second} SEND\r\n`);
      expect(sent).toContain(`Byte-Range: ${cut}-*/${body.length}\r\n`);
    }
  });

  test("and whoever tries gets what was sent", () => {
    const pair = new Pair(endpoint({ fillRandom: dice(7) }));
    const bob = new Notes();
    const [a, b] = [pair.a.newUri(), pair.b.newUri()];
    pair.b.open({ sink: bob, own: b, peerPath: a });
    const alice = pair.a.open({ sink: {}, own: a, peerPath: b });
    const random = new RandomPool(dice(7));
    random.text(26);
    random.text(20);
    const ids = Array.from({ length: 8 }, () => random.text(14));
    const body = octets(ids.map((id) => `${"y".repeat(900)}\r\n-------${id}$\r\n-------${id}+\r\n`).join(""));
    alice.send({ contentType: "a/b", body }, pair.now);
    pair.settle();
    expect(octetString(bob.messages[0]?.content as Uint8Array)).toBe(octetString(body));
    expect(skeleton(pair.fromA.text).length).toBeGreaterThan(1);
  });
});

describe("a long chunk", () => {
  let message: OutgoingMessage;
  beforeEach(() => {
    message = session.send({ contentType: "a/b", total: 1 << 30 }, it.now);
    message.write(pattern(20_000), it.now);
    it.sent();
  });

  test("is interrupted for a response, and goes on behind it", () => {
    peerSends();
    expect(it.sent()).toMatch(/^\r\n-------\w+\+\r\nMSRP d93kswow 200 OK\r\n/);
    message.write(pattern(4000), it.now);
    expect(skeleton(it.sent())).toEqual([`SEND 20001-*/${1 << 30}`]);
  });

  test("is interrupted once for all that one read calls forth", () => {
    const frames = ["a", "b", "c"].map((id) => {
      const head = [`To-Path: ${own}`, `From-Path: ${peerPath}`, `Message-ID: m${id}`];
      return [`MSRP ${id}1234 SEND`, ...head, `-------${id}1234$`, ""].join("\r\n");
    });
    it.raw(frames.join(""));
    expect(skeleton(it.sent())).toEqual(["200 OK $", "200 OK $", "200 OK $"]);
    message.write(pattern(4000), it.now);
    expect(skeleton(it.sent())).toHaveLength(1);
  });

  test("is interrupted for another message, also of its own session", () => {
    session.send(text, it.now);
    const sent = it.sent();
    expect(sent).toMatch(/^\r\n-------\w+\+\r\n/);
    expect(skeleton(sent)).toEqual(["SEND 1-3/3 $"]);
  });

  test("stays open while nobody else has anything to send", () => {
    for (let i = 0; i < 10; i++) {
      message.write(pattern(60_000), it.now);
      expect(skeleton(it.sent())).toEqual([]);
    }
  });
});

describe("messages that are sent at the same time", () => {
  /** Body octets between two looks at who is sending. */
  function turns(sent: string): [string, number][] {
    const frames = [...sent.matchAll(/^MSRP (\S+) SEND\r\n([^]*?)\r\n\r\n([^]*?)\r\n-------\1./gm)];
    return frames.map(([, , head, body]) => [
      /Message-ID: (\S+)/.exec(head as string)?.[1] as string,
      (body as string).length,
    ]);
  }

  test("take turns of a quantum", () => {
    const body = octets("x".repeat(60_000));
    begin({ backlog: 1 << 20 });
    // Nothing goes out before both are there.
    it.raw(
      `MSRP d93kswow SEND\r\nTo-Path: ${own}\r\nFrom-Path: ${peerPath}\r\nMessage-ID: both\r\nContent-Type: a/b\r\n\r\nx`,
    );
    notes.messageEnded = () => {
      for (const messageId of ["one1", "two2", "three3"]) session.send({ contentType: "a/b", body, messageId }, it.now);
    };
    it.raw("\r\n-------d93kswow$\r\n");
    const { quantum } = defaultLimits;
    const rest = 60_000 - 3 * quantum;
    expect(turns(it.sent())).toEqual(
      [quantum, quantum, quantum, rest].flatMap((size) => ["one1", "two2", "three3"].map((id) => [id, size])),
    );
  });

  test("share alike when one is cut into small chunks and the other is not", () => {
    begin({ backlog: 1 << 20 });
    const body = octets("x".repeat(40_000));
    notes.bound = () => {
      session.send({ contentType: "a/b", body, messageId: "small", chunkOctets: 2048 }, it.now);
      session.send({ contentType: "a/b", body, messageId: "large" }, it.now);
    };
    peerSends();
    const shares = turns(it.sent()).slice(0, 9);
    expect(shares).toEqual([...Array.from({ length: 8 }, () => ["small", 2048]), ["large", defaultLimits.quantum]]);
  });

  test("a short one does not wait for the long ones", () => {
    for (let i = 0; i < 6; i++)
      session.send({ contentType: "a/b", total: 1 << 20 }, it.now).write(pattern(5000), it.now);
    it.sent();
    expect(session.send(text, it.now).state).toBe("sent");
  });

  test("only so many long ones of a session go side by side, and others follow when one ends", () => {
    begin({ concurrent: 2 });
    const asked: string[] = [];
    notes.wanted = (message) => asked.push(message.id);
    const send = (messageId: string) => session.send({ contentType: "a/b", total: 5000, messageId }, it.now);
    const messages = ["one1", "two2", "three3", "four4"].map(send);
    expect(asked).toEqual(["one1", "two2"]);
    messages[1]?.write(pattern(5000), it.now);
    expect(asked).toEqual(["one1", "two2", "three3"]);
    messages[0]?.abort(it.now);
    expect(asked).toEqual(["one1", "two2", "three3", "four4"]);
    const other = it.endpoint.open({ sink: notes, own: it.endpoint.newUri(), peerPath });
    other.send({ contentType: "a/b", total: 5000, messageId: "other5" }, it.now);
    expect(asked.at(-1)).toBe("other5");
  });
});

describe("a link that takes nothing", () => {
  test("bounds what is asked for and what is kept, however long the message is", () => {
    let given = 0;
    notes.wanted = (message, room, now) => {
      given += room;
      message.write(pattern(room), now);
    };
    it.link.stalled = true;
    it.link.record = false;
    const message = session.send({ contentType: "a/b", total: 1e9 }, it.now);
    const { backlog, quantum, window } = defaultLimits;
    expect(given).toBeLessThanOrEqual(backlog + quantum + window);
    expect(it.link.backlog).toBeLessThanOrEqual(backlog + quantum + 1000);
    expect(message.supply.length).toBeLessThanOrEqual(window);
    const before = given;
    it.feed.writable(it.now);
    expect(given).toBe(before);
    expect(message.octetsSent).toBeGreaterThan(0);
  });

  test("and takes again lets the message go on to its end", () => {
    const pair = new Pair();
    pair.fromA.record = false;
    const [a, b] = [pair.a.newUri(), pair.b.newUri()];
    let right = true;
    const source = pattern(1 << 16);
    const bob = pair.b.open({
      own: b,
      peerPath: a,
      sink: {
        octets: (_m, position, from, start, end) => {
          for (let i = start; i < end; i++) right &&= from[i] === source[(position + i - start) & 0xffff];
        },
      },
    });
    let position = 0;
    const total = 5_000_000;
    const alice = pair.a.open({
      own: a,
      peerPath: b,
      sink: {
        wanted: (message, room, now) => {
          const at = position & 0xffff;
          const size = Math.min(room, 0x10000 - at, total - position);
          position += size;
          message.write(source.subarray(at, at + size), now);
        },
      },
    });
    pair.fromA.stalled = true;
    const message = alice.send({ contentType: "a/b", total, successReport: true }, pair.now);
    pair.settle();
    expect(position).toBeLessThan(500_000);
    pair.fromA.stalled = false;
    bob.pause();
    pair.settle();
    expect(position).toBeLessThan(500_000);
    bob.resume();
    pair.settle();
    expect([message.state, right]).toEqual(["delivered", true]);
  });

  test("is not read from when not even the answers go out", () => {
    begin({ backlog: 70_000 });
    it.link.take = () => undefined;
    const frame = (i: number) =>
      [
        `MSRP tid${i} SEND`,
        `To-Path: ${own}`,
        `From-Path: ${peerPath}`,
        `Message-ID: m${i}`,
        `-------tid${i}$`,
        "",
      ].join("\r\n");
    for (let i = 0; i < 1500; i++) it.raw(frame(i));
    expect(it.link.reading).toBe(false);
    it.link.backlog = 60_000;
    it.feed.writable(it.now);
    expect(it.link.reading).toBe(true);
  });
});

describe("two endpoints that both send without end", () => {
  test("do not cut each other's chunks below a quantum", () => {
    const pair = new Pair();
    pair.wire.cut = 3000;
    const [a, b] = [pair.a.newUri(), pair.b.newUri()];
    const body = pattern(400_000);
    const notesOf = [new Notes(), new Notes()] as const;
    const sessions = [
      pair.a.open({ sink: notesOf[0], own: a, peerPath: b }),
      pair.b.open({ sink: notesOf[1], own: b, peerPath: a }),
    ];
    const messages = sessions.map((it) => it.send({ contentType: "a/b", body, successReport: true }, pair.now));
    pair.settle();
    expect(messages.map(({ state }) => state)).toEqual(["delivered", "delivered"]);
    for (const link of [pair.fromA, pair.fromB]) {
      const chunks = skeleton(link.text).filter((frame) => frame.startsWith("SEND"));
      expect(chunks.length).toBeLessThanOrEqual(Math.ceil(body.length / defaultLimits.quantum) + 1);
    }
    for (const { messages: received } of notesOf) expect(received[0]?.content).toEqual(body);
  });
});

test("what is sent before there is a connection goes out when there is one", () => {
  const early = endpoint();
  const sink = new Notes();
  const message = early.open({ sink, own, peerPath }).send({ contentType: "a/b", body: pattern(3000) }, 0);
  expect(message.state).toBe("waiting");
  const link = new PipeLink();
  early.connected(link, 0);
  expect(skeleton(link.text)).toEqual(["SEND 1-*/3000 $"]);
});
