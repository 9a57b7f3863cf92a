/** The open-relay rule: RFC 4976 §6.2, §6.3 and §6.4, case by case. */
import { beforeEach, describe, expect, test } from "vitest";
import { numberOf, octets } from "../../../core/bytes/octets.ts";
import { request, send } from "../../support/frames.ts";
import { between, type BenchPeer, RelayBench, relayHost } from "../../support/relay-bench.ts";

const far = "msrps://far.example.net:2855/f00;tcp";

let bench: RelayBench;
let alice: BenchPeer;
let bob: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
  bob = bench.client("bob");
});

/** What comes of a SEND with this To-Path: who got it, or how it was answered. */
function outcome(from: BenchPeer, to: readonly string[], fromPath: readonly string[] = [from.uri]): string {
  from.say(send("t111", { to, from: fromPath, body: "hello" }));
  const [answer] = from.heard().filter(({ id }) => id === "t111");
  const got = [alice, bob].filter((peer) => peer.heard().some(({ what }) => what === "SEND"));
  if (bench.dials.length > 0) got.push(bench.dialed("far"));
  if (from.closed) return `closed ${bench.last("connectionClosed")?.why}`;
  if (got.length > 0) return `${answer?.what} → ${got.map(({ name }) => name).join(" ")}`;
  return `${answer?.what} ${bench.faults.at(-1) ?? ""}`.trim();
}

describe("a SEND is forwarded", () => {
  test("from the connection of the client that holds the URI, to wherever its path leads", () => {
    expect(outcome(alice, [alice.lease, far])).toBe("200 → far");
  });

  test("towards the client that holds the URI, from anybody who knows it", () => {
    const carol = bench.connect("carol");
    expect(outcome(carol, [bob.lease, bob.uri])).toBe("200 → bob");
  });

  test("from one client of this relay to another, through two of our URIs in a row", () => {
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("200 → bob");
  });

  test("from a client through two URIs of its own", () => {
    const second = alice.authenticate();
    expect(outcome(alice, [alice.lease, second, far])).toBe("200 → far");
  });

  test("from a client through the same URI of its own twice", () => {
    expect(outcome(alice, [alice.lease, alice.lease, far])).toBe("200 → far");
  });

  test("from a client to itself", () => {
    alice.say(send("t111", { to: [alice.lease, alice.uri], from: [alice.uri], body: "echo" }));
    expect(alice.briefs()).toEqual(["SEND - echo$", "t111 200"]);
  });

  test("towards any URI its client has sent from on its connection", () => {
    const other = "msrps://alice.invalid:9999/other;tcp";
    expect(outcome(bob, [bob.lease, alice.lease, other])).toBe("481 SESSION_FOREIGN");
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri], [other])).toBe("200 → bob");
    expect(outcome(bob, [bob.lease, alice.lease, other])).toBe("200 → alice");
  });

  test.each([
    ["another case of the host", (uri: string) => uri.replace(relayHost, relayHost.toUpperCase())],
    ["another case of the scheme", (uri: string) => uri.replace("msrps", "MSRPS")],
    ["userinfo", (uri: string) => uri.replace("://", "://alice@")],
    ["parameters behind the transport", (uri: string) => `${uri};lr`],
  ])("for our URI written with %s (RFC 4975 §6.1)", (_, write) => {
    expect(outcome(alice, [write(alice.lease), far])).toBe("200 → far");
  });

  test("with a path of 32 URIs and no more", () => {
    const path = (count: number) => [alice.lease, ...Array.from({ length: count - 1 }, (_, i) => `${far};hop=${i}`)];
    expect(outcome(alice, path(32))).toBe("200 → far");
    expect(outcome(alice, path(33))).toBe("400 PATH");
  });

  test("however long the path behind the next hop and whatever transport it names (RFC 7977)", () => {
    expect(outcome(alice, [alice.lease, far, "msrp://df7jal23ls0d.invalid:2855/x;ws"])).toBe("200 → far");
  });
});

describe("a SEND is refused with 481 and no hint", () => {
  test("when neither the previous nor the next hop is the client that holds the URI", () => {
    const carol = bench.connect("carol");
    expect(outcome(carol, [alice.lease, far])).toBe("481 SESSION_FOREIGN");
    expect(outcome(bob, [alice.lease, far])).toBe("481 SESSION_FOREIGN");
  });

  test("when another client's URI is to lead it on", () => {
    expect(outcome(alice, [alice.lease, bob.lease, far])).toBe("481 SESSION_FOREIGN");
    const carol = bench.connect("carol");
    expect(outcome(carol, [alice.lease, bob.lease, bob.uri])).toBe("481 SESSION_FOREIGN");
  });

  test("when the session is one we never made", () => {
    const guessed = alice.lease.replace(/\/\w{26};/, "/aaaaaaaaaaaaaaaaaaaaaaaaaa;");
    expect(outcome(alice, [guessed, far])).toBe("481 SESSION_UNKNOWN");
    expect(outcome(alice, [alice.lease, guessed, bob.uri])).toBe("481 SESSION_UNKNOWN");
    expect(outcome(alice, [alice.lease.replace(/\/\w{26};/, ";"), far])).toBe("481 SESSION_UNKNOWN");
  });

  test.each([
    ["scheme", (uri: string) => uri.replace("msrps:", "msrp:")],
    ["case of the session-id", (uri: string) => uri.replace(/\/(\w{26});/, (_, id: string) => `/${id.toUpperCase()};`)],
    ["transport", (uri: string) => uri.replace(";tcp", ";ws")],
  ])("when our URI comes with another %s", (_, write) => {
    expect(outcome(alice, [write(alice.lease), far])).toBe("481 SESSION_UNKNOWN");
  });

  test("when the URI has expired, and from then on", () => {
    bench.advance(86_400_000 - 1);
    alice = bench.client("alice");
    bob = bench.client("bob", { expires: 60 });
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("200 → bob");
    bench.advance(60_000);
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("481 SESSION_EXPIRED");
    bench.advance(300_000);
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("481 SESSION_UNKNOWN");
  });

  test("when the connection of its client has gone, for everybody who knows the URI", () => {
    bob.end();
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("481 SESSION_UNKNOWN");
    const carol = bench.connect("carol");
    expect(outcome(carol, [bob.lease, bob.uri])).toBe("481 SESSION_UNKNOWN");
  });

  test("when a client that has reconnected uses its old URI, so that it authenticates again at once", () => {
    const old = alice.lease;
    alice.end();
    alice = bench.connect("alice");
    expect(outcome(alice, [old, bob.lease, bob.uri])).toBe("481 SESSION_UNKNOWN");
    expect(alice.authenticate()).not.toBe("");
    expect(outcome(alice, [old, bob.lease, bob.uri])).toBe("481 SESSION_UNKNOWN");
  });

  test("when its URI is used from another connection of the same user", () => {
    const second = bench.client("alice");
    expect(outcome(second, [alice.lease, far])).toBe("481 SESSION_FOREIGN");
  });

  test("when the session URI stands alone and somebody else sends it", () => {
    const carol = bench.connect("carol");
    expect(outcome(carol, [alice.lease])).toBe("481 SESSION_FOREIGN");
  });
});

describe("a frame that is not addressed to this relay ends its connection without an answer (§6.2)", () => {
  test.each([
    ["another host", "msrps://elsewhere.example.org:2855/x;tcp"],
    ["our host on a port of nobody's", `msrps://${relayHost}:9/x;tcp`],
    ["our host without a port, which equals none (RFC 4975 §6.1)", `msrps://${relayHost}/x;tcp`],
  ])("%s", (_, uri) => {
    expect(outcome(alice, [uri, far])).toBe("closed NOT_FOR_US");
    expect(alice.heard()).toEqual([]);
  });

  test("also when it is a REPORT or a method we do not know", () => {
    bob.say(request("t111", "REPORT", { to: [far], from: [bob.uri] }));
    expect(bob.closed).toBe(true);
    alice.say(request("t111", "NICKNAME", { to: [far], from: [alice.uri] }));
    expect(alice.closed).toBe(true);
  });
});

describe("what was decided for a pair of paths", () => {
  test("is decided anew when the lease expires", () => {
    bob = bench.client("bob", { expires: 60 });
    for (let i = 0; i < 3; i++) expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("200 → bob");
    bench.advance(61_000);
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("481 SESSION_EXPIRED");
  });

  test("is decided anew when the next hop has gone", () => {
    for (let i = 0; i < 3; i++) expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("200 → bob");
    bob.end();
    expect(outcome(alice, [alice.lease, bob.lease, bob.uri])).toBe("481 SESSION_UNKNOWN");
  });

  test("holds for that pair only, however many pairs there are", () => {
    const carol = bench.connect("carol");
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 40; i++) {
        const paths = between(carol, bob, { from: [`msrps://carol.invalid:1/c${i};tcp`], body: "hello" });
        carol.say(send("t111", paths));
        expect(carol.briefs()).toEqual(["t111 200"]);
        expect(bob.only().from).toEqual([bob.lease, ...paths.from]);
      }
    }
  });

  test("holds for that pair only, also where another makes the same number", () => {
    const carol = bench.connect("carol");
    const to = [bob.lease, bob.uri];
    const toNumber = numberOf(octets(to.join(" ")), 0, to.join(" ").length);
    const seen = new Map<number, string>();
    const twins: string[] = [];
    for (let i = 0; twins.length === 0 && i < 1_000_000; i++) {
      const uri = `msrps://carol.invalid:1/c${i};tcp`;
      const number = numberOf(octets(uri), 0, uri.length, toNumber);
      const twin = seen.get(number);
      if (twin !== undefined) twins.push(twin, uri);
      seen.set(number, uri);
    }
    expect(twins).toHaveLength(2);
    for (const uri of [...twins, ...twins]) {
      carol.say(send("t111", { to, from: [uri], body: "hello" }));
      expect(carol.briefs()).toEqual(["t111 200"]);
      expect(bob.only().from).toEqual([bob.lease, uri]);
    }
  });
});
