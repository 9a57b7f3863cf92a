import { beforeEach, describe, expect, test } from "vitest";
import { Breaker, PausedError } from "../../adapters/accounts/breaker.ts";

let now = 0;
let events: string[] = [];
let breaker: Breaker;

beforeEach(() => {
  now = 1000;
  events = [];
  breaker = new Breaker(
    {
      paused: (pause, why, again) => events.push(`${again ? "again" : "paused"} ${pause}: ${String(why)}`),
      healed: (after) => events.push(`healed after ${after}`),
    },
    () => now,
    () => 1,
  );
});

const fails = (why = "down") => breaker.run(() => Promise.reject(why)).catch((error: unknown) => error);
const answers = () => breaker.run(() => Promise.resolve("yes")).catch((error: unknown) => error);

describe("a store that does not answer", () => {
  test("is asked by everybody until it has failed three times in a row", async () => {
    await fails();
    await fails();
    await answers();
    await fails();
    expect(await fails()).toBe("down");
    expect(breaker.paused).toBe(false);
    expect(await fails()).toBe("down");
    expect(breaker.paused).toBe(true);
    expect(events).toEqual(["paused 250: down"]);
  });

  test("is then asked by nobody, then by one, for longer and longer pauses up to eight seconds", async () => {
    for (let i = 0; i < 3; i++) await fails();
    for (const pause of [250, 500, 1000, 2000, 4000, 8000, 8000]) {
      now += pause - 1;
      expect(await fails()).toBeInstanceOf(PausedError);
      now += 1;
      const [one, other] = await Promise.all([fails("still down"), fails()]);
      expect(one).toBe("still down");
      expect(other).toBeInstanceOf(PausedError);
    }
    expect(events).toHaveLength(8);
    expect(events.at(-1)).toBe("again 8000: still down");
  });

  test("is asked by everybody again as soon as one was answered", async () => {
    for (let i = 0; i < 3; i++) await fails();
    now += 250;
    expect(await answers()).toBe("yes");
    expect(events.at(-1)).toBe("healed after 250");
    expect(await answers()).toBe("yes");
    await fails();
    expect(breaker.paused).toBe(false);
  });

  test("is said to be down once, by those who were under way when it went", async () => {
    await Promise.all([fails(), fails(), fails(), fails(), fails()]);
    expect(events).toHaveLength(1);
  });

  test("is down at the first failure where that was asked for", async () => {
    breaker.beStrict();
    await fails();
    expect(breaker.paused).toBe(true);
  });
});
