import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SqliteAccounts } from "../../adapters/accounts/sqlite.ts";
import { inProcess } from "./in-process.ts";
import { emptyFolder, parley } from "./run-parley.ts";

/** A folder with a configuration of these domains, all of them in SQLite but `static.example`. */
function folderWith(...domains: string[]): string {
  const folder = emptyFolder();
  const list = domains.map((name) => `{ name: ${name}, accounts: ${name === "static.example" ? "fixed" : "main"} }`);
  writeFileSync(
    join(folder, "parley.yaml"),
    `hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:2858", auth: insecure }]
domains: [${list.join(", ")}]
accounts: { main: { type: sqlite, path: users.db }, fixed: { type: static, users: { carol: { password: x } } } }
`,
  );
  return folder;
}

const md5 = createHash("md5").update("alice:example.com:secret").digest("hex");
const at = ["--config", "parley.yaml"];

async function md5Of(folder: string, username: string, domain: string): Promise<string | undefined> {
  const store = new SqliteAccounts(join(folder, "users.db"));
  const found = await store.find(username, domain);
  store.close();
  return found?.ha1?.MD5;
}

describe("parley user", () => {
  test("adds a user with the password given, found by the relay's store", async () => {
    const folder = folderWith("example.com");
    const ran = await parley(folder, ["user", "add", "alice", "--password", "secret", ...at]);
    expect(ran).toEqual({ code: 0, out: "added alice@example.com\n", err: "" });
    expect(await md5Of(folder, "alice", "example.com")).toBe(md5);
  });

  test("takes the password from standard input", async () => {
    const folder = folderWith("example.com");
    const ran = await parley(folder, ["user", "add", "alice", ...at], "secret\nmore\n");
    expect(ran.code).toBe(0);
    expect(await md5Of(folder, "alice", "example.com")).toBe(md5);
  });

  test("makes a password and shows it", async () => {
    const ran = await parley(folderWith("example.com"), ["user", "add", "alice", "--generate", ...at]);
    expect(ran.out).toMatch(/^added alice@example\.com, password ([a-z2-9]{5}-){3}[a-z2-9]{5}\n$/);
  });

  test("changes, lists and removes", async () => {
    const folder = folderWith("example.com");
    await parley(folder, ["user", "add", "alice", "--password", "secret", ...at]);
    const before = await md5Of(folder, "alice", "example.com");
    const changed = await parley(folder, ["user", "passwd", "alice@example.com", "--password", "other", ...at]);
    expect(changed.out).toBe("set a new password for alice@example.com\n");
    expect(await md5Of(folder, "alice", "example.com")).not.toBe(before);
    expect((await parley(folder, ["user", "list", ...at])).out).toMatch(
      /^alice@example\.com {2}password set \d{4}-.*Z\n$/,
    );
    expect((await parley(folder, ["user", "remove", "alice", ...at])).code).toBe(0);
    expect(await parley(folder, ["user", "list", ...at])).toEqual({ code: 0, out: "", err: "" });
  });

  test("by several at once loses nobody, also when the file is made", async () => {
    const folder = folderWith("example.com");
    const names = ["a", "b", "c", "d"];
    const ran = await Promise.all(names.map((name) => parley(folder, ["user", "add", name, "--password", "p", ...at])));
    expect(ran.map(({ code, err }) => [code, err])).toEqual(names.map(() => [0, ""]));
    const { out } = await parley(folder, ["user", "list", ...at]);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split("@")[0]),
    ).toEqual(names);
  });
});

describe("parley user refuses", () => {
  test.each<[string, string[], string[], number, string]>([
    [
      "a user who is there already",
      ["example.com"],
      ["add", "bob"],
      1,
      "bob@example.com exists; parley user passwd sets a new password",
    ],
    ["a new password for nobody", ["example.com"], ["passwd", "eve"], 1, "there is no user eve@example.com"],
    ["to remove nobody", ["example.com"], ["remove", "eve"], 1, "there is no user eve@example.com"],
    ["an empty password", ["example.com"], ["add", "eve", "--password", ""], 1, "an empty password is none"],
    [
      "a domain that is not there",
      ["example.com"],
      ["add", "eve@exmple.com"],
      1,
      "the configuration has no domain exmple.com, did you mean example.com?",
    ],
    [
      "a domain whose users stand in the file",
      ["static.example"],
      ["add", "eve@static.example"],
      1,
      "accounts.fixed is not in SQLite",
    ],
    [
      "a name without its domain when there are two",
      ["a.example", "b.example"],
      ["add", "eve"],
      2,
      "say which domain: --domain a.example or b.example",
    ],
    ["a name that Digest cannot carry", ["example.com"], ["add", "a:b"], 2, '"a:b" is no user name'],
    ["a name with a control character", ["example.com"], ["add", "a\nb"], 2, '"a\\nb" is no user name'],
    [
      "an action it does not know",
      ["example.com"],
      ["ad", "x"],
      2,
      "user ad: add, passwd, remove or list, did you mean add?",
    ],
    ["an action without its name", ["example.com"], ["remove"], 2, "user remove needs a NAME"],
  ])("%s", async (_name, domains, args, code, text) => {
    const folder = folderWith(...domains);
    const store = new SqliteAccounts(join(folder, "users.db"));
    for (const domain of domains) store.add("bob", domain, "secret");
    store.close();
    const ran = await inProcess(folder, ["user", ...args, ...at], "password");
    expect(ran.err).toContain(`parley: ${text}`);
    expect([ran.code, ran.out]).toEqual([code, ""]);
  });

  test("to work without a configuration", async () => {
    const { code, err } = await inProcess(emptyFolder(), ["user", "list"]);
    expect([code, err]).toEqual([
      1,
      "parley: no configuration: there is no parley-data/parley.yaml and no --config was given\n",
    ]);
  });
});
