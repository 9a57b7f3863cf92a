import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import type { Endpoint } from "../../../core/endpoint/endpoint.ts";
import type { Session, SessionOptions } from "../../../core/endpoint/session.ts";
import { MisuseError } from "../../../core/ports.ts";
import { endpoint, Notes, Pair, pattern, Scripted, skeleton } from "./pair.ts";

/** Two endpoints with a session between them. */
function inSession(options: Partial<SessionOptions> = {}, pair = new Pair()) {
  const [alice, bob] = [new Notes(), new Notes()];
  const [ownA, ownB] = [pair.a.newUri(), pair.b.newUri()];
  const a = pair.a.open({ sink: alice, own: ownA, peerPath: ownB, ...options });
  const b = pair.b.open({ sink: bob, own: ownB, peerPath: ownA });
  return { pair, alice, bob, a, b };
}

const text = (body: string) => ({ contentType: "text/plain", body: octets(body) });

describe("the examples of RFC 4975 §11", () => {
  test("§11.1, a basic session, octet for octet but for the ids", () => {
    const bob = "msrp://bob.example.com:8888/9di4eae923wzd;tcp";
    const alicePc = "msrp://alicepc.example.com:7777/iau39soe2843z;tcp";
    const it = new Scripted();
    const notes = new Notes();
    const session = it.endpoint.open({ sink: notes, own: alicePc, peerPath: bob });
    session.send({ ...text("Hi, I'm Alice!\r\n"), messageId: "12339sdqwer" }, it.now);
    const sent = it.sent();
    const id = /^MSRP (\S+)/.exec(sent)?.[1] as string;
    expect(sent).toBe(
      [
        `MSRP ${id} SEND`,
        `To-Path: ${bob}`,
        `From-Path: ${alicePc}`,
        "Message-ID: 12339sdqwer",
        "Byte-Range: 1-16/16",
        "Content-Type: text/plain",
        "",
        "Hi, I'm Alice!",
        "",
        `-------${id}$`,
        "",
      ].join("\r\n"),
    );
    it.says(`MSRP ${id} 200 OK`, `To-Path: ${alicePc}`, `From-Path: ${bob}`, `-------${id}$`);
    it.says(
      "MSRP dkei38sd SEND",
      `To-Path: ${alicePc}`,
      `From-Path: ${bob}`,
      "Message-ID: 456s9wlk3",
      "Byte-Range: 1-21/21",
      "Content-Type: text/plain",
      "",
      "Hi, Alice!  I'm Bob!",
      "-------dkei38sd$",
    );
    expect(it.sent()).toBe(
      ["MSRP dkei38sd 200 OK", `To-Path: ${bob}`, `From-Path: ${alicePc}`, "-------dkei38sd$", ""].join("\r\n"),
    );
    expect(notes.told).toEqual(["sent", "accepted", "bound", "complete Hi, Alice!  I'm Bob!"]);
  });

  test("§11.4, a CPIM message in two chunks", () => {
    const { pair, bob, a } = inSession();
    const body = octets(
      `To: Bob <sip:bob@example.com>\r\nFrom: Alice\r\n\r\nContent-Type: text/plain\r\n\r\n${"ABCD".repeat(600)}`,
    );
    a.send({ contentType: "message/cpim", body, chunkOctets: 2048 }, pair.now);
    pair.settle();
    expect(skeleton(pair.fromA.text)).toHaveLength(2);
    expect(bob.messages.map(({ contentType, content }) => [contentType, content])).toEqual([["message/cpim", body]]);
  });

  test("§11.5, a system message is answered by nobody", () => {
    const { pair, alice, bob, a } = inSession();
    a.send({ ...text("This conference will end in 5 minutes"), failureReport: "no" }, pair.now);
    pair.advance(60_000);
    expect([pair.fromB.text, alice.told]).toEqual(["", ["sent"]]);
    expect(bob.told).toEqual(["bound", "complete This conference will end in 5 minutes"]);
  });

  test("§11.6, a positive report and nothing else", () => {
    const { pair, alice, a } = inSession();
    a.send({ ...text("<html>"), successReport: true, failureReport: "no" }, pair.now);
    pair.settle();
    expect(skeleton(pair.fromB.text)).toEqual(["REPORT 1-6/6 $"]);
    expect(alice.told).toEqual(["sent", "delivered"]);
  });
});

describe("two endpoints", () => {
  test("send a megabyte in one chunk, which is reported", () => {
    const { pair, alice, bob, a } = inSession();
    const body = pattern(1 << 20);
    a.send({ contentType: "a/b", body, successReport: true }, pair.now);
    pair.settle();
    expect(alice.told).toEqual(["sent", "accepted", "delivered"]);
    expect(bob.messages[0]?.content).toEqual(body);
    expect(skeleton(pair.fromA.text)).toEqual(["SEND 1-*/1048576 $"]);
    expect(skeleton(pair.fromB.text)).toEqual(["200 OK $", "REPORT 1-1048576/1048576 $"]);
  });

  test("answer from within what they are told", () => {
    const { pair, alice, bob, a, b } = inSession();
    bob.messageEnded = (message) => void b.send(text(`You said ${message.content.length} octets`), pair.now);
    a.send(text("Hi"), pair.now);
    pair.settle();
    // The answer that is owed goes before the one that was thought of.
    expect(skeleton(pair.fromB.text)).toEqual(["200 OK $", "SEND 1-17/17 $"]);
    expect(alice.told).toEqual(["sent", "accepted", "bound", "complete You said 2 octets"]);
  });

  test("carry many sessions over one connection", () => {
    const pair = new Pair();
    const pairs = Array.from({ length: 20 }, () => inSession({}, pair));
    for (const [i, { a, b }] of pairs.entries()) {
      a.send(text(`to ${i}`), pair.now);
      b.send(text(`from ${i}`), pair.now);
    }
    pair.settle();
    for (const [i, { alice, bob }] of pairs.entries()) {
      expect([...alice.told].sort()).toEqual(["accepted", "bound", `complete from ${i}`, "sent"]);
      expect([...bob.told].sort()).toEqual(["accepted", "bound", `complete to ${i}`, "sent"]);
    }
  });

  test("go on by another way after a new offer (§8.4)", () => {
    const { pair, a, b } = inSession();
    const other = pair.b.open({ sink: new Notes() });
    a.reroute("", other.own);
    a.send(text("Hi"), pair.now);
    expect(pair.fromA.text).toContain(`To-Path: ${other.own}\r\n`);
    expect(b.bound).toBe(false);
  });
});

describe("the first SEND (§5.4)", () => {
  test("teaches a session who its peer is", () => {
    const pair = new Pair();
    const [alice, bob] = [new Notes(), new Notes()];
    const b = pair.b.open({ sink: bob });
    expect(() => b.send(text("Who is there?"), pair.now)).toThrow(MisuseError);
    const a = pair.a.open({ sink: alice, peerPath: b.own });
    a.send({}, pair.now);
    pair.settle();
    expect([bob.told, b.toPath]).toEqual([["bound"], a.own]);
    b.send(text("Hi"), pair.now);
    pair.settle();
    expect(alice.told).toContain("complete Hi");
  });

  test("of somebody else is refused with 506 once a session has learned its peer", () => {
    const pair = new Pair();
    const b = pair.b.open({ sink: new Notes() });
    const [first, second] = [new Notes(), new Notes()];
    pair.a.open({ sink: first, peerPath: b.own }).send(text("first"), pair.now);
    pair.settle();
    pair.a.open({ sink: second, peerPath: b.own }).send(text("second"), pair.now);
    pair.settle();
    expect(first.told).toEqual(["sent", "accepted"]);
    expect(second.told).toEqual(["sent", "failed 506 by response", "session failed 506 by response"]);
  });

  test("of the same peer by a new way moves the way back", () => {
    const it = new Scripted();
    const session = it.endpoint.open({ sink: {} });
    const peer = "msrps://alice.example.org:7965/bar;tcp";
    const relays = ["msrps://r.example.org:2855/one;tcp", "msrps://r.example.org:2855/two;tcp"];
    for (const [i, relay] of relays.entries()) {
      it.says(
        `MSRP abcd${i} SEND`,
        `To-Path: ${session.own}`,
        `From-Path: ${relay} ${peer}`,
        `Message-ID: m${i}`,
        `-------abcd${i}$`,
      );
    }
    expect(session.toPath).toBe(`${relays[1]} ${peer}`);
  });

  /** A listening endpoint, a stranger's SEND to `own`, and the answer. */
  function knock(admit: (endpoint: Endpoint) => Session | 481 | 506) {
    const own = "msrps://bob.example.net:8145/foo;tcp";
    const it: Scripted = new Scripted(endpoint({ admit: (_, listening) => admit(listening) }));
    it.says("MSRP abcd1 SEND", `To-Path: ${own}`, `From-Path: ${own}`, "Message-ID: m", "-------abcd1$");
    return skeleton(it.sent());
  }

  test.each([
    ["481 where there is no such session", 481 as const, ["481 Session Does Not Exist $"]],
    ["506 where another connection has it", 506 as const, ["506 Session Already In Use $"]],
  ])("is answered by whoever listens: %s", (_, status, expected) => {
    expect(knock(() => status)).toEqual(expected);
  });

  test("opens a session on the connection it came by", () => {
    const notes = new Notes();
    const own = "msrps://bob.example.net:8145/foo;tcp";
    expect(knock((listening) => listening.open({ sink: notes, own }))).toEqual(["200 OK $"]);
    expect(notes.told).toEqual(["bound"]);
  });

  test("finds no session where nobody listens", () => {
    const it = new Scripted();
    it.says(
      "MSRP abcd1 SEND",
      "To-Path: msrp://x.example:1/y;tcp",
      "From-Path: msrp://x.example:1/z;tcp",
      "-------abcd1$",
    );
    expect(skeleton(it.sent())).toEqual(["481 Session Does Not Exist $"]);
  });
});

describe("our URI in a To-Path is compared as RFC 4975 §6.1 says", () => {
  test.each([
    ["MSRPS://user@BOB.example.net:8145/foo;tcp", true],
    ["msrps://bob.example.net:8145/foo;tcp;x=y", true],
    ["msrps://bob.example.net:8145/FOO;tcp", false],
    ["msrps://bob.example.net/foo;tcp", false],
    ["msrp://bob.example.net:8145/foo;tcp", false],
  ])("%s: %s", (uri, ours) => {
    const it = new Scripted();
    it.endpoint.open({ sink: {}, own: "msrps://bob.example.net:8145/foo;tcp" });
    it.says(
      "MSRP abcd1 SEND",
      `To-Path: ${uri}`,
      "From-Path: msrp://x.example:1/z;tcp",
      "Message-ID: m",
      "-------abcd1$",
    );
    expect(skeleton(it.sent())).toEqual([ours ? "200 OK $" : "481 Session Does Not Exist $"]);
  });
});

describe("keeping a connection alive", () => {
  test("a bodiless SEND goes out after each quiet, and nobody is told", () => {
    const pair = new Pair(endpoint({ keepaliveSeconds: 60 }));
    const { alice, bob } = inSession({}, pair);
    pair.advance(59_999);
    expect(pair.fromA.text).toBe("");
    pair.advance(120_001);
    expect(skeleton(pair.fromA.text)).toEqual(["SEND 1-0/0 $", "SEND 1-0/0 $", "SEND 1-0/0 $"]);
    expect([alice.told, bob.told]).toEqual([[], ["bound"]]);
  });

  test("whatever else is sent puts it off", () => {
    const pair = new Pair(endpoint({ keepaliveSeconds: 60 }));
    const { a } = inSession({}, pair);
    pair.advance(50_000);
    a.send(text("x"), pair.now);
    pair.advance(59_000);
    expect(skeleton(pair.fromA.text)).toEqual(["SEND 1-1/1 $"]);
  });

  test("a peer that does not answer it has gone", () => {
    const it = new Scripted(endpoint({ keepaliveSeconds: 60 }));
    const notes = new Notes();
    it.endpoint.open({ sink: notes, peerPath: "msrps://bob.example.net:8145/foo;tcp" });
    it.advance(89_999);
    expect(notes.told).toEqual([]);
    it.advance(1);
    expect(notes.told).toEqual(["session failed 408 by timeout"]);
    it.sent();
    it.advance(1_000_000);
    expect(it.sent()).toBe("");
  });

  test("while there is no peer the relays hear it", () => {
    const told: string[] = [];
    const it = new Scripted(
      endpoint({ keepaliveSeconds: 60, sink: { authenticationFailed: (_, { by }) => void told.push(by) } }),
    );
    it.endpoint.authenticate({ relays: [{ uri: "msrps://r.example;tcp", username: "a", credential: {} }] }, it.now);
    const id = /^MSRP (\S+)/.exec(it.sent())?.[1];
    it.says(
      `MSRP ${id} 200 OK`,
      "To-Path: x",
      "From-Path: x",
      "Use-Path: msrps://r.example:2855/u;tcp",
      `-------${id}$`,
    );
    it.advance(60_000);
    expect(it.sent()).toMatch(/^MSRP \w+ SEND\r\nTo-Path: msrps:\/\/r.example:2855\/u;tcp\r\n/);
    it.advance(30_000);
    expect(told).toEqual(["timeout"]);
  });
});

describe("a request of another method (§12)", () => {
  test("is answered by the session's application", () => {
    const { pair, alice, bob, a } = inSession();
    const asked: unknown[] = [];
    bob.requested = (_, request) => {
      asked.push(request);
      return 403;
    };
    a.request("NICKNAME", [["Use-Nickname", '"Alice the great"']], pair.now);
    pair.settle();
    expect(asked).toEqual([{ method: "NICKNAME", headers: [["Use-Nickname", '"Alice the great"']] }]);
    expect(alice.told).toEqual(["NICKNAME 403 Forbidden"]);
  });

  test("ends like everything else: with 501, with time, with the connection", () => {
    const { pair, alice, a } = inSession();
    a.request("NICKNAME", [], pair.now);
    pair.settle();
    pair.fromB.stalled = true;
    a.request("NICKNAME", [], pair.now);
    pair.advance(30_000);
    a.request("NICKNAME", [], pair.now);
    pair.a.ended(pair.now);
    expect(alice.told).toEqual(["NICKNAME 501 Method Not Understood", "NICKNAME timeout", "NICKNAME connection"]);
    expect(a.request("NICKNAME", [], pair.now).failure?.by).toBe("connection");
  });

  test.each(["SEND", "nickname", "X Y", "AUTH"])("%s is none", (method) => {
    const { pair, a } = inSession();
    expect(() => a.request(method, [], pair.now)).toThrow(MisuseError);
  });
});

describe("the end of a connection", () => {
  test("by the peer is told, after all that it ends", () => {
    const told: string[] = [];
    const { pair, alice, bob, a } = inSession(
      {},
      new Pair(endpoint({ sink: { ended: (why) => void told.push(why) } })),
    );
    pair.b.open({ sink: bob });
    a.send({ contentType: "a/b", total: 10_000 }, pair.now).write(pattern(5000), pair.now);
    pair.settle();
    pair.a.ended(pair.now);
    pair.b.ended(pair.now);
    expect([alice.told, told]).toEqual([["failed 0 by connection"], ["PEER"]]);
    expect(bob.told).toEqual(["bound", expect.stringMatching(/^lost/)]);
    expect([pair.fromA.closed, pair.a.deadline]).toEqual([true, Number.POSITIVE_INFINITY]);
  });

  test("by ourselves aborts the open chunk and sends what is owed", () => {
    const told: string[] = [];
    const pair = new Pair(
      undefined,
      endpoint({ name: "b.example.com", sink: { ended: (why) => void told.push(why) } }),
    );
    const { bob, a, b } = inSession({}, pair);
    b.send({ contentType: "a/b", total: 10_000 }, pair.now).write(pattern(5000), pair.now);
    bob.messageEnded = () => pair.b.close(pair.now);
    a.send(text("Good bye"), pair.now);
    pair.settle();
    expect(skeleton(pair.fromB.text)).toEqual([`SEND 1-*/10000 +`, "200 OK $"]);
    expect([told, pair.fromB.closed]).toEqual([["CLOSED"], true]);
    expect(() => pair.b.close(pair.now)).not.toThrow();
  });

  test("follows from octets that are no MSRP", () => {
    const told: string[] = [];
    const it = new Scripted(endpoint({ sink: { ended: (why) => void told.push(why) } }));
    it.raw("GET / HTTP/1.1\r\n");
    expect([told, it.link.closed]).toEqual([["START_LINE"], true]);
    it.raw("MSRP abcd SEND\r\n");
    expect(it.sent()).toBe("");
  });

  test("before its beginning closes the link at once", () => {
    const early = endpoint();
    early.close(0);
    const it = new Scripted(early);
    expect(it.link.closed).toBe(true);
  });
});

describe("a session that is closed", () => {
  test("aborts what it was sending, ends what was coming in, and is not known any more", () => {
    const { pair, alice, bob, a, b } = inSession();
    a.send({ contentType: "a/b", total: 10_000 }, pair.now).write(pattern(5000), pair.now);
    const reported = a.send({ ...text("x"), successReport: true }, pair.now);
    pair.settle();
    a.close(pair.now);
    a.close(pair.now);
    pair.settle();
    expect(alice.told).toContain("aborted");
    expect(bob.told.filter((line) => line.startsWith("aborted"))).toHaveLength(1);
    expect(reported.state).toBe("delivered");
    b.send(text("Are you there?"), pair.now);
    pair.settle();
    expect(bob.told.slice(-2)).toEqual(["failed 481 by response", "session failed 481 by response"]);
    expect(a.send(text("x"), pair.now).failure?.by).toBe("session");
  });

  test("does not hold up the others by its pause", () => {
    const { pair, b } = inSession();
    const other = inSession({}, pair);
    b.pause();
    other.a.send(text("Hi"), pair.now);
    pair.settle();
    expect(other.bob.told).toEqual([]);
    b.close(pair.now);
    pair.settle();
    expect(other.bob.told).toEqual(["bound", "complete Hi"]);
  });
});

test("two sessions cannot have one URI", () => {
  const it = endpoint();
  const own = it.newUri();
  it.open({ sink: {}, own });
  expect(() => it.open({ sink: {}, own })).toThrow(MisuseError);
  expect(it.newUri()).not.toBe(it.newUri());
  expect(own).toMatch(/^msrps:\/\/client\.example\.com:9892\/[a-z2-7]{26};tcp$/);
});
