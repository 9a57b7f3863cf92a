/** REPORTs, methods we do not know, and AUTH through us to another relay: RFC 4976 §6.3, §6.4.2, §6.4.3. */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, end, request, type Said, send } from "../../support/frames.ts";
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

  function toBob(said: Partial<Said> = {}): Said {
    return { to: [alice.lease, bob.lease, bob.uri], from: [alice.uri], ...said };
  }

  describe("a REPORT", () => {
    const headers = ["Message-ID: m111", "Byte-Range: 1-5/5", "Status: 000 200 OK"];

    test("is forwarded with its paths moved on and everything else as it was, and never answered", () => {
      alice.say(request("r111", "REPORT", toBob({ headers: ["X-A: 1", ...headers, "x-b:2"] })));
      const heard = bob.only();
      expect(heard.to).toEqual([bob.uri]);
      expect(heard.from).toEqual([bob.lease, alice.lease, alice.uri]);
      expect(heard.others).toEqual(["X-A: 1", ...headers, "x-b:2"]);
      expect(heard.id).not.toBe("r111");
      bench.advance(60_000);
      expect(alice.heard()).toEqual([]);
      expect(bench.relay.census.transactions).toBe(0);
    });

    test("is forwarded without Message-ID, Byte-Range and Status, and with a body", () => {
      alice.say(request("r111", "REPORT", toBob()));
      expect(bob.only().others).toEqual([]);
      alice.say(request("r222", "REPORT", toBob({ headers: ["Content-Type: text/plain"], body: "why\r\n" })));
      expect(bob.only().body).toBe("why\r\n");
    });

    test("may be about success although nobody asked, and may carry the SEND's own id (FreeSWITCH)", () => {
      alice.say(send("t111", { ...toBob(), body: "hello" }));
      alice.heard();
      const sent = bob.only();
      const back = { to: [bob.lease, alice.lease, alice.uri], from: [bob.uri], headers };
      bob.say(request(sent.id, "REPORT", back));
      bob.answer(sent, 200);
      expect(alice.only().others).toEqual(headers);
      bench.advance(60_000);
      expect(alice.heard()).toEqual([]);
      expect(bench.faults).toEqual([]);
    });

    test.each([
      [
        "a session we do not know",
        "SESSION_UNKNOWN",
        (to: string[]) => [to[0]?.replace(/\w{26}/, "x".repeat(26)) ?? ""],
      ],
      ["a session of others", "SESSION_FOREIGN", (to: string[]) => [to[1] ?? "", "msrps://far.example.net/f;tcp"]],
      ["a path that is none", "PATH", () => ["nonsense"]],
    ])("for %s is dropped without an answer, and counted", (_, fault, wrong) => {
      const to = wrong([alice.lease, bob.lease]);
      alice.say(request("r111", "REPORT", toBob({ to: to.length === 1 ? [...to, bob.uri] : to, headers })));
      expect([...alice.heard(), ...bob.heard()]).toEqual([]);
      expect(bench.relay.counters.faults).toEqual({ [fault]: 1 });
      expect(alice.closed).toBe(false);
    });

    test("for us alone has nowhere to go", () => {
      alice.say(request("r111", "REPORT", toBob({ to: [alice.lease], headers })));
      expect(alice.heard()).toEqual([]);
    });

    test("for a next hop that cannot be reached is dropped without a word", () => {
      alice.say(request("r111", "REPORT", toBob({ to: [alice.lease, "msrps://far.example.net/f;tcp"], headers })));
      bench.dialFailed("UNREACHABLE");
      alice.say(request("r222", "REPORT", toBob({ to: [alice.lease, "msrp://far.example.net/f;tcp"], headers })));
      expect(alice.heard()).toEqual([]);
      bench.expectNothingKept();
    });

    test("that is malformed, too long or interrupted is dropped without a word", () => {
      alice.say(request("r111", "REPORT", toBob({ headers: [...headers, ...headers] })));
      alice.say(request("r222", "REPORT", toBob({ headers: ["Content-Type: a/b"], body: "x".repeat(10_241) })));
      alice.say(request("r333", "REPORT", toBob({ headers, flag: "+" })));
      alice.say(request("r444", "REPORT", toBob({ headers, body: "x" })));
      expect([...alice.heard(), ...bob.heard()]).toEqual([]);
      expect(bench.faults).toEqual(["HEADER_REPEATED", "BODY_TOO_LONG", "NOT_INTERRUPTIBLE", "CONTENT_TYPE"]);
    });
  });

  describe("a request with a method we do not know", () => {
    test.each(["NICKNAME", "FILE_OFFSET", "X"])(
      "is forwarded, and its response comes back under its own id: %s",
      (method) => {
        const headers = ['Use-Nickname: "Al \xc3\xa9"', "X-More: 1"];
        alice.say(request("n111", method, toBob({ headers, from: [alice.uri, "msrps://deep.example.com/d;tcp"] })));
        const heard = bob.only();
        expect([heard.what, ...heard.others]).toEqual([method, ...headers]);
        expect(alice.heard()).toEqual([]);
        bob.answer(heard, "425 Nickname reserved", ["X-Back: 1"]);
        const answer = alice.only();
        expect([answer.id, answer.what, ...answer.others]).toEqual(["n111", "425", "X-Back: 1"]);
        expect(answer.to).toEqual([alice.uri, "msrps://deep.example.com/d;tcp"]);
        expect(answer.from).toEqual([alice.lease, bob.lease, bob.uri]);
        expect(alice.arrived).toContain("MSRP n111 425 Nickname reserved\r\n");
        bench.advance(60_000);
        expect(alice.heard()).toEqual([]);
      },
    );

    test("keeps its body, up to 10,240 octets", () => {
      const body = "-------n111\r\n".repeat(800).slice(0, 10_240);
      alice.say(request("n111", "NICKNAME", toBob({ headers: ["Content-Type: text/plain"], body })));
      expect(bob.only().body).toBe(body);
      alice.say(request("n222", "NICKNAME", toBob({ headers: ["Content-Type: text/plain"], body: `${body}x` })));
      expect(alice.briefs()).toEqual(["n222 400"]);
      expect(bob.heard()).toEqual([]);
    });

    test("is answered with 400 when it ends in + or #, since it cannot be interrupted (RFC 4975 §7.1)", () => {
      alice.say(request("n111", "NICKNAME", toBob({ flag: "+" })));
      alice.say(request("n222", "NICKNAME", toBob({ flag: "#" })));
      expect(alice.briefs()).toEqual(["n111 400", "n222 400"]);
      expect(bob.heard()).toEqual([]);
    });

    test("is answered along its whole path when we refuse it", () => {
      const from = [alice.uri, "msrps://deep.example.com/d;tcp"];
      alice.say(request("n111", "NICKNAME", toBob({ from, to: [bob.lease, alice.uri] })));
      const answer = alice.only();
      expect([answer.what, answer.to, answer.from]).toEqual(["481", from, [bob.lease]]);
    });

    test("for us alone is answered 501", () => {
      alice.say(request("n111", "NICKNAME", toBob({ to: [alice.lease] })));
      expect(alice.briefs()).toEqual(["n111 501"]);
    });

    test("is answered 408 when nobody answers it, and 408 when the next hop is lost or unreachable", () => {
      alice.say(request("n111", "NICKNAME", toBob()));
      bench.advance(31_000);
      expect(alice.briefs()).toEqual(["n111 408"]);
      alice.say(request("n222", "NICKNAME", toBob({ to: [alice.lease, "msrps://far.example.net/f;tcp"] })));
      bench.dialFailed("CERTIFICATE");
      expect(alice.briefs()).toEqual(["n222 408"]);
      alice.say(request("n333", "NICKNAME", toBob()));
      bob.end();
      const answer = alice.only();
      expect(answer.brief).toBe("n333 481");
      expect([answer.to, answer.from]).toEqual([[alice.uri], [alice.lease]]);
      bench.expectNothingKept();
    });

    test("is answered 408 when the next hop is lost before its end has come", () => {
      const frame = request("n111", "NICKNAME", toBob({ headers: ["Content-Type: text/plain"], body: "0123456789" }));
      const middle = frame.indexOf("56789");
      alice.say(frame.slice(0, middle));
      bob.end();
      expect(alice.heard()).toEqual([]);
      alice.say(frame.slice(middle));
      expect(alice.briefs()).toEqual(["n111 408"]);
    });

    test("times out 30 seconds after the kernel has taken it", () => {
      bob.stall();
      alice.say(request("n111", "NICKNAME", toBob()));
      bench.advance(40_000);
      bob.take();
      bench.advance(29_000);
      expect(alice.heard()).toEqual([]);
      bench.advance(2_000);
      expect(alice.briefs()).toEqual(["n111 408"]);
    });

    test("whose sender has gone gets its response nowhere", () => {
      alice.say(request("n111", "NICKNAME", toBob()));
      alice.end();
      bob.answer(bob.only(), 200);
      bench.expectNothingKept();
    });
  });

  test("unknown methods are answered 501 when the configuration blocks them, and REPORTs still pass", () => {
    bench = new RelayBench({ cut, forwarding: { unknownMethods: "refuse" } });
    alice = bench.client("alice");
    bob = bench.client("bob");
    alice.say(request("n111", "NICKNAME", toBob()));
    expect(alice.briefs()).toEqual(["n111 501"]);
    alice.say(request("r111", "REPORT", toBob()));
    expect(bob.only().what).toBe("REPORT");
  });

  describe("an AUTH with several To-Path URIs is for another relay", () => {
    const extra = "msrps://extra.example.com;tcp";

    function outer(id: string, headers: string[] = []): string {
      return request(id, "AUTH", { to: [alice.lease, extra], from: [alice.uri], headers });
    }

    test("and goes there and back like RFC 4976 §5.1 shows, challenge and Use-Path untouched", () => {
      alice.say(outer("m2nbvx"));
      const far = bench.dialed("extra");
      const first = far.only();
      expect([first.what, first.to, first.from]).toEqual(["AUTH", [extra], [alice.lease, alice.uri]]);
      const challenges = ['WWW-Authenticate: Digest realm="x", nonce="a, b"', 'WWW-Authenticate: Digest realm="y"'];
      far.answer(first, "401 Unauthorized", challenges);
      const back = alice.only();
      expect([back.id, back.what, back.to, back.from]).toEqual(["m2nbvx", "401", [alice.uri], [alice.lease, extra]]);
      expect(back.others).toEqual(challenges);
      alice.say(outer("m3nbvx", ['Authorization: Digest username="Alice"']));
      far.answer(far.only(), 200, [`Use-Path: ${alice.lease} msrps://extra.example.com:9000/m;tcp`, "Expires: 1800"]);
      expect(alice.only().others).toEqual([
        `Use-Path: ${alice.lease} msrps://extra.example.com:9000/m;tcp`,
        "Expires: 1800",
      ]);
    });

    test("and is nobody's to send but the client that holds the URI", () => {
      const carol = bench.connect("carol");
      carol.say(request("m111", "AUTH", { to: [alice.lease, extra], from: [carol.uri] }));
      expect(carol.briefs()).toEqual(["m111 481"]);
      expect(bench.dials).toEqual([]);
    });

    test("and too many that fail there end the client's connection (§6.3), challenges and stale nonces not counted", () => {
      alice.say(outer("m100"));
      const far = bench.dialed("extra");
      far.answer(far.only(), 401);
      for (let i = 0; i < 5; i++) {
        alice.say(outer(`m20${i}`, ["Authorization: Digest x"]));
        far.answer(far.only(), 401, ['WWW-Authenticate: Digest realm="x", stale=TRUE']);
      }
      expect(alice.heard()).toHaveLength(6);
      for (let i = 0; i < 3; i++) {
        expect(alice.closed).toBe(false);
        alice.say(outer(`m30${i}`, ["Authorization: Digest x"]));
        far.answer(far.only(), 401, ['WWW-Authenticate: Digest realm="x"']);
        expect(alice.heard().at(-1)?.brief).toBe(`m30${i} 401`);
      }
      expect(alice.closed).toBe(true);
      expect(bench.last("connectionClosed")?.why).toBe("AUTH_TOO_MANY_FAILURES");
      expect(far.closed).toBe(false);
    });
  });

  describe("an open chunk", () => {
    test("does not delay a REPORT that its own sender cannot send meanwhile", () => {
      alice.say(`${beginSend("t111", between(alice, bob))}hello`);
      bob.say(request("r111", "REPORT", { to: [bob.lease, alice.lease, alice.uri], from: [bob.uri] }));
      expect(alice.only().what).toBe("REPORT");
      alice.say(end("t111"));
      expect(alice.briefs()).toEqual(["t111 200"]);
    });
  });
});
