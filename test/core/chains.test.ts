/** Chains of relays, as one relay in them sees it: RFC 4976 §5.1, §6.3, §6.4.2–3, §8. */
import { beforeEach, describe, expect, test } from "vitest";
import { request, send } from "../support/frames.ts";
import { authUri, type BenchPeer, type Heard, relayHost } from "../support/relay-bench.ts";
import { authThrough, ChainBench, leaseOf, ours } from "./chain-bench.ts";

let bench: ChainBench;
beforeEach(() => {
  bench = new ChainBench();
});

describe("an AUTH through us to another relay (§5.1)", () => {
  const extra = "msrps://extra.example.net;tcp";
  let alice: BenchPeer;
  beforeEach(() => {
    alice = bench.client("alice");
  });

  function asks(id: string, headers: string[] = [], from = [alice.uri]): void {
    alice.say(request(id, "AUTH", { to: [alice.lease, extra], from, headers }));
  }

  /** What arrived, octet for octet, with the ids by their names. */
  function octetsAt(peer: BenchPeer, ...ids: [id: string, name: string][]): string {
    let text = peer.arrived;
    peer.arrived = "";
    for (const [id, name] of ids) text = text.replaceAll(id, name);
    return text;
  }

  test("goes on with our URI moved, and its answers come back the way it went, octet for octet", () => {
    alice.arrived = "";
    asks("mnbvw");
    expect(bench.dials.map(({ hop }) => hop)).toEqual([{ secure: true, host: "extra.example.net", port: 0 }]);
    const far = bench.relayDialed("extra");
    const first = far.only();
    expect(first.id).not.toBe("mnbvw");
    expect(octetsAt(far, [first.id, "m2nbvw"])).toBe(
      "MSRP m2nbvw AUTH\r\n" +
        `To-Path: ${extra}\r\n` +
        `From-Path: ${alice.lease} ${alice.uri}\r\n` +
        "-------m2nbvw$\r\n",
    );
    const challenge =
      'WWW-Authenticate: Digest realm="extra.example.com", qop="auth", nonce="Uumu8cAV38FGsEF31VLevIbNXj9HWO"';
    far.say(
      `MSRP ${first.id} 401 Unauthorized\r\n` +
        `To-Path: ${alice.lease} ${alice.uri}\r\n` +
        `From-Path: ${extra}\r\n` +
        `${challenge}\r\n` +
        `-------${first.id}$\r\n`,
    );
    expect(octetsAt(alice)).toBe(
      "MSRP mnbvw 401 Unauthorized\r\n" +
        `To-Path: ${alice.uri}\r\n` +
        `From-Path: ${alice.lease} ${extra}\r\n` +
        `${challenge}\r\n` +
        "-------mnbvw$\r\n",
    );

    const authorization =
      'Authorization: Digest username="Alice", realm="extra.example.com", nonce="Uumu8cAV38FGsEF31VLevIbNXj9HWO", ' +
      'qop=auth, nc=00000001, cnonce="85a0dca8", response="cb06c4a77cd90918cd7914432032e0e6"';
    asks("m3nbvx", [authorization]);
    const second = far.only();
    expect(octetsAt(far, [second.id, "m4nbvx"])).toBe(
      "MSRP m4nbvx AUTH\r\n" +
        `To-Path: ${extra}\r\n` +
        `From-Path: ${alice.lease} ${alice.uri}\r\n` +
        `${authorization}\r\n` +
        "-------m4nbvx$\r\n",
    );
    const granted =
      `Use-Path: ${alice.lease} msrps://extra.example.net:9000/mywdEe1233;tcp\r\n` +
      'Authentication-Info: nextnonce="bz8V080GEA2sLyEDpITF2AZCq7gIkc", rspauth="72f109ed2755d7ed0d0a213ec653b3f2", ' +
      'cnonce="85a0dca8", nc=00000001, qop=auth\r\n' +
      "Expires: 1800\r\n";
    far.say(
      `MSRP ${second.id} 200 OK\r\n` +
        `To-Path: ${alice.lease} ${alice.uri}\r\n` +
        `From-Path: ${extra}\r\n${granted}-------${second.id}$\r\n`,
    );
    expect(octetsAt(alice)).toBe(
      "MSRP m3nbvx 200 OK\r\n" +
        `To-Path: ${alice.uri}\r\n` +
        `From-Path: ${alice.lease} ${extra}\r\n${granted}-------m3nbvx$\r\n`,
    );
    bench.expectNothingKept();
  });

  test("shares one connection with what goes to the port its Use-Path names (§8)", () => {
    asks("ask1");
    const far = bench.relayDialed("extra");
    const given = leaseOf("extra", "given", 9000);
    far.answer(far.only(), "200 OK", [`Use-Path: ${alice.lease} ${given}`]);
    alice.say(send("t111", { to: [alice.lease, given, "msrps://bob.invalid:1/b;tcp"], from: [alice.uri], body: "hi" }));
    expect(bench.dials).toEqual([]);
    expect(far.only().body).toBe("hi");
    asks("ask2");
    expect(far.only().what).toBe("AUTH");
  });

  test("shares it too when the farm's name leads to a member whose name its certificate has as well", () => {
    asks("ask1");
    const far = bench.relayDialed("extra");
    Object.assign(far.peer, { names: ["extra.example.net", "server1.extra.example.net"] });
    const given = "msrps://server1.extra.example.net:9000/given;tcp";
    far.answer(far.only(), "200 OK", [`Use-Path: ${alice.lease} ${given}`]);
    alice.say(send("t111", { to: [alice.lease, given, "msrps://bob.invalid:1/b;tcp"], from: [alice.uri], body: "hi" }));
    expect(bench.dials).toEqual([]);
    expect(far.only().body).toBe("hi");
  });

  test("is not sent to a host that an answer names and its certificate does not", () => {
    asks("ask1");
    const far = bench.relayDialed("extra");
    const victim = "msrps://victim.example.net:9000/given;tcp";
    far.answer(far.only(), "200 OK", [`Use-Path: ${alice.lease} ${victim}`]);
    alice.say(
      send("t111", { to: [alice.lease, victim, "msrps://bob.invalid:1/b;tcp"], from: [alice.uri], body: "hi" }),
    );
    expect(far.heard()).toEqual([]);
    expect(bench.dials.map(({ hop }) => hop.host)).toEqual(["victim.example.net"]);
  });

  test.each<[string, (far: () => BenchPeer) => unknown, string]>([
    ["is nowhere", () => bench.dialFailed("UNRESOLVED"), "408"],
    ["is not allowed", () => bench.dialFailed("POLICY"), "403"],
    ["has gone before it answers", (far) => far().end(), "408"],
    ["does not answer in 30 s", (far) => [far(), bench.advance(31_000)], "408"],
  ])("is answered for a relay that %s", (_, happens, status) => {
    asks("ask1");
    happens(() => bench.relayDialed("extra"));
    const answer = alice.only();
    expect([answer.id, answer.what, answer.to, answer.from]).toEqual(["ask1", status, [alice.uri], [alice.lease]]);
    bench.expectNothingKept();
  });

  test("needs a URI of ours first (§6.4), and none of somebody else", () => {
    const mallory = bench.connect("mallory");
    mallory.say(request("ask1", "AUTH", { to: [alice.lease, extra], from: [mallory.uri] }));
    expect(mallory.briefs()).toEqual(["ask1 481"]);
    mallory.say(request("ask2", "AUTH", { to: [`msrps://${relayHost}:2855;tcp`, extra], from: [mallory.uri] }));
    expect(mallory.briefs()).toEqual(["ask2 481"]);
    expect(bench.dials).toEqual([]);
  });

  describe("that fails there (§6.3)", () => {
    const proof = 'Authorization: Digest username="alice", realm="x", nonce="y", response="z"';
    const challenge = 'WWW-Authenticate: Digest realm="x", nonce="y", qop="auth"';

    /** So many AUTHs with these headers, answered by the other relay with these. */
    function fails(times: number, headers: string[], answer: string, ...more: string[]): void {
      for (let i = 0; i < times && !alice.closed; i++) {
        asks(`ask${i}`, headers);
        const far = bench.peers.find(({ name }) => name === "extra") ?? bench.relayDialed("extra");
        far.answer(far.heard().at(-1) as Heard, answer, more);
      }
    }

    test("counts against the client: the third ends its connection", () => {
      fails(2, [proof], "401 Unauthorized", challenge);
      expect(alice.closed).toBe(false);
      fails(1, [proof], "401 Unauthorized", challenge);
      expect(alice.closed).toBe(true);
      // It has still been told why.
      expect(alice.heard().map(({ what }) => what)).toEqual(["401", "401", "401"]);
      expect(bench.faults).toContain("AUTH_TOO_MANY_FAILURES");
    });

    test("counts together with those that fail here", () => {
      fails(2, [proof], "401 Unauthorized", challenge);
      alice.heard();
      expect(alice.authenticate({ password: "wrong" })).toBe("");
      expect(alice.closed).toBe(true);
    });

    test("counts on when an AUTH here succeeds in between, and anew when one there does", () => {
      fails(2, [proof], "401 Unauthorized", challenge);
      alice.heard();
      expect(alice.authenticate()).not.toBe("");
      fails(1, [proof], "200 OK", `Use-Path: ${leaseOf("extra", "x")}`);
      fails(2, [proof], "401 Unauthorized", challenge);
      alice.heard();
      expect(alice.authenticate()).not.toBe("");
      expect(alice.closed).toBe(false);
      fails(1, [proof], "401 Unauthorized", challenge);
      expect(alice.closed).toBe(true);
    });

    test.each<[string, string[], string, string[]]>([
      ["an AUTH without credentials", [], "401 Unauthorized", [challenge]],
      ["a stale nonce", [proof], "401 Unauthorized", [`${challenge}, stale=TRUE`]],
      ["a stale nonce, in quotes", [proof], "401 Unauthorized", [`${challenge}, stale="true"`]],
      ["another Expires", [proof], "423 Interval Out-of-Bounds", ["Max-Expires: 60"]],
      ["a refusal that is not about the password", [proof], "403 Forbidden", []],
      ["success", [proof], "200 OK", [`Use-Path: ${leaseOf("extra", "x")}`]],
    ])("does not count for %s", (_, headers, status, more) => {
      fails(8, headers, status, ...more);
      expect(alice.closed).toBe(false);
    });

    test("does not count for the clients of a relay before us: that one we keep", () => {
      const inner = bench.relayConnects("inner");
      const from = [leaseOf("inner", "c1"), "msrps://carol.invalid:1/c;tcp"];
      const lease = ours(authThrough(inner, from));
      for (let i = 0; i < 8; i++) {
        inner.say(request(`ask${i}`, "AUTH", { to: [lease, extra], from, headers: [proof] }));
        const far = bench.peers.find(({ name }) => name === "extra") ?? bench.relayDialed("extra");
        far.answer(far.only(), "401 Unauthorized", [challenge]);
        const answer = inner.only();
        expect([answer.id, answer.what, answer.to, answer.from]).toEqual([`ask${i}`, "401", from, [lease, extra]]);
      }
      expect(inner.closed).toBe(false);
    });
  });
});

describe("as the last relay of a chain (§5.1, §6.3)", () => {
  const client = "msrps://carol.invalid:9892/c1;tcp";
  const [r1, r2, r3] = [leaseOf("r1", "one"), leaseOf("r2", "two"), leaseOf("r3", "three")] as [string, string, string];

  test.each<[string, string, string[]]>([
    ["one", "r1", [r1]],
    ["two", "r2", [r2, r1]],
    ["three", "r3", [r3, r2, r1]],
  ])("Use-Path has the %s before us in the order of a To-Path, and us", (_, last, relays) => {
    const relay = bench.relayConnects(last);
    const answer = authThrough(relay, [...relays, client]);
    expect(answer.what).toBe("200");
    const usePath = answer.header("Use-Path")?.split(" ") ?? [];
    expect(usePath.slice(0, -1)).toEqual(relays.toReversed());
    expect(usePath.at(-1)).toMatch(/^msrps:\/\/relay\.example\.com:2855\/[a-z2-7]{26};tcp$/);
    expect([answer.header("Expires"), answer.from]).toEqual(["100", [authUri]]);

    // What the peer of that client writes, from its `a=path`: us first, then back along the chain.
    const dave = bench.connect("dave");
    dave.say(send("t111", { to: [ours(answer), ...relays, client], from: [dave.uri], body: "hi" }));
    expect(dave.briefs()).toEqual(["t111 200"]);
    const sent = relay.only();
    expect([sent.to, sent.from]).toEqual([
      [...relays, client],
      [ours(answer), dave.uri],
    ]);
    relay.answer(sent, "200 OK");
    // And what it answers.
    relay.say(send("t222", { to: [ours(answer), dave.uri], from: [...relays, client], body: "yes?" }));
    expect(relay.briefs()).toEqual(["t222 200"]);
    const replied = dave.only();
    expect(replied.from).toEqual([ours(answer), ...relays, client]);
    dave.answer(replied, "200 OK");
    expect(bench.dials).toEqual([]);
    bench.expectNothingKept();
  });

  test("a client without a relay is given our URI alone", () => {
    const carol = bench.connect("carol");
    expect(carol.authenticate()).toMatch(/^msrps:\S+$/);
  });

  test("a path of many relays is challenged and answered whole; one that is too long is refused", () => {
    const relay = bench.relayConnects("r1");
    const chain = Array.from({ length: 30 }, (_, i) => leaseOf("r1", `s${i}`));
    const answer = authThrough(relay, [...chain, client]);
    expect(answer.header("Use-Path")?.split(" ")).toHaveLength(31);
    relay.say(request("ask9", "AUTH", { to: [authUri], from: [...chain, r1, r2, client] }));
    expect(relay.briefs()).toEqual(["ask9 400"]);
  });
});
