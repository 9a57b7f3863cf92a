import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Drainable, Drains } from "../../adapters/operation/drain.ts";
import { pause, until } from "../support/wait.ts";

const LAST_AUTHS_MS = 200;

describe("a drain", () => {
  let relay: { -readonly [key in keyof Drainable]: Drainable[key] } & { refuses: boolean[] };
  let told: string[];
  let drains: Drains;
  let over: boolean;

  beforeEach(() => {
    relay = {
      sessions: 2,
      connections: 2,
      refuses: [],
      refuseSessions: async (on) => void relay.refuses.push(on),
    };
    told = [];
    over = false;
    drains = new Drains(relay, (level, event, text) => told.push(`${level} ${event}: ${text}`), LAST_AUTHS_MS);
    void drains.over.then(() => (over = true));
  });
  afterEach(() => drains.cancel());

  it("takes no new sessions and waits for those that exist", async () => {
    const { since, deadline } = await drains.start(60);
    expect([deadline - since, relay.refuses]).toEqual([60_000, [true]]);
    await pause(LAST_AUTHS_MS + 50);
    expect(over).toBe(false);
    relay.sessions = 0;
    await drains.over;
    expect(told).toEqual([
      "info drainStarted: draining: no new sessions; 2 sessions may go on for 60 s",
      "info drainEnded: drained: no session is left",
    ]);
  });

  it("ends at its deadline, and says what is left", async () => {
    relay.sessions = 1;
    await drains.start(0.05);
    await drains.over;
    expect(told.at(-1)).toBe("warning drainEnded: drained: 1 session left at the deadline");
  });

  it("is over at once, and without a word, when nobody is there", async () => {
    [relay.sessions, relay.connections] = [0, 0];
    const began = performance.now();
    await drains.start(60);
    await drains.over;
    expect(performance.now() - began).toBeLessThan(LAST_AUTHS_MS);
    expect(told.filter((line) => !line.startsWith("debug"))).toEqual([]);
  });

  it("leaves a moment to those who have connected and not authenticated", async () => {
    relay.sessions = 0;
    const began = performance.now();
    await drains.start(60);
    await drains.over;
    expect(performance.now() - began).toBeGreaterThan(LAST_AUTHS_MS - 10);
  });

  it("does not leave that moment beyond its deadline", async () => {
    relay.sessions = 0;
    await drains.start(0);
    await until(() => over, "the end", LAST_AUTHS_MS - 50);
  });

  it("is called off", async () => {
    await drains.start(0.1);
    expect(drains.current).toBeDefined();
    await drains.cancel();
    expect([drains.current, relay.refuses]).toEqual([undefined, [true, false]]);
    await pause(150);
    expect(over).toBe(false);
    await drains.cancel();
    expect(told).toHaveLength(2);
  });

  it("has another deadline when it is asked for again", async () => {
    const first = await drains.start(60);
    const second = await drains.start(0.05);
    expect(second.since).toBe(first.since);
    await drains.over;
  });
});
