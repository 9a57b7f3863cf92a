/** Accounts over the admin API: what `parley user` does, and what it refuses. */
import { describe, expect, test } from "vitest";
import { SqliteAccounts } from "../../adapters/accounts/sqlite.ts";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AdminBench } from "./admin-bench.ts";

const alice = { username: "alice", domain: "example.com", password: "hunter2" };

describe("an account", () => {
  test("is made, found by those who log in, changed, and removed", async () => {
    const bench = new AdminBench();
    const made = await bench.ask("/v1/accounts", { method: "POST", body: alice });
    expect([made.status, made.headers.get("location")]).toEqual([201, "/v1/accounts/example.com/alice"]);
    expect(made.json).toMatchObject({ username: "alice", domain: "example.com" });
    const store = new SqliteAccounts(join(bench.folder, "users.db"));
    const first = await store.find("alice", "example.com");
    expect(first?.ha1?.MD5).toMatch(/^[0-9a-f]{32}$/);

    const put = await bench.ask("/v1/accounts/example.com/alice", { method: "PUT", body: { password: "other" } });
    expect(put.status).toBe(200);
    expect((await store.find("alice", "example.com"))?.ha1?.MD5).not.toBe(first?.ha1?.MD5);

    expect((await bench.ask("/v1/accounts/example.com/alice", { method: "DELETE" })).status).toBe(204);
    expect(await store.find("alice", "example.com")).toBeUndefined();
    store.close();
    // What is cached of an account is forgotten with each change.
    expect(bench.control.forgotten).toEqual(Array.from({ length: 3 }, () => "alice@example.com"));
  });

  test("is listed by domain and name, a page at a time, and without anything secret", async () => {
    const bench = new AdminBench();
    for (const username of ["dave", "carol", "bob", "alice", "é"]) {
      await bench.ask("/v1/accounts", { method: "POST", body: { ...alice, username } });
    }
    await bench.ask("/v1/accounts", { method: "POST", body: { ...alice, domain: "Example.ORG" } });
    const seen: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 5; pages++) {
      const { json, text } = await bench.ask(`/v1/accounts?limit=2${cursor}`);
      expect(text).not.toMatch(/hunter2|ha1|[0-9a-f]{32}/);
      for (const { username, domain } of json.items) seen.push(`${username}@${domain}`);
      if (json.next === null) break;
      cursor = `&cursor=${json.next}`;
    }
    expect(seen).toEqual([
      "alice@example.com",
      "bob@example.com",
      "carol@example.com",
      "dave@example.com",
      "é@example.com",
      "alice@example.org",
    ]);
    const one = await bench.ask("/v1/accounts?domain=example.org");
    expect(one.json.items).toHaveLength(1);
  });

  test("that exists is not made again", async () => {
    const bench = new AdminBench();
    await bench.ask("/v1/accounts", { method: "POST", body: alice });
    const again = await bench.ask("/v1/accounts", { method: "POST", body: alice });
    expect([again.status, again.json.detail]).toEqual([409, "alice@example.com exists; PUT sets a new password"]);
  });

  test.each([
    ["GET", undefined],
    ["PUT", { password: "x" }],
    ["DELETE", undefined],
  ])("that does not exist is not there for %s", async (method, body) => {
    const answer = await new AdminBench().ask("/v1/accounts/example.com/nobody", { method, ...(body && { body }) });
    expect([answer.status, answer.json.detail]).toEqual([404, "there is no account nobody@example.com"]);
  });

  test.each([
    ["few.example", "few.example does not keep its accounts in SQLite"],
    ["example.net", "example.net is none of our domains"],
  ])("of %s cannot be changed here", async (domain, detail) => {
    const bench = new AdminBench();
    const answers = [
      await bench.ask("/v1/accounts", { method: "POST", body: { ...alice, domain } }),
      await bench.ask(`/v1/accounts/${domain}/alice`),
      await bench.ask(`/v1/accounts?domain=${domain}`),
    ];
    for (const answer of answers) expect([answer.status, answer.json.detail]).toEqual([404, detail]);
  });
});

describe("a body that makes no sense", () => {
  test.each([
    [{ ...alice, username: "a:b" }, "username", 'must be 1 to 128 characters without : " \\'],
    [{ ...alice, username: "" }, "username", 'must be 1 to 128 characters without : " \\'],
    [{ ...alice, password: "" }, "password", "must not be empty"],
    [{ ...alice, password: "x".repeat(1025) }, "password", "must be at most 1024 characters"],
    [{ ...alice, password: 12345 }, "password", "must be text"],
    [{ username: "alice", domain: "example.com" }, "password", "is missing"],
    [{ ...alice, admin: true }, "admin", "is no key of this request"],
    [[alice], "username", "is missing"],
  ])("%j", async (body, name, detail) => {
    const answer = await new AdminBench().ask("/v1/accounts", { method: "POST", body });
    expect(answer.status).toBe(400);
    expect(answer.json.errors).toContainEqual({ in: "json", name, detail });
    expect(answer.text).not.toMatch(/hunter2|12345/);
  });
});

describe("a store that is not to be had", () => {
  test("because another program is writing is 503, soon", async () => {
    const bench = new AdminBench();
    await bench.ask("/v1/accounts", { method: "POST", body: alice });
    const other = new DatabaseSync(join(bench.folder, "users.db"));
    other.exec("BEGIN IMMEDIATE");
    const answer = await bench.ask("/v1/accounts/example.com/alice", { method: "DELETE" });
    other.exec("ROLLBACK");
    other.close();
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(answer.json.detail).toMatch(/^the account store of example\.com cannot be used: .*locked/);
    expect((await bench.ask("/v1/accounts/example.com/alice", { method: "DELETE" })).status).toBe(204);
  });
});
