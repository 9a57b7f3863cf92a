import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, DnsCache } from "../../adapters/shared/dns-cache.ts";

let time: number;
let asked: string[];
let answer: (name: string) => Promise<Answer<string>>;
let cache: DnsCache<string>;
beforeEach(() => {
  time = 0;
  asked = [];
  answer = async (name) => ({ value: `${name} ${asked.length}`, seconds: 60 });
  cache = new DnsCache(
    (name) => {
      asked.push(name);
      return answer(name);
    },
    () => time,
  );
});

function error(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** For how many seconds nobody is asked again. */
async function holdsFor(): Promise<number> {
  await cache.get("a").catch(() => {});
  for (let seconds = 1; seconds <= 100_000; seconds++) {
    time = 1000 * seconds - 1;
    await cache.get("a").catch(() => {});
    expect(asked.length, `after ${seconds} s less a millisecond`).toBe(1);
    time = 1000 * seconds;
    await cache.get("a").catch(() => {});
    if (asked.length > 1) return seconds;
  }
  return Number.POSITIVE_INFINITY;
}

describe("an answer holds", () => {
  it.each([
    ["its time to live", 60, 60],
    ["five seconds if that is less", 0, 5],
    ["an hour if that is more", 86_400, 3600],
  ])("for %s", async (_, seconds, expected) => {
    answer = async () => ({ value: "", seconds });
    expect(await holdsFor()).toBe(expected);
  });

  it.each([
    ["ENOTFOUND", 10],
    ["ENODATA", 10],
    ["ETIMEOUT", 2],
    ["ESERVFAIL", 2],
  ])("when it is %s, for %i seconds", async (code, expected) => {
    answer = () => Promise.reject(error(code));
    await expect(cache.get("a")).rejects.toMatchObject({ code });
    asked = [];
    cache = new DnsCache(
      (name) => (asked.push(name), answer(name)),
      () => time,
    );
    expect(await holdsFor()).toBe(expected);
  });
});

it("whoever asks while somebody waits for the answer, waits for the same", async () => {
  let give: (answer: Answer<string>) => void = () => {};
  answer = () => new Promise((resolve) => (give = resolve));
  const all = [cache.get("a"), cache.get("a"), cache.get("a")];
  time = 1_000_000;
  all.push(cache.get("a"));
  give({ value: "there", seconds: 5 });
  expect(await Promise.all(all)).toEqual(["there", "there", "there", "there"]);
  expect(asked).toEqual(["a"]);
});

it("no more than 2,048 names are kept, those asked for last", async () => {
  for (let i = 0; i < 5000; i++) {
    await cache.get(`host${i}`);
    await cache.get("favourite");
  }
  expect(cache.size).toBe(2048);
  expect(asked.filter((name) => name === "favourite")).toHaveLength(1);
  await cache.get("host0");
  expect(asked.filter((name) => name === "host0")).toHaveLength(2);
});
