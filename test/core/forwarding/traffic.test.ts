/** What is counted for the sessions a frame passes through, and nothing else. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Traffic } from "../../../core/mod.ts";
import { beginSend, end, request, send } from "../../support/frames.ts";
import { type BenchPeer, between, RelayBench } from "../../support/relay-bench.ts";
import { authThrough, ChainBench, leaseOf, ours } from "../chain-bench.ts";

const far = "msrps://far.example.net:2855/f;tcp";

let bench: RelayBench;
let alice: BenchPeer;
let bob: BenchPeer;
beforeEach(() => {
  bench = new RelayBench();
  alice = bench.client("alice");
  bob = bench.client("bob");
});

/** What is not 0 of a user's first session. */
function traffic(user: string): Partial<Traffic> {
  const session = bench.relay.sessionsNow().find((candidate) => candidate.user === user);
  return Object.fromEntries(Object.entries(session?.traffic ?? {}).filter(([, count]) => count !== 0));
}

describe("a SEND", () => {
  test("counts for whom it comes from and for whom it goes to", () => {
    alice.say(send("t111", between(alice, bob, { body: "hello" })));
    alice.say(send("t112", between(alice, bob, { body: "world!" })));
    expect(traffic("alice")).toEqual({ bytesOut: 11, messagesOut: 2 });
    expect(traffic("bob")).toEqual({ bytesIn: 11, messagesIn: 2 });
  });

  test("to a peer elsewhere, and from there, counts for the one who is here", () => {
    alice.say(send("t111", { to: [alice.lease, far], from: [alice.uri], body: "hello" }));
    const peer = bench.dialed("far");
    peer.say(send("t222", { to: [alice.lease, alice.uri], from: [far], body: "hi" }));
    expect(traffic("alice")).toEqual({ bytesOut: 5, messagesOut: 1, bytesIn: 2, messagesIn: 1 });
    expect(bench.relay.sessionsNow()[0]?.peers).toEqual(["far.example.net:2855"]);
  });

  test("to oneself counts on both sides", () => {
    alice.say(send("t111", { to: [alice.lease, alice.uri], from: [alice.uri], body: "hello" }));
    expect(traffic("alice")).toEqual({ bytesOut: 5, messagesOut: 1, bytesIn: 5, messagesIn: 1 });
  });

  test("that speaks to the relay alone counts for nobody, and makes nobody a peer", () => {
    alice.say(send("t111", { to: [alice.lease], from: [alice.uri], body: "hello" }));
    expect(traffic("alice")).toEqual({});
    expect(bench.relay.sessionsNow()[0]?.peers).toEqual([]);
  });

  test("that is refused counts for nobody", () => {
    alice.say(send("t111", between(alice, bob, { body: "hello", range: "x" })));
    bob.say(send("t222", { to: [alice.lease, far], from: [bob.uri], body: "hello" }));
    expect([traffic("alice"), traffic("bob")]).toEqual([{}, {}]);
  });

  test("counts as a message when it is the last chunk of one (RFC 4975 §7.1)", () => {
    alice.say(send("t111", between(alice, bob, { body: "hello", range: "1-5/10", flag: "+" })));
    expect(traffic("alice")).toEqual({ bytesOut: 5 });
    alice.say(send("t112", between(alice, bob, { body: "world", range: "6-10/10" })));
    alice.say(send("t113", between(alice, bob, { body: "given up", flag: "#", messageId: "m222" })));
    expect(traffic("alice")).toEqual({ bytesOut: 18, messagesOut: 1 });
    expect(traffic("bob")).toEqual({ bytesIn: 18, messagesIn: 1 });
  });

  test("is counted while it comes in, and what is kept back has not gone out yet", () => {
    alice.say(`${beginSend("t111", between(alice, bob))}hello`);
    expect([traffic("alice"), traffic("bob")]).toEqual([{ bytesOut: 5 }, { bytesIn: 4 }]);
    alice.say(" world");
    alice.say(end("t111"));
    expect(traffic("alice")).toEqual({ bytesOut: 11, messagesOut: 1 });
    expect(traffic("bob")).toEqual({ bytesIn: 11, messagesIn: 1 });
  });

  test("keeps its session in use while it comes in", () => {
    alice.say(`${beginSend("t111", between(alice, bob))}hello`);
    bench.advance(500_000);
    alice.say(" world");
    expect(bench.relay.sessionsNow().map(({ usedAt }) => usedAt)).toEqual([500_000, 500_000]);
  });

  test("is whole in the record of a session whose connection ends in the middle of it", () => {
    alice.say(`${beginSend("t111", between(alice, bob))}hello`);
    alice.end();
    expect(bench.last("sessionEnded")?.traffic).toMatchObject({ bytesOut: 5, messagesOut: 0 });
    expect(traffic("bob")).toEqual({ bytesIn: 5 });
  });
});

test("what another relay brings counts for the session that it passes through, whichever way", () => {
  const chain = new ChainBench();
  const relay = chain.relayConnects("one");
  const from = [leaseOf("one", "xyz"), "msrps://client.invalid:9/c;tcp"];
  const uri = ours(authThrough(relay, from));
  relay.say(send("t111", { to: [uri, far], from, body: "hello" }));
  const peer = chain.dialed("far");
  peer.say(send("t222", { to: [uri, ...from], from: [far], body: "hi" }));
  // From somebody else behind the same relay: not of its holder, though it comes on the same connection.
  relay.say(send("t333", { to: [uri, ...from], from: [leaseOf("one", "other"), far], body: "hey" }));
  expect(chain.relay.sessionsNow()).toMatchObject([
    {
      traffic: { bytesOut: 5, messagesOut: 1, bytesIn: 5, messagesIn: 2 },
      peers: ["far.example.net:2855", "one.example.net:2855 far.example.net:2855"],
    },
  ]);
});

describe("a file is a message whose first chunk has", () => {
  test.each<[string, string[], 0 | 1]>([
    ["text as its type", ["Content-Type: text/plain"], 0],
    ["text with parameters", ["Content-Type: Text/HTML;charset=utf-8"], 0],
    ["message/cpim", ["Content-Type: Message/CPIM"], 0],
    ["message/imdn+xml", ["Content-Type: message/imdn+xml ;charset=utf-8"], 0],
    ["application/im-iscomposing+xml", ["Content-Type: application/im-iscomposing+xml"], 0],
    ["any other type", ["Content-Type: image/jpeg"], 1],
    ["a type that only begins like one of these", ["Content-Type: message/cpim-not"], 1],
    [
      "text and a Content-Disposition with a filename",
      ['Content-Disposition: Attachment; size=5; FileName="a.txt"'],
      1,
    ],
    ["a filename of RFC 8187", ["content-disposition: render;filename*=utf-8''a.txt"], 1],
    ["a disposition without a filename", ["Content-Disposition: render"], 0],
    ["a disposition that is neither attachment nor render", ['Content-Disposition: icon; filename="a.png"'], 0],
    ["a parameter that is not filename", ["Content-Disposition: attachment; nofilename=1"], 0],
  ])("%s", (_, headers, files) => {
    const typed = headers.some((line) => line.startsWith("Content-Type"));
    const said = { ...between(alice, bob), headers: ["Message-ID: m111", ...headers], body: "hello" };
    if (!typed) said.headers.push("Content-Type: text/plain");
    alice.say(request("t111", "SEND", said));
    expect(traffic("alice").filesOut ?? 0).toBe(files);
    expect(traffic("bob").filesIn ?? 0).toBe(files);
  });

  test("and it is counted once, however it comes", () => {
    const headers = ["Message-ID: m111", "Content-Type: image/png"];
    const paths = between(alice, bob);
    alice.say(request("t111", "SEND", { ...paths, headers: [...headers, "Byte-Range: 1-2/4"], body: "ab", flag: "+" }));
    alice.say(request("t112", "SEND", { ...paths, headers: [...headers, "Byte-Range: 3-4/4"], body: "cd" }));
    alice.sayPieces(request("t113", "SEND", { ...paths, headers, body: "a" }).slice(0, -12), "b\r\n-------t113$\r\n");
    expect(traffic("alice")).toMatchObject({ filesOut: 2, messagesOut: 2 });
  });
});

describe("a REPORT", () => {
  test("of a peer counts for both sessions it passes through", () => {
    const headers = ["Message-ID: m111", "Byte-Range: 1-5/5", "Status: 000 200 OK"];
    bob.say(request("r111", "REPORT", { ...between(bob, alice), headers }));
    expect([traffic("alice"), traffic("bob")]).toEqual([{ reportsIn: 1 }, { reportsOut: 1 }]);
    expect(bench.relay.counters).toMatchObject({ reportsForwarded: 1, reportsMade: 0 });
  });

  test("of ours counts for the session whose message was lost", () => {
    alice.say(send("t111", between(alice, bob)));
    bob.end();
    expect(traffic("alice")).toMatchObject({ reportsIn: 1 });
    expect(bench.relay.counters).toMatchObject({ reportsForwarded: 0, reportsMade: 1 });
  });
});

describe("the peers of a session", () => {
  test("are a few, the latest last, and each a path of hosts", () => {
    for (let i = 1; i <= 10; i++) {
      const path = [`msrps://relay${i}.example.net:2855/s;tcp`, `msrp://user@10.0.0.${i}:9/s;tcp`];
      alice.say(send("t111", { to: [alice.lease, ...path], from: [alice.uri] }));
    }
    const peers = bench.relay.sessionsNow()[0]?.peers ?? [];
    expect(peers).toHaveLength(8);
    expect(peers.at(-1)).toBe("relay10.example.net:2855 10.0.0.10:9");
    bench.expectNothingKept();
  });

  test("are cut where a stranger makes them long", () => {
    const path = Array.from({ length: 8 }, (_, i) => `msrps://${"x".repeat(200)}${i}.example.net:2855/s;tcp`);
    alice.say(send("t111", { to: [alice.lease, ...path], from: [alice.uri] }));
    expect(bench.relay.sessionsNow()[0]?.peers[0]).toHaveLength(256);
  });
});
