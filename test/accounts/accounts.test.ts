/** What every store that asks elsewhere has around it: a cache, a time-out, counters and a few lines of log. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Accounts, type AccountsNews } from "../../adapters/accounts/accounts.ts";
import { CredentialCache } from "../../adapters/accounts/cache.ts";
import { LATENCY_SECONDS, Lookup } from "../../adapters/accounts/lookup.ts";
import type { AccountStore, HttpSettings, StoreSettings } from "../../adapters/accounts/store.ts";
import type { Credential } from "../../core/mod.ts";

const alice: Credential = { password: "wonderland" };
const cache = { seconds: 30, negativeSeconds: 5, entries: 3 };

/** A store that a test answers for. */
class Asked implements AccountStore {
  readonly questions: { name: string; answer: (found?: Credential) => void; fail: (why: unknown) => void }[] = [];
  closed = 0;

  find(username: string, realm: string): Promise<Credential | undefined> {
    return new Promise((answer, fail) => {
      this.questions.push({ name: `${username}@${realm}`, answer, fail });
    });
  }

  close(): void {
    this.closed++;
  }

  get names(): string[] {
    return this.questions.map(({ name }) => name);
  }
}

describe("a cache", () => {
  let now = 0;
  let kept: CredentialCache;
  beforeEach(() => {
    now = 0;
    kept = new CredentialCache(cache, () => now);
  });

  async function keep(name: string, found?: Credential): Promise<void> {
    const answer = Promise.resolve(found);
    kept.keep(name, "example.com", answer);
    await answer;
  }

  test("knows a user for as long as it was told, and one who is not there for a shorter time", async () => {
    await keep("alice", alice);
    await keep("zoe");
    now = 4999;
    expect(await kept.find("alice", "example.com")).toBe(alice);
    expect(kept.find("zoe", "example.com")).toBeDefined();
    now = 5000;
    expect(kept.find("zoe", "example.com")).toBeUndefined();
    now = 29_999;
    expect(kept.find("alice", "example.com")).toBeDefined();
    now = 30_000;
    expect(kept.find("alice", "example.com")).toBeUndefined();
    expect(kept.size).toBe(0);
  });

  test("tells the same name in two domains apart", async () => {
    await keep("alice", alice);
    expect(kept.find("alice", "example.net")).toBeUndefined();
  });

  test("keeps no more than it was told, and loses those who were asked for longest ago", async () => {
    for (const name of ["a", "b", "c"]) await keep(name, alice);
    void kept.find("a", "example.com");
    await keep("d", alice);
    expect(["a", "b", "c", "d"].filter((name) => kept.find(name, "example.com") !== undefined)).toEqual([
      "a",
      "c",
      "d",
    ]);
  });

  test("forgets who has changed, also while he is being asked for", async () => {
    let answer = (_: Credential) => {};
    kept.keep("alice", "example.com", new Promise((resolve) => (answer = resolve)));
    expect(kept.find("alice", "example.com")).toBeDefined();
    kept.forget("alice", "example.com");
    answer(alice);
    await Promise.resolve();
    expect(kept.find("alice", "example.com")).toBeUndefined();
  });

  test("does not remember what went wrong", async () => {
    kept.keep("alice", "example.com", Promise.reject(new Error("down")));
    await new Promise((resolve) => setImmediate(resolve));
    expect(kept.size).toBe(0);
  });
});

describe("a lookup", () => {
  test("asks the store once for what many want to know at the same time", async () => {
    const store = new Asked();
    const lookup = new Lookup(store, cache);
    const all = Promise.all(Array.from({ length: 50 }, () => lookup.find("alice", "example.com")));
    expect(store.names).toEqual(["alice@example.com"]);
    store.questions[0]?.answer(alice);
    expect(new Set(await all)).toEqual(new Set([alice]));
    expect(lookup.counters).toMatchObject({ found: 1, missing: 0, failed: 0, cached: 49 });
  });

  test("counts what was found, missing and failed, and how long it took", async () => {
    const store = new Asked();
    const lookup = new Lookup(store);
    const asked = ["alice", "zoe", "bob"].map((name) => lookup.find(name, "example.com"));
    store.questions[0]?.answer(alice);
    store.questions[1]?.answer();
    store.questions[2]?.fail(new Error("down"));
    await Promise.allSettled(asked);
    expect(lookup.counters).toMatchObject({ found: 1, missing: 1, failed: 1, cached: 0 });
    expect(lookup.counters.latency).toHaveLength(LATENCY_SECONDS.length + 1);
    expect(lookup.counters.latency.reduce((sum, count) => sum + count)).toBe(3);
  });

  test("gives an answer up that takes too long, and puts the next question to the store again", async () => {
    const store = new Asked();
    const lookup = new Lookup(store, cache, 0.02);
    await expect(lookup.find("alice", "example.com")).rejects.toThrow("no answer in 0.02 s");
    store.questions[0]?.answer(alice); // too late: nobody is told
    const again = lookup.find("alice", "example.com");
    expect(store.questions).toHaveLength(2);
    store.questions[1]?.answer(alice);
    expect(await again).toBe(alice);
    expect(lookup.counters).toMatchObject({ found: 1, failed: 1 });
  });

  test.each([
    ["a name with a NUL", "ali\0ce"],
    ["a name that no account is long enough for", "a".repeat(256)],
  ])("asks nobody for %s", async (_, name) => {
    const store = new Asked();
    expect(await new Lookup(store, cache).find(name, "example.com")).toBeUndefined();
    expect(store.questions).toEqual([]);
  });

  test("lets no more than 4,096 questions wait", async () => {
    const store = new Asked();
    const lookup = new Lookup(store);
    for (let i = 0; i < 4096; i++) void lookup.find(`user${i}`, "example.com").catch(() => {});
    await expect(lookup.find("one more", "example.com")).rejects.toThrow("4096 questions");
    expect(store.questions).toHaveLength(4096);
    store.questions[0]?.answer(alice);
    await new Promise((resolve) => setImmediate(resolve));
    void lookup.find("next", "example.com").catch(() => {});
    expect(store.questions).toHaveLength(4097);
    for (const { answer } of store.questions) answer();
  });
});

describe("the stores of a configuration", () => {
  const settings: HttpSettings = { type: "http", url: "http://127.0.0.1:1/", seconds: 1, retries: 0, cache };
  const stores = new Map<string, StoreSettings>([
    ["main", settings],
    ["other", settings],
    ["unused", settings],
  ]);
  const domains = new Map([
    ["example.com", "main"],
    ["example.net", "main"],
    ["example.org", "other"],
  ]);

  test("are opened once each, if a domain uses them, and closed once", async () => {
    const opened: Asked[] = [];
    const open = () => {
      opened.push(new Asked());
      return opened.at(-1) as Asked;
    };
    const accounts = await Accounts.open(stores, domains, () => {}, open);
    expect(opened).toHaveLength(2);
    expect(accounts.views.map(({ name, type, up }) => [name, type, up])).toEqual([
      ["main", "http", true],
      ["other", "http", true],
    ]);
    await accounts.close();
    expect(opened.map(({ closed }) => closed)).toEqual([1, 1]);
    await expect(accounts.find("alice", "example.com")).rejects.toThrow("closed");
  });

  test("are closed again when one of them cannot be opened", async () => {
    const first = new Asked();
    const open = vi.fn<() => AccountStore>().mockReturnValueOnce(first);
    open.mockImplementation(() => {
      throw new Error("no such file");
    });
    await expect(Accounts.open(stores, domains, () => {}, open)).rejects.toThrow("no such file");
    expect(first.closed).toBe(1);
  });

  test("tell of their failures once in a while, whatever strangers do", async () => {
    const news: AccountsNews[] = [];
    const store = new Asked();
    const accounts = await Accounts.open(
      stores,
      domains,
      (line) => news.push(line),
      () => store,
    );
    const asked = Array.from({ length: 100 }, (_, i) => accounts.find(`user${i}`, "example.com"));
    for (const { fail } of store.questions) fail(new Error("down"));
    await Promise.allSettled(asked);
    expect(news).toEqual([
      {
        event: "accountsUnavailable",
        store: "main",
        domain: "example.com",
        text: "accounts of example.com: Error: down",
      },
    ]);
    await accounts.close();
  });
});
