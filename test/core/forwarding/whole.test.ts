/** What the next hop gets of a SEND and what the previous hop gets back: RFC 4976 §6.4.1, RFC 4975 §7.1 and §7.2. */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, end, request, type SendSaid, send } from "../../support/frames.ts";
import { between, type BenchPeer, cuts, RelayBench } from "../../support/relay-bench.ts";

describe.each(cuts)("%s", (cut) => {
  let bench: RelayBench;
  let alice: BenchPeer;
  let bob: BenchPeer;
  beforeEach(() => {
    bench = new RelayBench({ cut });
    alice = bench.client("alice");
    bob = bench.client("bob");
  });

  function toBob(said: Partial<SendSaid> = {}): SendSaid {
    return between(alice, bob, said);
  }

  describe("a forwarded SEND", () => {
    test("has our URIs moved from the front of To-Path to the front of From-Path, octet for octet", () => {
      const own = alice.lease.replace("msrps", "MSRPS").replace("relay.", "user@RELAY.");
      const towards = `${bob.lease};x=Y`;
      const to = [own, towards, `${bob.uri};last`, "msrp://[2001:DB8::A%251]:7/Beyond;ws"];
      const from = [alice.uri, "MSRP://Hidden.Example.COM./h;TCP;q"];
      alice.say(send("t111", { to, from, body: "hello" }));
      const heard = bob.only();
      expect(heard.header("To-Path")).toBe(to.slice(2).join(" "));
      expect(heard.header("From-Path")).toBe([towards, own, ...from].join(" "));
    });

    test("has the paths first, then every other line as it was, in its order", () => {
      const lines = [
        "message-id:m111",
        "X-Odd : value",
        "byte-range:   1-5/5",
        "X-Same: 1",
        "x-same: 2",
        'Content-Disposition: attachment; filename="a: b"',
        "Success-Report: YES",
        "X-Caf\xe9: \xff",
        "X-Empty:",
        "CONTENT-TYPE: text/plain;charset=utf-8  ",
      ].filter((line) => !/^X-Odd|^X-Caf/.test(line));
      const text =
        `MSRP t111 SEND\r\n${lines[0]}\r\nFrom-Path: ${alice.uri}\r\n${lines[1]}\r\n` +
        `To-Path: ${alice.lease} ${bob.lease} ${bob.uri}\r\n${lines
          .slice(2)
          .map((line) => `${line}\r\n`)
          .join("")}\r\nhello\r\n-------t111$\r\n`;
      alice.say(text);
      const heard = bob.only();
      expect(heard.lines.slice(0, 2).map((line) => line.split(":")[0])).toEqual(["To-Path", "From-Path"]);
      // A body that comes in pieces has no known end when its head is written.
      const range = cut === "whole" ? "byte-range:   1-5/5" : "Byte-Range: 1-*/5";
      expect(heard.others).toEqual(lines.map((line) => (line.startsWith("byte-range") ? range : line)));
      expect(heard.body).toBe("hello");
    });

    test("has an id of ours: long, new each time, and not to be guessed from others", () => {
      const ids = new Set<string>();
      for (let i = 0; i < 50; i++) {
        alice.say(send("t111", toBob({ failureReport: i % 2 === 0 ? "no" : "yes" })));
        const heard = bob.only();
        expect(heard.id).toMatch(/^[a-z2-7]{17}$/);
        ids.add(heard.id.slice(4));
        bob.answer(heard, 200);
      }
      // 13 letters of 5 bits: 65 bits of randomness.
      expect(ids.size).toBe(50);
    });

    test.each([
      ["4 octets", "t111"],
      ["32 octets", "t".repeat(32)],
      ["every octet an ident may have", "1.-+%=aZ"],
    ])("is answered under the id it came with: %s", (_, id) => {
      alice.say(send(id, toBob({ body: "hello" })));
      expect(alice.briefs()).toEqual([`${id} 200`]);
    });

    test("keeps apart equal ids on different connections, and in either direction of one", () => {
      const carol = bench.connect("carol");
      alice.say(send("same", toBob({ messageId: "one" })));
      carol.say(send("same", between(carol, bob, { messageId: "two" })));
      bob.say(send("same", between(bob, alice, { messageId: "three" })));
      const [one, two] = bob.heard();
      const three = alice.heard()[1];
      expect(bob.heard()).toEqual([]);
      bob.answer(two as never, 415);
      expect(carol.briefs()).toEqual(["same 200", "REPORT two 1-0/0 415"]);
      bob.answer(one as never, 413);
      expect(alice.briefs()).toEqual(["REPORT one 1-0/0 413"]);
      alice.answer(three as never, 481);
      expect(bob.briefs()).toEqual(["REPORT three 1-0/0 481"]);
    });

    test("is not bound to a Message-ID, nor to the order of chunks: repeated and out of order, they pass", () => {
      for (const range of ["6-10/15", "1-5/15", "6-10/15", "11-15/15"]) {
        alice.say(send("t111", toBob({ range, body: "01234", flag: "+" })));
      }
      expect(bob.heard().map((heard) => heard.header("Byte-Range")?.split("-")[0])).toEqual(["6", "1", "6", "11"]);
    });
  });

  describe("the response", () => {
    test("goes to the previous hop alone, from our first URI, however long the paths", () => {
      const hidden = "msrps://behind.example.com:1/b;tcp";
      alice.say(send("t111", toBob({ from: [alice.uri, hidden], body: "hello" })));
      const answer = alice.only();
      expect(answer.to).toEqual([alice.uri]);
      expect(answer.from).toEqual([alice.lease]);
      expect(answer.others).toEqual([]);
    });

    test("to a message is 200 for yes and none for partial and no", () => {
      for (const failureReport of [undefined, "yes", "partial", "no"]) {
        alice.say(send("t111", toBob({ failureReport, body: "hello" })));
        expect(alice.briefs()).toEqual(failureReport === "no" || failureReport === "partial" ? [] : ["t111 200"]);
        expect(bob.heard()).toHaveLength(1);
      }
    });

    test("to a refused message is the same error for yes and partial, and none for no", () => {
      for (const failureReport of [undefined, "yes", "partial", "no"]) {
        const to = [alice.lease, bob.lease.replace(/\w{26}/, "b".repeat(26)), bob.uri];
        alice.say(send("t111", toBob({ to, failureReport, body: "hello" })));
        expect(alice.briefs()).toEqual(failureReport === "no" ? [] : ["t111 481"]);
      }
    });

    test("comes when the end-line has been read, and the error before it", () => {
      alice.say(`${beginSend("t111", toBob())}hello`);
      expect(alice.briefs()).toEqual([]);
      alice.say(end("t111"));
      expect(alice.briefs()).toEqual(["t111 200"]);
      alice.say(`${beginSend("t222", toBob({ to: [bob.lease, alice.uri] }))}hello`);
      expect(alice.briefs()).toEqual(["t222 481"]);
      alice.say(`hello${end("t222")}`);
      expect(alice.briefs()).toEqual([]);
    });

    test.each([
      ["our URI alone, which is a keepalive", "200", {}],
      ["our URI alone, and a body", "200", { body: "hello" }],
      ["our URI alone, partial", undefined, { failureReport: "partial" }],
      ["our URI alone, no", undefined, { failureReport: "no" }],
      ["our URI twice and nothing else", "200", { twice: true }],
    ])(
      "comes for %s, and nothing is forwarded",
      (_, status, { twice, ...said }: Partial<SendSaid> & { twice?: boolean }) => {
        const to = twice === true ? [alice.lease, alice.lease] : [alice.lease];
        alice.say(send("t111", { to, from: [alice.uri], ...said }));
        expect(alice.briefs()).toEqual(status === undefined ? [] : [`t111 ${status}`]);
        expect(bench.dials).toEqual([]);
        expect(bench.relay.census.transactions).toBe(0);
      },
    );
  });

  describe("a SEND that is malformed but readable is answered 400 and the connection goes on", () => {
    const refused: [string, string, Partial<SendSaid>, string[]?][] = [
      ["without Message-ID", "MESSAGE_ID", {}, []],
      ["with an empty Message-ID", "MESSAGE_ID", {}, ["Message-ID:"]],
      ["with a Message-ID of 257 octets", "MESSAGE_ID", { messageId: "m".repeat(257) }],
      ["with a Byte-Range of letters", "BYTE_RANGE", { range: "a-b/c" }],
      ["with a Byte-Range without total", "BYTE_RANGE", { range: "1-5" }],
      ["with a Byte-Range that begins at 0", "BYTE_RANGE", { range: "0-4/5", body: "hello" }],
      ["with an unknown Failure-Report", "REPORT_FIELD", { failureReport: "maybe" }],
      ["with an unknown Success-Report", "REPORT_FIELD", { headers: ["Success-Report: partial"] }],
      ["with two Message-IDs", "HEADER_REPEATED", { headers: ["Message-ID: m222"] }],
      ["with a control character", "HEADER_VALUE", { headers: ["X-Odd: \x07"] }],
      ["with 65 header lines", "TOO_MANY_HEADERS", { headers: Array(63).fill("X-More: 1") }],
      ["with a To-Path that is none", "PATH", { to: ["http://relay.example.com/"] }],
      ["with a From-Path that is none", "PATH", { from: ["alice"] }],
      ["with two spaces in a path", "PATH", { from: ["msrps://alice.invalid:9/a;tcp", "", "msrps://b;tcp"] }],
    ];

    test.each(refused)("%s", (_, fault, said, headers) => {
      const text =
        headers === undefined ? send("t111", toBob(said)) : request("t111", "SEND", { ...toBob(said), headers });
      alice.say(text);
      expect(alice.briefs()).toEqual(["t111 400"]);
      expect(bench.faults).toEqual([fault]);
      alice.say(send("t222", toBob({ body: "good" })));
      expect(alice.briefs()).toEqual(["t222 200"]);
      expect(bob.only().body).toBe("good");
      alice.say(text.replace("Message-ID", "Failure-Report: no\r\nMessage-ID"));
      if (fault !== "REPORT_FIELD" && fault !== "HEADER_REPEATED" && headers === undefined) {
        expect(alice.briefs()).toEqual([]);
      }
    });

    test("and a body without Content-Type", () => {
      alice.say(request("t111", "SEND", { ...toBob(), headers: ["Message-ID: m111"], body: "hello" }));
      expect(alice.briefs()).toEqual(["t111 400"]);
      expect(bench.faults).toEqual(["CONTENT_TYPE"]);
    });

    test("and without paths it cannot be answered at all", () => {
      alice.say("MSRP t111 SEND\r\nMessage-ID: m111\r\n-------t111$\r\n");
      expect(alice.briefs()).toEqual([]);
      expect(bench.faults).toEqual(["PATH"]);
      expect(alice.closed).toBe(false);
    });

    // The first is what relay-fuzz found, with the seed 1661374751.
    test.each([
      ["before the To-Path", "To-Path: ", "To-Path:\0"],
      ["at the end of the previous hop's URI", "alice1;tcp", "alice1;tcp\x7f"],
      ["that some take for a line end", "alice1;tcp", "alice1;tcp\nUse-Path: msrps://evil.invalid;tcp"],
    ])("nor with a control character %s, which a response would have to quote", (_, text, odd) => {
      alice.say(send("t111", toBob()).replace(text, odd));
      expect(alice.briefs()).toEqual([]);
      expect(bob.briefs()).toEqual([]);
      expect(bench.faults).toEqual(["HEADER_VALUE"]);
      expect(alice.closed).toBe(false);
    });
  });
});

describe("the Byte-Range of a SEND that came whole", () => {
  const ranges: [string, string | undefined, string | undefined, string | undefined][] = [
    ["stays absent", undefined, "hello", undefined],
    ["stays when it is right", "1-5/5", "hello", "1-5/5"],
    ["stays when its end is a star", "1-*/5", "hello", "1-*/5"],
    ["stays when all is stars", "101-*/*", "hello", "101-*/*"],
    ["is corrected when more was promised", "1-900/900", "hello", "1-5/900"],
    ["is corrected when less was promised", "11-12/900", "hello", "11-15/900"],
    ["is corrected with the star of its total", "1-9/*", "hello", "1-5/*"],
    ["of an empty SEND stays as it is", "1-0/0", undefined, "1-0/0"],
    ["of an empty SEND stays, also as FreeSWITCH writes it", "0-0/0", "", "0-0/0"],
  ];

  test.each(ranges)("%s: %s", (_, range, body, expected) => {
    const bench = new RelayBench();
    const alice = bench.client("alice");
    const bob = bench.client("bob");
    alice.say(send("t111", between(alice, bob, { range, body, flag: "+" })));
    const heard = bob.only();
    expect(heard.header("Byte-Range")).toBe(expected);
    expect([heard.body, heard.flag]).toEqual([body, "+"]);
  });
});

test("a body that holds the id we would have chosen goes out under another", () => {
  const bench = new RelayBench();
  const alice = bench.client("alice");
  const bob = bench.client("bob");
  // With these dice every octet is 0: the first id is all "a", and so would be the next, did the dice not change.
  let zeroes = true;
  const dice = bench.fillRandom.bind(bench);
  bench.fillRandom = (target) => {
    if (zeroes) target.fill(0);
    else dice(target);
  };
  for (const failureReport of ["yes", "no"]) {
    zeroes = true;
    // Use up the pool of a kilobyte.
    for (let i = 0; i < 200; i++) alice.say(send("t000", between(alice, bob, { failureReport: "no" })));
    bob.heard();
    zeroes = false;
    const body = `\r\n-------${"a".repeat(17)}$\r\n`;
    alice.say(send("t111", between(alice, bob, { body, failureReport })));
    const heard = bob.only();
    expect(heard.body).toBe(body);
    expect(heard.id).not.toBe("a".repeat(17));
  }
});

test("SENDs of several sessions in turn, with ids of any length, go out and are answered each as its own", () => {
  const bench = new RelayBench();
  const [alice, bob, carol] = [bench.client("alice"), bench.client("bob"), bench.client("carol")];
  const ids = ["t000", `t${"1".repeat(31)}`, "t22", "t3-3", "t4444444"].map((id) => id.padEnd(4, "x"));
  const says = (body: string) =>
    ids.map((id) => send(id, between(alice, id < "t2" ? bob : carol, { body: body + id })));
  for (const body of ["first ", "second ", "x".repeat(5000)]) {
    // In one read, so that nothing but the frames themselves lies between them.
    alice.sayPieces(says(body).join(""));
    expect(alice.briefs()).toEqual(ids.map((id) => `${id} 200`));
    for (const peer of [bob, carol]) {
      const own = ids.filter((id) => id < "t2" === (peer === bob));
      const heard = peer.heard();
      expect(heard.map((frame) => frame.body)).toEqual(own.map((id) => body + id));
      expect(heard.map((frame) => frame.to)).toEqual(own.map(() => [peer.uri]));
      expect(heard.map((frame) => frame.from)).toEqual(own.map(() => [peer.lease, alice.lease, alice.uri]));
      for (const frame of heard) peer.answer(frame, 200);
    }
  }
  expect(bench.faults).toEqual([]);
});

describe("a SEND like the last one", () => {
  const said = { body: "hello", range: "1-5/5", messageId: "m222" };
  test.each<[string, string, Partial<SendSaid>]>([
    ["whose Byte-Range is none", "BYTE_RANGE", { range: "a-b/c" }],
    ["whose Byte-Range begins at 0", "BYTE_RANGE", { range: "0-4/5" }],
    ["whose Message-ID is too long", "MESSAGE_ID", { messageId: "m".repeat(257) }],
  ])("%s is refused, and the next one is not", (_, fault, wrong) => {
    const bench = new RelayBench();
    const [alice, bob] = [bench.client("alice"), bench.client("bob")];
    const says = (id: string, more: Partial<SendSaid>) => send(id, between(alice, bob, { ...said, ...more }));
    alice.sayPieces(says("t111", {}) + says("t222", wrong) + says("t333", {}));
    expect(alice.briefs()).toEqual(["t111 200", "t222 400", "t333 200"]);
    expect(bob.briefs()).toEqual(["SEND 1-5/5 hello$", "SEND 1-5/5 hello$"]);
    expect(bench.faults).toEqual([fault]);
  });

  test("is reported by its own Message-ID, whichever its transaction served before", () => {
    const bench = new RelayBench();
    const [alice, bob] = [bench.client("alice"), bench.client("bob")];
    for (const messageId of ["m1", "m2", "m1000", "m3"]) {
      alice.say(send("t111", between(alice, bob, { ...said, messageId })));
      expect(alice.briefs()).toEqual(["t111 200"]);
      bob.answer(bob.only(), 413);
      expect(alice.briefs()).toEqual([`REPORT ${messageId} 1-5/5 413`]);
    }
  });
});
