/** SENDs whose body comes in pieces: RFC 4976 §6.4.1, RFC 4975 §7.1.1 and §7.3.2. */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, end, request, type SendSaid, send } from "../../support/frames.ts";
import { between, type BenchPeer, type Changes, type Heard, RelayBench } from "../../support/relay-bench.ts";

let bench: RelayBench;
let alice: BenchPeer;
let bob: BenchPeer;

function begin(changes: Changes = {}): void {
  bench = new RelayBench(changes);
  alice = bench.client("alice");
  bob = bench.client("bob");
}
beforeEach(() => begin());

function toBob(said: Partial<SendSaid> = {}): SendSaid {
  return between(alice, bob, said);
}

/** The message that chunks make up, by their positions; every octet must come once and in order. */
function assemble(chunks: readonly Heard[]): string {
  let body = "";
  for (const chunk of chunks) {
    const start = Number(/^\d+/.exec(chunk.header("Byte-Range") ?? "1")?.[0]);
    expect(start).toBe(body.length + 1);
    body += chunk.body ?? "";
  }
  return body;
}

describe("a body that comes in pieces", () => {
  test("is passed on as it comes, in one chunk, and answered at its end", () => {
    alice.say(`${beginSend("t111", toBob({ range: "1-*/11" }))}hello`);
    expect(bob.hearing?.brief).toBe("SEND 1-*/11 hell");
    alice.say(" world");
    expect(bob.hearing?.brief).toBe("SEND 1-*/11 hello worl");
    expect(alice.briefs()).toEqual([]);
    alice.say(end("t111"));
    expect(bob.briefs()).toEqual(["SEND 1-*/11 hello world$"]);
    expect(alice.briefs()).toEqual(["t111 200"]);
  });

  test.each(["$", "+", "#"] as const)("keeps the flag of its end: %s", (flag) => {
    alice.sayPieces(beginSend("t111", toBob()), "one", "two", end("t111", flag));
    expect(bob.only().body).toBe("onetwo");
    alice.sayPieces(`${beginSend("t222", toBob())}x`, end("t222", flag));
    expect(bob.only().flag).toBe(flag);
    expect(alice.briefs()).toEqual(["t111 200", "t222 200"]);
  });

  test.each([
    ["1-50/50", "1-*/50"],
    ["101-*/*", "101-*/*"],
    [undefined, "1-*/*"],
    ["1-3/50", "1-*/50"],
  ])("whose Byte-Range is %s goes out with %s, since its end is not known yet", (range, expected) => {
    alice.sayPieces(beginSend("t111", toBob({ range })), "hello", end("t111", "+"));
    expect(bob.only().brief).toBe(`SEND ${expected} hello+`);
  });

  test("of any octets is the same at the other end, cut at every point", () => {
    const body = "\r\n-------t111\r\n-------t11$\r\n\x00\xff-------\r\n-------t1111$\r\n\r\n--------t111$x\r\n";
    const frame = send("t111", toBob({ body }));
    for (let at = 1; at < frame.length; at++) {
      alice.sayPieces(frame.slice(0, at), frame.slice(at));
      const chunks = bob.heard();
      expect(assemble(chunks)).toBe(body);
      expect(chunks.at(-1)?.flag).toBe("$");
      for (const chunk of chunks) bob.answer(chunk, 200);
    }
    expect(new Set(alice.briefs())).toEqual(new Set(["t111 200"]));
    bench.expectNothingKept();
  });

  test.each([
    ["nothing but the end-line", undefined, undefined],
    ["a blank line and nothing behind it", "", undefined],
    ["a blank line, a Content-Type, and a range as FreeSWITCH writes it", "", "0-0/0"],
    ["a range of nothing", undefined, "1-0/0"],
  ])("may be empty and cut anywhere: %s", (_, body, range) => {
    const frame = send("t111", toBob({ body, range }));
    for (let at = 1; at < frame.length; at++) {
      alice.sayPieces(frame.slice(0, at), frame.slice(at));
      expect(alice.briefs()).toEqual(["t111 200"]);
      const heard = bob.only();
      expect(heard.body).toBe(body);
      expect(heard.flag).toBe("$");
      bob.answer(heard, 200);
    }
  });

  test("may be empty without a Content-Type, cut anywhere", () => {
    const frame = request("t111", "SEND", { ...toBob(), headers: ["Message-ID: m111"], body: "" });
    for (let at = 1; at < frame.length; at++) {
      alice.sayPieces(frame.slice(0, at), frame.slice(at));
      expect(alice.briefs()).toEqual(["t111 200"]);
      expect(bob.heard()).toHaveLength(1);
    }
  });

  test.each([
    ["CONTENT_TYPE", ["Message-ID: m111"]],
    ["BYTE_RANGE", ["Message-ID: m111", "Byte-Range: 0-*/5", "Content-Type: text/plain"]],
  ])("is refused with %s wherever it is cut, and nothing of it goes on", (fault, headers) => {
    const frame = request("t111", "SEND", { ...toBob(), headers, body: "hello" });
    for (let at = 1; at < frame.length; at++) {
      alice.sayPieces(frame.slice(0, at), frame.slice(at));
      expect(alice.briefs()).toEqual(["t111 400"]);
      expect(bench.faults.at(-1) ?? fault).toBe(fault);
    }
    expect(bench.relay.counters.faults[fault]).toBe(frame.length - 1);
    expect(bob.heard()).toEqual([]);
    bench.expectNothingKept();
  });
});

describe("a long chunk is interrupted (RFC 4975 §7.1.1)", () => {
  const headers = ["X-First: 1", "Success-Report: yes", "Content-Disposition: inline"];

  test("for a frame of another session on the same connection, and goes on behind it with the same headers", () => {
    const carol = bench.connect("carol");
    alice.say(`${beginSend("t111", toBob({ range: "1-*/40", headers }))}0123456789`);
    carol.say(send("t222", between(carol, bob, { body: "hi" })));
    alice.say(`abcdefghij${end("t111")}`);
    const chunks = bob.heard();
    expect(chunks.map(({ brief }) => brief)).toEqual([
      "SEND 1-*/40 012345678+",
      "SEND - hi$",
      "SEND 10-*/40 9abcdefghij$",
    ]);
    const [first, , last] = chunks as [Heard, Heard, Heard];
    expect(first.others).toEqual([
      "Message-ID: m111",
      "Byte-Range: 1-*/40",
      "X-First: 1",
      "Success-Report: yes",
      "Content-Disposition: inline",
      "Content-Type: text/plain",
    ]);
    expect(last.others).toEqual(first.others.map((line) => line.replace("1-*/40", "10-*/40")));
    expect([last.to, last.from]).toEqual([first.to, first.from]);
    expect(last.id).not.toBe(first.id);
  });

  test("for a response, a REPORT and a NICKNAME of ours", () => {
    alice.say(`${beginSend("t111", toBob({ range: "1-*/*" }))}0123456789`);
    bob.say(send("t333", between(bob, alice)));
    alice.say("abc");
    alice.heard();
    const paths = { to: [alice.lease, bob.lease, bob.uri], from: [alice.uri] };
    const carol = bench.client("carol");
    carol.say(request("n111", "NICKNAME", { to: [carol.lease, bob.lease, bob.uri], from: [carol.uri] }));
    alice.say("def");
    carol.say(request("r111", "REPORT", { ...paths, to: [carol.lease, bob.lease, bob.uri] }));
    alice.say(`ghi${end("t111")}`);
    const heard = bob.heard();
    expect(heard.map(({ what }) => what)).toEqual(["SEND", "200", "SEND", "NICKNAME", "SEND", "REPORT", "SEND"]);
    expect(assemble(heard.filter(({ what }) => what === "SEND"))).toBe("0123456789abcdefghi");
  });

  test("so that two that come at once to one connection take turns", () => {
    const carol = bench.connect("carol");
    const piece = (mark: string) => mark.repeat(1500);
    alice.say(`${beginSend("t111", toBob({ messageId: "one", range: "1-*/*" }))}${piece("a1")}`);
    carol.say(`${beginSend("t222", between(carol, bob, { messageId: "two", range: "1-*/*" }))}${piece("b1")}`);
    for (let i = 2; i <= 5; i++) {
      alice.say(piece(`a${i}`));
      carol.say(piece(`b${i}`));
    }
    alice.say(end("t111"));
    carol.say(end("t222"));
    const chunks = bob.heard();
    const of = (id: string) => chunks.filter((chunk) => chunk.header("Message-ID") === id);
    expect(assemble(of("one"))).toBe(["a1", "a2", "a3", "a4", "a5"].map(piece).join(""));
    expect(assemble(of("two"))).toBe(["b1", "b2", "b3", "b4", "b5"].map(piece).join(""));
    expect(of("one").map(({ flag }) => flag)).toEqual(["+", "+", "+", "+", "+", "$"]);
    for (const chunk of chunks) bob.answer(chunk, 200);
    bench.expectNothingKept();
  });

  test("but not for less than 2048 octets, which would cost more than they carry (RFC 4975 §7.1.1)", () => {
    const carol = bench.connect("carol");
    alice.say(beginSend("t111", toBob({ messageId: "one", range: "1-*/*" })));
    carol.say(beginSend("t222", between(carol, bob, { messageId: "two", range: "1-*/*" })));
    for (let i = 0; i < 5000; i++) {
      alice.say("a");
      carol.say("b");
    }
    alice.say(end("t111"));
    carol.say(end("t222"));
    const chunks = bob.heard();
    const of = (id: string) => chunks.filter((chunk) => chunk.header("Message-ID") === id);
    expect(assemble(of("one"))).toBe("a".repeat(5000));
    expect(assemble(of("two"))).toBe("b".repeat(5000));
    expect(chunks.length).toBeLessThan(10);
    for (const chunk of chunks) bob.answer(chunk, 200);
    bench.expectNothingKept();
  });

  test("each on its own, when one connection carries several sessions to several others", () => {
    const carol = bench.client("carol");
    const toCarol = (said: Partial<SendSaid>) => between(alice, carol, said);
    alice.sayPieces(
      beginSend("t111", toBob({ range: "1-*/6", messageId: "one" })),
      "abc",
      end("t111", "+"),
      beginSend("t222", toCarol({ messageId: "two" })),
      "xyz",
      end("t222"),
      beginSend("t333", toBob({ range: "4-*/6", messageId: "one" })),
      "def",
      end("t333"),
    );
    expect(assemble(bob.heard())).toBe("abcdef");
    expect(assemble(carol.heard())).toBe("xyz");
    expect(alice.briefs()).toEqual(["t111 200", "t222 200", "t333 200"]);
  });

  test("is answered once, by its own id, however many parts it went on in", () => {
    alice.say(`${beginSend("t111", toBob())}0123456789`);
    for (let i = 0; i < 3; i++) {
      bob.say(send(`s11${i}`, between(bob, alice)));
      alice.say("more");
    }
    alice.heard();
    const parts = bob.heard().filter(({ what }) => what === "SEND");
    for (const part of parts) bob.answer(part, 200);
    alice.say(end("t111"));
    expect(alice.briefs()).toEqual(["t111 200"]);
  });
});

describe("chunks for a next hop with a small buffer", () => {
  const uri = "msrps://far.example.net:2855/f00;tcp";

  test.each([
    ["shorter than the limit", 9, [9]],
    ["of just the limit", 10, [10]],
    ["of one octet more", 11, [10, 1]],
    ["of just twice the limit", 20, [10, 10]],
    ["of many times the limit", 47, [10, 10, 10, 10, 7]],
  ])("hold no more than forwarding.chunkBytes: a body %s", (_, length, expected) => {
    begin({ forwarding: { chunkBytes: 10 } });
    const body = "0123456789".repeat(5).slice(0, length);
    const frame = send("t111", toBob({ body, range: `1-${length}/${length}` }));
    const check = (way: string) => {
      const chunks = bob.heard();
      expect(assemble(chunks), way).toBe(body);
      expect(
        chunks.map((chunk) => chunk.body?.length),
        way,
      ).toEqual(expected);
      const flags = [...expected.slice(1).map(() => "+"), "$"];
      expect(
        chunks.map(({ flag }) => flag),
        way,
      ).toEqual(flags);
      for (const chunk of chunks) bob.answer(chunk, 200);
      expect(alice.briefs(), way).toEqual(["t111 200"]);
    };
    alice.say(frame);
    check("whole");
    alice.sayPieces(...frame.split(""));
    check("octet by octet");
    for (let at = 1; at < frame.length; at++) {
      alice.sayPieces(frame.slice(0, at), frame.slice(at));
      check(`cut at ${at}`);
    }
    bench.expectNothingKept();
  });

  test.each([
    ["far.example.net", 4],
    ["*.example.net", 4],
    ["*", 4],
    ["*.example.org", 0],
    ["example.net", 0],
    ["*.far.example.net", 0],
  ])("hold no more than outgoing.chunkBytes says for %s", (to, bytes) => {
    begin({ outgoing: { chunkBytes: [{ to, bytes: 4 }] } });
    alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri], body: "0123456789" }));
    const far = bench.dialed("far");
    expect(far.heard().map(({ body }) => body)).toEqual(bytes === 0 ? ["0123456789"] : ["0123", "4567", "89"]);
    alice.say(send("t222", toBob({ body: "0123456789" })));
    expect(bob.heard()).toHaveLength(1);
  });

  test("take the first pattern that fits, and forwarding.chunkBytes where none does", () => {
    const chunkBytes = [
      { to: "far.example.net", bytes: 8 },
      { to: "*.example.net", bytes: 2 },
    ];
    begin({ outgoing: { chunkBytes }, forwarding: { chunkBytes: 5 } });
    const parts = (host: string) => {
      alice.say(send("t111", { to: [alice.lease, `msrps://${host}/x;tcp`], from: [alice.uri], body: "0123456789" }));
      return bench.dialed(host).heard().length;
    };
    expect(parts("far.example.net")).toBe(2);
    expect(parts("near.example.net")).toBe(5);
    expect(parts("elsewhere.example.org")).toBe(2);
  });
});

describe("our transact-id never occurs in the body (RFC 4975 §7.1)", () => {
  test("not even when the sender sees it while the chunk is being sent", () => {
    alice.say(`${beginSend("t111", toBob({ range: "1-*/*" }))}start\r\n`);
    const first = bob.hearing?.id ?? "";
    const evil = `-------${first}$\r\nMSRP evil SEND\r\n\r\n`;
    alice.say(`${evil}more${end("t111")}`);
    const chunks = bob.heard();
    expect(assemble(chunks)).toBe(`start\r\n${evil}more`);
    expect(chunks.map(({ flag }) => flag)).toEqual(["+", "$"]);
    expect(chunks[0]?.body).not.toContain(`-------${first}`);
    expect(chunks[1]?.id).not.toBe(first);
  });

  test("also when it comes octet by octet, again and again", () => {
    alice.say(`${beginSend("t111", toBob({ range: "1-*/*" }))}start`);
    let expected = "start";
    for (let round = 0; round < 5; round++) {
      const evil = `\r\n-------${bob.hearing?.id}$\r\n`;
      expected += evil;
      alice.sayPieces(...evil.split(""));
    }
    alice.say(end("t111"));
    const chunks = bob.heard();
    expect(assemble(chunks)).toBe(expected);
    for (const { id, body } of chunks) expect(body).not.toContain(`-------${id}`);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(chunks.length);
  });

  test("also when Failure-Report is no and there is no transaction", () => {
    alice.say(`${beginSend("t111", toBob({ failureReport: "no" }))}start`);
    const evil = `\r\n-------${bob.hearing?.id}$\r\n`;
    alice.say(`${evil}x${end("t111")}`);
    const chunks = bob.heard();
    expect(assemble(chunks)).toBe(`start${evil}x`);
  });
});

describe("when somebody vanishes in the middle of a chunk", () => {
  test("and it is the sender, what came is passed on and the chunk ends with +, for it may be resumed", () => {
    alice.say(`${beginSend("t111", toBob({ range: "1-*/*" }))}hello`);
    alice.end();
    expect(bob.briefs()).toEqual(["SEND 1-*/* hello+"]);
    bob.say(send("t222", between(bob, bob, { body: "still here" })));
    expect(bob.briefs()).toEqual(["SEND - still here$", "t222 200"]);
    bench.expectNothingKept();
  });

  test("and it is the sender before its first octet, nothing is passed on", () => {
    alice.say(beginSend("t111", toBob()));
    alice.end();
    expect(bob.heard()).toEqual([]);
    bench.expectNothingKept();
  });

  test("and it is the next hop before the first octet, the sender is told all the same", () => {
    alice.say(beginSend("t111", toBob()));
    bob.end();
    expect(alice.briefs()).toEqual(["t111 481"]);
    alice.say(`hello${end("t111")}`);
    expect(alice.briefs()).toEqual([]);
  });

  test("nothing of what it was sending is remembered with those it sent to", () => {
    for (let i = 0; i < 3; i++) {
      const carol = bench.connect("carol");
      carol.say(`${beginSend("t111", between(carol, bob))}hello`);
      carol.end();
      alice.say(`${beginSend("t111", toBob())}hello${end("t111", "+")}`);
    }
    for (const { feeders } of bench.relay.state.connections) expect(feeders.size).toBe(0);
  });

  test("and it is a next hop that others stream to as well, each of them is told", () => {
    const carol = bench.connect("carol");
    alice.say(`${beginSend("t111", toBob())}hello`);
    carol.say(`${beginSend("t222", between(carol, bob))}hello`);
    bob.end();
    expect(alice.briefs()).toEqual(["t111 481"]);
    expect(carol.briefs()).toEqual(["t222 481"]);
    alice.say(`rest${end("t111")}`);
    carol.say(`rest${end("t222")}`);
    expect([...alice.briefs(), ...carol.briefs()]).toEqual([]);
    bench.expectNothingKept();
  });

  test("and it is a client that was sending to itself", () => {
    alice.say(`${beginSend("t111", { to: [alice.lease, alice.uri], from: [alice.uri] })}hello`);
    alice.end();
    bench.expectNothingKept();
  });

  test("a garbled end of the sender's frames ends its chunk like its connection", () => {
    alice.say(`${beginSend("t111", toBob({ range: "1-*/*" }))}hello${end("t111", "+")}`);
    bob.heard();
    alice.say(`${beginSend("t222", toBob({ range: "6-*/*" }))}more${end("t222", "+")}garbage`);
    expect(alice.closed).toBe(true);
    expect(bob.briefs()).toEqual(["SEND 6-*/* more+"]);
  });
});

test("a client whose URI expires in the middle of a chunk may end the chunk, and no other", () => {
  begin();
  const carol = bench.client("carol", { expires: 60 });
  carol.say(`${beginSend("t111", between(carol, bob))}hello`);
  bench.advance(61_000);
  carol.say(` world${end("t111")}`);
  expect(carol.briefs()).toEqual(["t111 200"]);
  expect(assemble(bob.heard())).toBe("hello world");
  carol.say(send("t222", between(carol, bob, { body: "more" })));
  expect(carol.briefs()).toEqual(["t222 481"]);
});

test("a file of 8 MB passes without anything of it being kept", () => {
  begin();
  const piece = "0123456789abcdef".repeat(4096);
  const before = bench.relay.census;
  alice.say(beginSend("t111", toBob({ range: "1-*/*" })));
  let octets = 0;
  for (let i = 0; i < 128; i++) {
    alice.say(piece);
    octets += piece.length;
    expect(bob.backlog).toBe(0);
    expect((bob.hearing?.body ?? "").length).toBe(octets - 1);
  }
  alice.say(end("t111"));
  bob.answer(bob.only(), 200);
  expect(bench.relay.census).toEqual(before);
});
