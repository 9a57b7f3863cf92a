/** How next hops are reached: RFC 4976 §6.4.2 and §9.4, RFC 4975 §5.4. */
import { beforeEach, describe, expect, test } from "vitest";
import { request, send } from "../../support/frames.ts";
import { between, type BenchPeer, RelayBench } from "../../support/relay-bench.ts";

let bench: RelayBench;
let alice: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
});

/** Alice sends to the hop with this URI; whom the relay dials for it. */
function dialsFor(uri: string, from = alice): string[] {
  from.say(send("t111", { to: [from.lease, uri], from: [from.uri], body: "hello" }));
  return bench.dials.splice(0).map(({ hop }) => `${hop.secure ? "msrps" : "msrp"} ${hop.host} ${hop.port}`);
}

describe("a next hop that is no client of ours is dialed", () => {
  test.each([
    ["msrps://far.example.net:2855/f00;tcp", "msrps far.example.net 2855"],
    ["msrps://far.example.net/f00;tcp", "msrps far.example.net 0"],
    ["msrps://user@FAR.Example.net.:9000/f00;tcp", "msrps far.example.net 9000"],
    ["msrps://[2001:DB8::1]:2855/f00;tcp", "msrps 2001:db8:0:0:0:0:0:1 2855"],
  ])("%s by its scheme, host and port", (uri, expected) => {
    expect(dialsFor(uri)).toEqual([expected]);
  });

  test("once: whoever names the same scheme, host and port uses the same connection", () => {
    const bob = bench.client("bob");
    const uri = (id: string) => `msrps://far.example.net:2855/${id};tcp`;
    alice.say(send("t111", { to: [alice.lease, uri("one")], from: [alice.uri], body: "1" }));
    bob.say(send("t222", { to: [bob.lease, uri("two")], from: [bob.uri], body: "2" }));
    expect(bench.dials).toHaveLength(1);
    const far = bench.dialed("far");
    expect(dialsFor(uri("three"))).toEqual([]);
    expect(far.heard().map(({ body }) => body)).toEqual(["1", "2", "hello"]);
    expect(dialsFor("msrps://far.example.net:2856/f00;tcp")).toHaveLength(1);
    expect(dialsFor("msrps://far.example.net/f00;tcp")).toHaveLength(1);
    expect(dialsFor("msrps://other.example.net:2855/f00;tcp")).toHaveLength(1);
  });

  test("again when the connection has ended, or could not be made", () => {
    const uri = "msrps://far.example.net:2855/f00;tcp";
    alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri] }));
    bench.dialFailed("UNREACHABLE");
    alice.say(send("t222", { to: [alice.lease, uri], from: [alice.uri] }));
    bench.dialed("far").end();
    alice.say(send("t333", { to: [alice.lease, uri], from: [alice.uri] }));
    const far = bench.dialed("far");
    expect(far.heard()).toHaveLength(1);
    bench.expectNothingKept();
  });

  test("without TLS only when the configuration says so (§9.4), and then on a connection of its own", () => {
    const plain = "msrp://far.example.net:2855/f00;tcp";
    const secure = "msrps://far.example.net:2855/f00;tcp";
    expect(dialsFor(plain)).toEqual([]);
    expect(alice.briefs()).toEqual(["t111 403"]);

    bench = new RelayBench({ outgoing: { plain: true } });
    alice = bench.client("alice");
    alice.say(send("t111", { to: [alice.lease, plain], from: [alice.uri], body: "open" }));
    const open = bench.dialed("open");
    expect(open.peer.secure).toBe(false);
    alice.say(send("t222", { to: [alice.lease, secure], from: [alice.uri], body: "closed" }));
    const closed = bench.dialed("closed");
    expect(open.heard().map(({ body }) => body)).toEqual(["open"]);
    expect(closed.heard().map(({ body }) => body)).toEqual(["closed"]);
  });

  test("never over a transport that is not TCP: nobody can be dialed with WebSocket (RFC 7977)", () => {
    expect(dialsFor("msrps://far.example.net:443/f00;ws")).toEqual([]);
    expect(alice.briefs()).toEqual(["t111 408"]);
  });
});

describe("a client is reached on its own connection and nowhere else", () => {
  test("whatever address its URI has", () => {
    const carol = bench.connect("carol");
    carol.say(send("t111", between(carol, alice, { body: "hello" })));
    expect(alice.only().brief).toBe("SEND - hello$");
    expect(bench.dials).toEqual([]);
  });

  test("also when it came without TLS, by the URI it was given there", () => {
    const dave = bench.client("dave", { listener: "lab" });
    expect(dave.lease).toMatch(/^msrp:.*:2857\//);
    alice.say(send("t111", between(alice, dave, { body: "hello" })));
    expect(dave.only().body).toBe("hello");
  });
});

describe("a stranger", () => {
  let carol: BenchPeer;
  beforeEach(() => {
    carol = bench.connect("carol");
    carol.say(send("t111", between(carol, alice, { body: "first" })));
    carol.heard();
    alice.heard();
  });

  /** Alice answers the stranger with a SEND of her own. */
  function reply(to: BenchPeer): string[] {
    alice.say(send("t999", { to: [alice.lease, to.uri], from: [alice.uri], body: "back" }));
    alice.heard();
    return to.heard().map(({ body }) => body ?? "");
  }

  test("is reached on the connection it came by", () => {
    expect(reply(carol)).toEqual(["back"]);
    expect(bench.dials).toEqual([]);
  });

  test("that shares a session with others is forwarded as well: 506 is for endpoints (§9.4)", () => {
    const dave = bench.connect("dave");
    dave.say(send("t222", between(dave, alice, { body: "second" })));
    expect(dave.briefs()).toEqual(["t222 200"]);
    expect(alice.only().body).toBe("second");
    expect(reply(carol)).toEqual(["back"]);
    expect(reply(dave)).toEqual(["back"]);
  });

  test("that comes back on a new connection is reached there", () => {
    carol.end();
    const again = bench.connect("carol");
    again.say(send("t222", between(again, alice, { body: "again" })));
    again.heard();
    alice.heard();
    expect(reply(again)).toEqual(["back"]);
  });

  test("that has gone is dialed like anybody", () => {
    carol.end();
    expect(reply(carol)).toEqual([]);
    expect(bench.dials.map(({ hop }) => hop.host)).toEqual(["carol.invalid"]);
  });

  test("is known to the session it spoke to and to no other", () => {
    const bob = bench.client("bob");
    bob.say(send("t222", { to: [bob.lease, carol.uri], from: [bob.uri], body: "who?" }));
    expect(bench.dials).toHaveLength(1);
    expect(carol.heard()).toEqual([]);
  });

  test("that we had dialed is reached there while that connection lives, and then on the one it came by", () => {
    const uri = "msrps://erin.example.net:2855/e;tcp";
    const toErin = (body: string) => {
      alice.say(send("t222", { to: [alice.lease, uri], from: [alice.uri], body, failureReport: "no" }));
    };
    toErin("dialed");
    const dialed = bench.dialed("erin");
    const erin = bench.connect("erin");
    erin.say(send("t333", { to: [alice.lease, alice.uri], from: [uri] }));
    erin.heard();
    toErin("in order");
    expect(dialed.heard().map(({ body }) => body)).toEqual(["dialed", "in order"]);
    dialed.end();
    toErin("came");
    expect(erin.heard().map(({ body }) => body)).toEqual(["came"]);
    expect(bench.dials).toEqual([]);
  });

  test("that used the URI without leading to its client is not learned", () => {
    const mallory = bench.connect("mallory");
    mallory.say(send("t222", { to: [alice.lease, "msrps://far.example.net/x;tcp"], from: [carol.uri], body: "x" }));
    expect(mallory.briefs()).toEqual(["t222 481"]);
    expect(reply(carol)).toEqual(["back"]);
  });

  test("is reached with REPORTs and other methods too", () => {
    alice.say(request("r111", "REPORT", { to: [alice.lease, carol.uri], from: [alice.uri] }));
    alice.say(request("n111", "NICKNAME", { to: [alice.lease, carol.uri], from: [alice.uri] }));
    expect(carol.heard().map(({ what }) => what)).toEqual(["REPORT", "NICKNAME"]);
  });

  test("behind another relay answers on the connection that we dialed, and is reached there", () => {
    const uri = "msrps://far.example.net:2855/f00;tcp";
    alice.say(send("t222", { to: [alice.lease, uri, carol.uri], from: [alice.uri], body: "out" }));
    const far = bench.dialed("far");
    expect(far.only().body).toBe("out");
    far.say(send("t333", { to: [alice.lease, alice.uri], from: [uri, carol.uri], body: "in" }));
    expect(alice.heard().at(-1)?.body).toBe("in");
    alice.say(send("t444", { to: [alice.lease, uri, carol.uri], from: [alice.uri], body: "out again" }));
    expect(far.heard().at(-1)?.body).toBe("out again");
    expect(bench.dials).toEqual([]);
  });
});

describe("on a listener without TLS", () => {
  test("a stranger reaches a client by the msrps URI it was given out with", () => {
    const eve = bench.connect("eve", "plain");
    eve.say(send("t111", between(eve, alice, { body: "hello" })));
    expect(eve.briefs()).toEqual(["t111 200"]);
    expect(alice.only().body).toBe("hello");
  });

  test("a stranger with an msrp URI is reached on its connection, although nobody is dialed so", () => {
    const eve = bench.connect("eve", "plain");
    eve.say(send("t111", between(eve, alice)));
    eve.heard();
    expect(dialsFor(eve.uri)).toEqual([]);
    expect(eve.only().body).toBe("hello");
  });

  test("nobody gets what is meant for an msrps URI", () => {
    const eve = bench.connect("eve", "plain");
    const victim = "msrps://carol.example.org:2855/secret;tcp";
    eve.say(send("t111", { to: [alice.lease, alice.uri], from: [victim] }));
    eve.heard();
    expect(dialsFor(victim)).toEqual(["msrps carol.example.org 2855"]);
    expect(eve.heard()).toEqual([]);
  });

  test("an msrps URI is believed when a TLS proxy stands in front", () => {
    const frank = bench.connect("frank", "behind-tls-proxy");
    const uri = "msrps://frank.invalid:9999/f1;tcp";
    frank.say(send("t111", { to: [alice.lease, alice.uri], from: [uri] }));
    frank.heard();
    expect(dialsFor(uri)).toEqual([]);
    expect(frank.only().body).toBe("hello");
  });
});

describe("while a next hop is being dialed", () => {
  const uri = "msrps://far.example.net:2855/f00;tcp";

  test("frames are answered as ever and go out in their order when it is there", () => {
    for (let i = 1; i <= 3; i++) {
      alice.say(send(`t11${i}`, { to: [alice.lease, uri], from: [alice.uri], body: String(i) }));
    }
    expect(alice.briefs()).toEqual(["t111 200", "t112 200", "t113 200"]);
    expect(
      bench
        .dialed("far")
        .heard()
        .map(({ body }) => body),
    ).toEqual(["1", "2", "3"]);
  });

  test("the sender is stopped at 256 KiB, and goes on when it is there", () => {
    const body = "x".repeat(32 * 1024);
    let sent = 0;
    while (alice.reading && sent < 100) {
      alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri], body }));
      sent++;
    }
    expect(sent).toBe(8);
    const far = bench.dialed("far");
    expect(alice.reading).toBe(true);
    expect(far.heard()).toHaveLength(8);
  });

  test("however long that takes, what waits for it is kept", () => {
    alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri], body: "patience" }));
    bench.advance(300_000);
    expect(bench.dialed("far").only().body).toBe("patience");
  });

  test("a dial that succeeds after shutdown is closed at once", () => {
    alice.say(send("t111", { to: [alice.lease, uri], from: [alice.uri] }));
    bench.relay.shutdown(bench.now);
    expect(bench.dialed("far").closed).toBe(true);
    bench.expectNothingKept();
  });

  test("no more than 1,024 dials run at once", () => {
    for (let i = 0; i < 1024; i++) {
      alice.say(send("t111", { to: [alice.lease, `msrps://h${i}.example.net/x;tcp`], from: [alice.uri] }));
    }
    expect(bench.dials).toHaveLength(1024);
    alice.heard();
    alice.say(send("t222", { to: [alice.lease, "msrps://more.example.net/x;tcp"], from: [alice.uri] }));
    expect(alice.briefs()).toEqual(["t222 408"]);
    bench.dialFailed("TIMEOUT");
    alice.heard();
    alice.say(send("t333", { to: [alice.lease, "msrps://more.example.net/x;tcp"], from: [alice.uri] }));
    expect(alice.briefs()).toEqual(["t333 200"]);
    bench.expectNothingKept();
  });
});
