/** Every kind of wrong peer beside honest ones, who must not notice. */
import { describe, expect, it } from "vitest";
import { octets, SimNetwork } from "../support/sim-network.ts";
import { insider, insiders, type Scene, stranger, strangers } from "../support/sim/vandals.ts";

function scene() {
  const net = new SimNetwork({ seed: 4976, latency: [1, 40], cutAnywhere: true });
  const relay = net.relay("relay.example.com");
  const [alice, bob, carol] = [net.client("alice"), net.client("bob"), net.client("carol")];
  const [atAlice] = net.introduce(alice, relay, bob);
  const leaked = () => atAlice.session.toPath.split(" ").slice(0, 2);
  const setting: Scene = { net, relay, dice: net.dice.fork(), leaked };
  /** Alice and Bob talk for a minute. */
  const talk = () => {
    const sent = [];
    for (let i = 0; i < 10; i++) {
      sent.push(alice.send(bob, octets(20_000, i), { successReport: true }), bob.send(alice, octets(100 * i, i)));
      net.advance(6000);
    }
    return sent;
  };
  return { net, relay, alice, bob, carol, setting, talk };
}

describe("a stranger who", () => {
  it.each(Object.keys(strangers))("%s is closed within two and a half minutes, and nobody else notices", (kind) => {
    const { net, relay, setting, talk } = scene();
    const before = relay.core.connections;
    const vandal = stranger("mallory", kind, setting);
    expect(talk().map(({ arrived }) => arrived.length)).toEqual(Array(20).fill(1));
    net.advance(150_000);
    expect(vandal.closed || relay.core.connections === before).toBe(true);
    expect(relay.core.connections).toBe(before);
    // Nothing was passed on to it, and nothing for it.
    expect(vandal.frames.filter(({ method }) => method !== "")).toEqual([]);
    expect(relay.core.counters.dials).toBe(0);
  });
});

/** What becomes of a message to an insider. */
const fates: Readonly<Record<string, readonly string[]>> = {
  "never answers": ["failed"],
  "answers late": ["failed", "accepted"],
  "answers twice": ["accepted"],
  "answers under wrong ids": ["failed"],
  "refuses in the middle": ["failed"],
  "refuses with a status nobody knows": ["failed"],
  "never reads": ["failed"],
  "vanishes in the middle of a body": ["failed"],
  "is cut off in the middle of a body": ["failed"],
  "lies about Byte-Range": ["accepted"],
  // Its answers are part of what it pushes.
  "pushes without end": ["failed"],
};

describe("an insider who", () => {
  it.each(Object.keys(insiders))("%s is felt by nobody but those who talk to it, and they are told", (kind) => {
    const { net, relay, carol, setting, talk } = scene();
    insider("mallory", kind, setting, carol, relay);
    net.until(() => carol.talks.has("mallory"), "the insider");
    const sent = carol.send("mallory", octets(150_000));
    expect(talk().map(({ arrived }) => arrived.length)).toEqual(Array(20).fill(1));
    net.advance(250_000);
    expect(fates[kind]).toContain(sent.tries[0]?.message.state);
  });
});
