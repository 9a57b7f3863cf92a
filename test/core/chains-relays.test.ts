/** Who is a relay, and what a URI that we gave through one is worth: RFC 4976 §6.1, §6.3, §9.2. */
import { beforeEach, describe, expect, test } from "vitest";
import { request, send } from "../support/frames.ts";
import { authUri, type BenchPeer, between } from "../support/relay-bench.ts";
import { authThrough, ChainBench, challengeThrough, leaseOf, ours } from "./chain-bench.ts";

const carol = "msrps://carol.invalid:9892/c1;tcp";
const inner = leaseOf("inner", "c1");

let bench: ChainBench;
let dave: BenchPeer;
beforeEach(() => {
  bench = new ChainBench();
  dave = bench.connect("dave");
});

/** Dave, a stranger, sends to whom we gave this URI to. */
function daveSends(lease: string, id = "t111"): string[] {
  dave.say(send(id, { to: [lease, inner, carol], from: [dave.uri], body: id }));
  const briefs = dave.briefs();
  return briefs;
}

describe("the previous hop is a relay when its certificate names its host and relays.names lists that", () => {
  test.each<[string, boolean, { names: string[]; listed?: string[]; host?: string; listener?: string }]>([
    ["both do", true, { names: ["inner.example.net"] }],
    ["both do, in capitals", true, { names: ["INNER.Example.Net"], host: "Inner.EXAMPLE.net" }],
    ["one of its names does", true, { names: ["www.example.org", "inner.example.net"] }],
    ["a wildcard of one label does", true, { names: ["*.example.net"] }],
    ["relays.names lists it by itself", true, { names: ["inner.example.net"], listed: ["inner.example.net"] }],
    ["it has no certificate", false, { names: [] }],
    ["the certificate is for another host", false, { names: ["outer.example.net"] }],
    ["the certificate is for its parent", false, { names: ["example.net"] }],
    ["a wildcard would have to stand for two labels", false, { names: ["*.example.net"], host: "a.b.example.net" }],
    ["a wildcard would have to stand for none", false, { names: ["*.example.net"], host: "example.net" }],
    ["a wildcard stands alone", false, { names: ["*"] }],
    ["the host only ends like the certificate's name", false, { names: ["example.net"], host: "badexample.net" }],
    ["nobody is listed", false, { names: ["inner.example.net"], listed: [] }],
    ["another is listed", false, { names: ["inner.example.net"], listed: ["outer.example.net"] }],
    [
      "another that ends alike is listed",
      false,
      { names: ["x.example.net"], listed: ["example.net"], host: "x.example.net" },
    ],
    ["the list's wildcard has two labels to stand for", false, { names: ["a.b.example.net"], host: "a.b.example.net" }],
    [
      "it is listed, and its certificate has another listed name",
      false,
      { names: ["outer.example.net"], listed: ["inner.example.net", "outer.example.net"] },
    ],
    ["it comes without TLS", false, { names: ["inner.example.net"], listener: "lab" }],
  ])("%s: %s", (_, expected, { names, listed = ["*.example.net"], host = "inner.example.net", listener }) => {
    bench = new ChainBench(listed);
    dave = bench.connect("dave");
    const peer = bench.certified("peer", names, listener);
    const previous = `msrps://${host}:2855/c1;tcp`;
    const answer = authThrough(peer, [previous, carol]);
    // A client gets its URI as well (it may say of itself what it likes), but for this connection alone.
    expect(answer.what).toBe("200");
    peer.end();
    dave.say(send("t111", { to: [ours(answer), previous, carol], from: [dave.uri], failureReport: "partial" }));
    expect(dave.briefs()).toEqual(expected ? [] : ["t111 481"]);
    expect(bench.dials.map(({ hop }) => hop.host)).toEqual(expected ? [host.toLowerCase()] : []);
  });

  test("without a certificate it is a client that names its relays itself: bound to its connection", () => {
    const peer = bench.connect("peer");
    const lease = ours(authThrough(peer, [inner, carol]));
    expect(daveSends(lease)).toEqual(["t111 200"]);
    const sent = peer.only();
    expect(sent.to).toEqual([inner, carol]);
    peer.answer(sent, "200 OK");
    // Nobody else may send by it, whatever the From-Path says.
    const other = bench.connect("other");
    other.say(send("t222", { to: [lease, dave.uri], from: [inner, carol], body: "mine?" }));
    expect(other.briefs()).toEqual(["t222 481"]);
    peer.end();
    expect(daveSends(lease, "t333")).toEqual(["t333 481"]);
    expect(bench.dials).toEqual([]);
  });
});

describe("a URI given through a relay", () => {
  let relay: BenchPeer;
  let lease: string;
  beforeEach(() => {
    relay = bench.relayConnects("inner");
    lease = ours(authThrough(relay, [inner, carol]));
  });

  function carolSends(over: BenchPeer, id = "c111"): string[] {
    over.say(send(id, { to: [lease, dave.uri], from: [inner, carol], body: id }));
    return over.briefs();
  }

  test("is valid on every connection of that relay", () => {
    daveSends(lease);
    const second = bench.relayConnects("inner");
    expect(carolSends(second)).toEqual(["c111 200"]);
    expect(dave.only().body).toBe("c111");
    // What is for it keeps to the connection it began on.
    expect(daveSends(lease, "t222")).toEqual(["t222 200"]);
    expect(relay.heard().map(({ body }) => body)).toEqual(["t111", "t222"]);
  });

  test("is valid on no connection of another relay, listed as it may be", () => {
    const outer = bench.relayConnects("outer");
    daveSends(lease);
    expect(carolSends(outer)).toEqual(["c111 481"]);
  });

  test("outlives the connection it was given on: we dial the relay, and it may answer there", () => {
    daveSends(lease);
    relay.end();
    expect(daveSends(lease, "t222")).toContain("t222 200");
    expect(bench.dials.map(({ hop }) => hop)).toContainEqual({ secure: true, host: "inner.example.net", port: 2855 });
    const again = bench.relayDialed("inner");
    expect(again.heard().map(({ body }) => body)).toContain("t222");
    expect(carolSends(again)).toEqual(["c111 200"]);
    expect(dave.heard().at(-1)?.body).toBe("c111");
  });

  test("is found on the connection the relay comes back on, without a dial", () => {
    relay.end();
    const again = bench.relayConnects("inner");
    authThrough(
      again,
      [leaseOf("inner", "somebody else"), "msrps://eve.invalid:1/e;tcp"].map((uri) => uri.replace(" ", "")),
    );
    expect(daveSends(lease)).toEqual(["t111 200"]);
    expect(again.only().body).toBe("t111");
    expect(bench.dials).toEqual([]);
  });

  test("ends with its time, and is refused on every connection then (§6.3)", () => {
    expect(daveSends(lease)).toEqual(["t111 200"]);
    bench.advance(99_000);
    const second = bench.relayConnects("inner");
    expect(daveSends(lease)).toContain("t111 200");
    bench.advance(1_000);
    expect(daveSends(lease, "t222")).toContain("t222 481");
    expect(carolSends(second)).toEqual(["c111 481"]);
    expect(bench.last("sessionEnded")?.why).toBe("EXPIRED_IN_USE");
  });

  test("ends with us, and is told of", () => {
    bench.relay.shutdown(bench.now);
    expect(bench.last("sessionEnded")).toMatchObject({ user: "alice", why: "SHUTDOWN" });
  });

  test("leads to the client that asked and to nobody else behind that relay", () => {
    dave.say(send("t111", { to: [lease, leaseOf("inner", "other"), carol], from: [dave.uri] }));
    expect(dave.briefs()).toEqual(["t111 481"]);
  });

  test("belongs to its client still when others behind the same relay have sent to it", () => {
    daveSends(lease);
    // Five clients of inner write to carol by her URI, which is one more than we remember of her own.
    for (let i = 1; i <= 5; i++) {
      const from = [leaseOf("inner", `x${i}`), `msrps://x${i}.invalid:1/x;tcp`];
      relay.say(send(`x11${i}`, { to: [lease, inner, carol], from, body: `x${i}` }));
      relay.answer(relay.heard().find(({ what }) => what === "SEND") as never, "200 OK");
    }
    // And carol, whose relay has a new URI for her, is heard and found under that.
    const renewed = leaseOf("inner", "renewed");
    relay.say(send("c111", { to: [lease, dave.uri], from: [renewed, carol], body: "new" }));
    expect(dave.only().body).toBe("new");
    dave.say(send("t111", { to: [lease, renewed, carol], from: [dave.uri], body: "found" }));
    expect(relay.heard().at(-1)?.body).toBe("found");
  });

  test("two clients behind one relay, both with URIs of ours, reach each other through us", () => {
    const bob = "msrps://bob.invalid:1/b;tcp";
    const bobs = leaseOf("inner", "b1");
    const second = ours(authThrough(relay, [bobs, bob], { user: "bob", expires: 100 }));
    relay.say(send("c111", { to: [lease, second, bobs, bob], from: [inner, carol], body: "hi" }));
    const sent = relay.heard();
    expect(sent.map(({ brief }) => brief)).toEqual(["SEND - hi$", "c111 200"]);
    expect([sent[0]?.to, sent[0]?.from]).toEqual([
      [bobs, bob],
      [second, lease, inner, carol],
    ]);
  });
});

describe("a relay's connection", () => {
  test("is not on probation, even if all its clients fail (§6.3)", () => {
    const relay = bench.relayConnects("inner");
    for (let i = 0; i < 12; i++) {
      const challenge = challengeThrough(relay, [inner, carol]);
      const proof = relay.proof(challenge, { password: "wrong" });
      relay.say(proof.replace(/^From-Path: .*\r$/m, `From-Path: ${inner} ${carol}\r`));
      // After ten of them this user has to wait; the relay goes on.
      expect(relay.only().what).toBe(i < 10 ? "401" : "403");
    }
    bench.advance(40_000);
    expect(relay.closed).toBe(false);
  });

  test("is not on probation when we have forgotten all its sessions, having been started again", () => {
    const relay = bench.relayConnects("inner");
    for (let i = 0; i < 40; i++) {
      const to = [`msrps://relay.example.com:2855/${"x".repeat(26)};tcp`, dave.uri];
      relay.say(send(`t11${i}`, { to, from: [inner, carol] }));
      expect(relay.briefs()).toEqual([`t11${i} 481`]);
    }
    bench.advance(40_000);
    expect(relay.closed).toBe(false);
  });

  test("is closed as any other when what comes is not for us (§6.2)", () => {
    const relay = bench.relayConnects("inner");
    relay.say(request("auth1", "AUTH", { to: ["msrps://example.org;tcp"], from: [inner, carol] }));
    expect(relay.closed).toBe(true);
  });

  test("may have a thousand accounts looked up at once, a client sixteen", () => {
    bench.storeAnswers = false;
    const relay = bench.relayConnects("inner");
    const client = bench.connect("client");
    const asRelay = challengeThrough(relay, [inner, carol]);
    const asClient = challengeThrough(client, [client.uri]);
    for (let i = 0; i < 17; i++) {
      relay.say(
        relay.proof(asRelay, {}, i + 1, `auth${i}`).replace(/^From-Path: .*\r$/m, `From-Path: ${inner} ${carol}\r`),
      );
      client.say(client.proof(asClient, {}, i + 1, `auth${i}`));
    }
    expect([relay.closed, client.closed]).toEqual([false, true]);
    bench.answerLookups();
    bench.settle();
    expect(relay.heard().filter(({ what }) => what === "200")).toHaveLength(17);
  });

  test("may bring one user more often than sessionsPerUser says, when what it brought before is not used", () => {
    bench = new ChainBench(undefined, { limits: { sessionsPerUser: 3 } });
    const relay = bench.relayConnects("inner");
    const auth = (i: number) => authThrough(relay, [leaseOf("inner", `c${i}`), carol], { expires: 86_400 });
    const leases = [1, 2, 3].map((i) => ours(auth(i)));
    // All three have just been given: nobody makes room.
    expect(auth(4).what).toBe("403");
    // Its connections come and go, and nobody tells us (§6.3 has the URIs live on): the one unused for longest goes.
    bench.advance(599_000);
    expect(auth(4).what).toBe("403");
    dave = bench.connect("dave");
    dave.say(send("t111", { to: [leases[0] as string, leaseOf("inner", "c1"), carol], from: [dave.uri] }));
    relay.answer(relay.only(), "200 OK");
    bench.advance(1_000);
    expect(auth(5).what).toBe("200");
    expect(auth(6).what).toBe("200");
    expect(auth(7).what).toBe("403");
    dave.heard();
    for (const [i, status] of [200, 481, 481].entries()) {
      dave.say(send("t222", { to: [leases[i] as string, leaseOf("inner", `c${i + 1}`), carol], from: [dave.uri] }));
      expect(dave.briefs()).toEqual([`t222 ${status}`]);
    }
    expect(bench.happenings.filter(({ type }) => type === "sessionEnded")).toHaveLength(2);
  });

  test("makes no room for a client that is connected to us itself", () => {
    bench = new ChainBench(undefined, { limits: { sessionsPerUser: 2 } });
    const alice = bench.client("alice");
    expect(alice.authenticate()).not.toBe("");
    bench.advance(1_000_000);
    expect(alice.authenticate()).toBe("");
    alice.say(send("t111", between(alice, alice)));
    expect(alice.heard().map(({ what }) => what)).toContain("200");
  });

  test("may bring as many AUTHs as it likes, one after the other, for different users", () => {
    const relay = bench.relayConnects("inner");
    for (let i = 0; i < 60; i++) {
      bench.accounts.set(`user${i}`, { password: "secret" });
      const answer = authThrough(relay, [leaseOf("inner", `u${i}`), carol], {
        user: `user${i}`,
        to: authUri,
        expires: 60,
      });
      expect(answer.what).toBe("200");
    }
    bench.expectNothingKept();
  });
});
