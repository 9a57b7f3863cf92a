import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SqliteAccounts } from "../../adapters/accounts/sqlite.ts";

let folder: string;
let path: string;
const open: SqliteAccounts[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-accounts-"));
  path = join(folder, "users.db");
});

afterEach(() => {
  for (const store of open.splice(0)) store.close();
  rmSync(folder, { recursive: true, force: true });
});

function store(): SqliteAccounts {
  const made = new SqliteAccounts(path);
  open.push(made);
  return made;
}

describe("an SQLite account store", () => {
  test("finds H(A1) of a user it was given, for every algorithm", async () => {
    const accounts = store();
    expect(accounts.add("alice", "example.com", "pässword")).toBe(true);
    const secret = "alice:example.com:pässword";
    expect(await accounts.find("alice", "example.com")).toEqual({
      ha1: {
        MD5: createHash("md5").update(secret).digest("hex"),
        "SHA-256": createHash("sha256").update(secret).digest("hex"),
        "SHA-512-256": createHash("sha512-256").update(secret).digest("hex"),
      },
    });
  });

  test("knows the H(A1) of RFC 2617 §3.5", async () => {
    const accounts = store();
    accounts.add("Mufasa", "testrealm@host.com", "Circle Of Life");
    const found = await accounts.find("Mufasa", "testrealm@host.com");
    expect(found?.ha1?.MD5).toBe("939e7578ed9e3c518a452acee763bce9");
  });

  test("keeps no password", async () => {
    store().add("alice", "example.com", "correct horse");
    const database = new DatabaseSync(path);
    const rows = database.prepare("SELECT * FROM users").all();
    database.close();
    expect(JSON.stringify(rows)).not.toContain("correct horse");
  });

  test("tells domains, and upper from lower case, apart", async () => {
    const accounts = store();
    accounts.add("alice", "example.com", "one");
    expect(await accounts.find("alice", "example.net")).toBeUndefined();
    expect(await accounts.find("Alice", "example.com")).toBeUndefined();
    expect(accounts.add("alice", "example.net", "two")).toBe(true);
  });

  test("takes a name as it is, whatever it looks like", async () => {
    const accounts = store();
    expect(await accounts.find("' OR 1=1 --", "example.com")).toBeUndefined();
    accounts.add("' OR 1=1 --", "example.com", "x");
    expect(accounts.list().map(({ username }) => username)).toEqual(["' OR 1=1 --"]);
  });

  test("does not change a user by adding it again", async () => {
    const accounts = store();
    accounts.add("alice", "example.com", "one");
    const before = await accounts.find("alice", "example.com");
    expect(accounts.add("alice", "example.com", "two")).toBe(false);
    expect(await accounts.find("alice", "example.com")).toEqual(before);
  });

  test("sets a new password, and says when there is no such user", async () => {
    const accounts = store();
    accounts.add("alice", "example.com", "one");
    const before = await accounts.find("alice", "example.com");
    expect(accounts.setPassword("alice", "example.com", "two")).toBe(true);
    expect(await accounts.find("alice", "example.com")).not.toEqual(before);
    expect(accounts.setPassword("bob", "example.com", "two")).toBe(false);
  });

  test("removes a user, once", async () => {
    const accounts = store();
    accounts.add("alice", "example.com", "one");
    expect([accounts.remove("alice", "example.com"), accounts.remove("alice", "example.com")]).toEqual([true, false]);
    expect(await accounts.find("alice", "example.com")).toBeUndefined();
  });

  test("lists by domain, then name", () => {
    const accounts = store();
    for (const [name, domain] of [
      ["b", "y"],
      ["a", "y"],
      ["c", "x"],
    ] as const)
      accounts.add(name, domain, "p");
    expect(accounts.list().map(({ username, domain }) => `${username}@${domain}`)).toEqual(["c@x", "a@y", "b@y"]);
  });

  test("may be open twice: what one writes the other finds", async () => {
    const [relay, program] = [store(), store()];
    expect(await relay.find("alice", "example.com")).toBeUndefined();
    program.add("alice", "example.com", "one");
    expect(await relay.find("alice", "example.com")).toBeDefined();
    program.remove("alice", "example.com");
    expect(await relay.find("alice", "example.com")).toBeUndefined();
  });

  test("is still there after a restart", async () => {
    const first = new SqliteAccounts(path);
    first.add("alice", "example.com", "one");
    first.close();
    expect(await store().find("alice", "example.com")).toBeDefined();
  });

  test("is a file that only its owner may read", () => {
    store();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("refuses a file made by a newer version", () => {
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(() => new SqliteAccounts(path)).toThrow(
      `cannot use the account store ${path}: it was made by a newer parley`,
    );
  });

  test("refuses a file that is no database", () => {
    writeFileSync(path, "alice: secret\n".repeat(100));
    expect(() => new SqliteAccounts(path)).toThrow(/cannot use the account store .*not a database/);
  });

  test("refuses a folder that is not there", () => {
    expect(() => new SqliteAccounts(join(folder, "nowhere", "users.db"))).toThrow(/ENOENT|no such file/i);
  });
});
