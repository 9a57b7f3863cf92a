import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import { endpoint, Notes, Pair, pattern, Scripted, skeleton } from "./pair.ts";

/** Two endpoints with a session between them. */
function connected(options: Record<string, unknown> = {}) {
  const pair = new Pair();
  const [alice, bob] = [new Notes(), new Notes()];
  const [ownA, ownB] = [pair.a.newUri(), pair.b.newUri()];
  const a = pair.a.open({ sink: alice, own: ownA, peerPath: ownB, ...options });
  const b = pair.b.open({ sink: bob, own: ownB, peerPath: ownA });
  return { pair, alice, bob, a, b };
}

describe("two endpoints", () => {
  test("exchange messages", () => {
    const { pair, alice, bob, a, b } = connected();
    a.send({ contentType: "text/plain", body: octets("Hi, I'm Alice!") }, pair.now);
    pair.settle();
    b.send({ contentType: "text/plain", body: octets("Hi, Alice!  I'm Bob!") }, pair.now);
    pair.settle();
    expect(bob.told).toEqual(["bound", "complete Hi, I'm Alice!", "sent", "accepted"]);
    expect(alice.told).toEqual(["sent", "accepted", "bound", "complete Hi, Alice!  I'm Bob!"]);
    expect(skeleton(pair.fromA.text)).toEqual(["SEND 1-14/14 $", "200 OK $"]);
  });

  test("a megabyte goes in one chunk and is reported", () => {
    const { pair, alice, bob, a } = connected();
    const body = pattern(1 << 20);
    const message = a.send({ contentType: "a/b", body, successReport: true }, pair.now);
    pair.settle();
    expect(message.state).toBe("delivered");
    expect(alice.told).toEqual(["sent", "accepted", "delivered"]);
    expect(bob.messages[0]?.content).toEqual(body);
    expect(skeleton(pair.fromA.text)).toEqual(["SEND 1-*/1048576 $"]);
    expect(skeleton(pair.fromB.text)).toEqual(["200 OK $", "REPORT 1-1048576/1048576 $"]);
  });
});

test("an endpoint authenticates", () => {
  const done: string[] = [];
  const it = new Scripted(endpoint({ sink: { authenticated: (auth) => done.push(auth.usePath) } }));
  it.endpoint.authenticate(
    { relays: [{ uri: "msrps://relay.example.com;tcp", username: "alice", credential: { password: "secret" } }] },
    it.now,
  );
  expect(it.sent()).toMatch(/^MSRP \w+ AUTH\r\nTo-Path: msrps:\/\/relay.example.com;tcp\r\nFrom-Path: /);
});
