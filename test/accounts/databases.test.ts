/**
 * Accounts in PostgreSQL and MariaDB, with OpenSIPS's table as it is: against servers of our own, which go and come back.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Accounts, type AccountsNews } from "../../adapters/accounts/accounts.ts";
import { openStore } from "../../adapters/accounts/open.ts";
import { readSettings } from "../../adapters/config/load.ts";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import {
  type DatabaseServer,
  mariadbNeed,
  PASSWORD,
  postgresNeed,
  startMariadb,
  startPostgres,
} from "../support/databases.ts";
import { describeEverywhereWith } from "../support/present.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/wait.ts";

const hash = (algorithm: string, user: string, password: string, domain = "example.com") =>
  createHash(algorithm).update(`${user}:${domain}:${password}`).digest("hex");

const columns = `
  password CHAR(25) DEFAULT '' NOT NULL,
  cr_preferred_carrier INTEGER DEFAULT NULL,
  ha1 CHAR(64) DEFAULT '' NOT NULL,
  ha1_sha256 CHAR(64) DEFAULT '' NOT NULL,
  ha1_sha512t256 CHAR(64) DEFAULT '' NOT NULL,
  rpid CHAR(64) DEFAULT NULL,`;
const names = "username CHAR(64) DEFAULT '' NOT NULL, domain CHAR(64) DEFAULT '' NOT NULL,";

const rows = `
  INSERT INTO subscriber (username, domain, password) VALUES ('alice', 'example.com', 'wonderland');
  INSERT INTO subscriber (username, domain, password) VALUES ('alice', 'example.net', 'elsewhere');
  INSERT INTO subscriber (username, domain, ha1) VALUES ('bob', 'example.com', '${hash("md5", "bob", "b").toUpperCase()}');
  INSERT INTO subscriber (username, domain, ha1, ha1_sha256, ha1_sha512t256) VALUES ('carol', 'example.com',
    '${hash("md5", "carol", "c")}', '${hash("sha256", "carol", "c")}', '${hash("sha512-256", "carol", "c")}');
  INSERT INTO subscriber (username, domain) VALUES ('nothing', 'example.com');
  INSERT INTO subscriber (username, domain, ha1) VALUES ('broken', 'example.com', 'not a hash');
  INSERT INTO subscriber (username, domain, password) VALUES ('o''brien "x" \`y\`', 'example.com', 'quoted');
  INSERT INTO subscriber (username, domain, password) VALUES ('Jäsøn', 'example.com', 'gehéim');`;

interface Kind {
  readonly type: "postgres" | "mysql";
  readonly need: typeof postgresNeed;
  readonly start: typeof startPostgres;
  readonly database: string;
  readonly tables: string;
  /** How it says that there is no such table, and that a password is wrong. */
  readonly noTable: RegExp;
  readonly denied: RegExp;
}

const kinds: readonly Kind[] = [
  {
    type: "postgres",
    need: postgresNeed,
    start: startPostgres,
    database: "postgres",
    // VARCHAR there; CHAR, which is filled up with blanks, is the harder case for the hashes.
    tables: `CREATE TABLE subscriber (id SERIAL PRIMARY KEY NOT NULL, ${names.replaceAll("CHAR", "VARCHAR")}
        ${columns.replace("password CHAR", "password VARCHAR")} UNIQUE (username, domain));
      CREATE SCHEMA sip; CREATE TABLE sip."Order" ("user" TEXT PRIMARY KEY, "SELECT" BYTEA);
      INSERT INTO sip."Order" VALUES ('dave', 'd');`,
    noTable: /relation "nowhere" does not exist/,
    denied: /password authentication failed for user "parley"/,
  },
  {
    type: "mysql",
    need: mariadbNeed,
    start: startMariadb,
    database: "parley",
    tables: `CREATE TABLE subscriber (id INT(10) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL, ${names} ${columns}
        UNIQUE (username, domain)) ENGINE=InnoDB;
      CREATE DATABASE sip; CREATE TABLE sip.\`Order\` (user VARCHAR(64) PRIMARY KEY, \`SELECT\` VARBINARY(64));
      INSERT INTO sip.\`Order\` VALUES ('dave', 'd');`,
    noTable: /Table 'parley\.nowhere' doesn't exist/,
    denied: /Access denied for user 'parley'/,
  },
];

describe.each(kinds)("$type", ({ type, need, start, database, tables, noTable, denied }) => {
  describeEverywhereWith([need], `accounts in ${type}`, () => {
    let folder: string;
    let authority: TestAuthority;
    let server: DatabaseServer;
    let proxy: TcpProxy;
    const open: Accounts[] = [];
    let news: AccountsNews[] = [];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "parley-databases-"));
      authority = await testAuthority();
      writeFileSync(join(folder, "ca.crt"), authority.cert);
      writeFileSync(join(folder, "other.crt"), (await testAuthority("another authority")).cert);
      server = await start(await authority.issue("localhost", "127.0.0.1"));
      server.sql(tables + rows);
      proxy = await TcpProxy.open(server.port);
    }, 120_000);

    afterEach(async () => {
      proxy.resume();
      await Promise.all(open.splice(0).map((accounts) => accounts.close()));
      news = [];
    });

    afterAll(async () => {
      await proxy?.close();
      await server?.end();
      rmSync(folder, { recursive: true, force: true });
    });

    /** A store as a configuration describes it. */
    function described(keys = "", port = server.port, host = "127.0.0.1", password = encodeURIComponent(PASSWORD)) {
      const store = `{ type: ${type}, url: "${type}://parley:${password}@${host}:${port}/${database}", ${keys} }`;
      const configuration = `
hostname: relay.example.com
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: example.com, accounts: main }, { name: example.net, accounts: main }]
accounts: { main: ${store} }
`;
      const { settings, problems } = readSettings(configuration, folder, {}, Date.now());
      expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
      if (settings === undefined) throw new Error("the configuration has errors");
      return settings;
    }

    async function accountsOf(...given: Parameters<typeof described>): Promise<Accounts> {
      const { accounts: stores, accountsOf: byDomain } = described(...given);
      const accounts = await Accounts.open(stores, byDomain, (line) => news.push(line));
      open.push(accounts);
      return accounts;
    }

    const view = (accounts: Accounts) => accounts.views[0] as Accounts["views"][number];
    const isUp = (accounts: Accounts, up: boolean) =>
      until(() => view(accounts).up === up, `the database to be ${up ? "up" : "down"}`, 20_000);

    test("finds the password of a user of that domain", async () => {
      const accounts = await accountsOf();
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
      expect(await accounts.find("alice", "example.net")).toEqual({ password: "elsewhere" });
      expect(await accounts.find("zoe", "example.com")).toBeUndefined();
      expect(view(accounts).counters).toMatchObject({ found: 2, missing: 1, failed: 0, cached: 0 });
    });

    test("finds H(A1), in lower case and without the blanks of its column", async () => {
      const accounts = await accountsOf();
      expect(await accounts.find("bob", "example.com")).toEqual({ ha1: { MD5: hash("md5", "bob", "b") } });
    });

    test("finds H(A1) for every algorithm whose column is named", async () => {
      const accounts = await accountsOf("ha1: ha1, ha1Sha256: ha1_sha256, ha1Sha512256: ha1_sha512t256");
      expect(await accounts.find("carol", "example.com")).toEqual({
        ha1: {
          MD5: hash("md5", "carol", "c"),
          "SHA-256": hash("sha256", "carol", "c"),
          "SHA-512-256": hash("sha512-256", "carol", "c"),
        },
      });
      // A password that is there and was not asked for is not read.
      expect(await accounts.find("alice", "example.com")).toBeUndefined();
    });

    test("takes an empty password for none, and what is no hash for none", async () => {
      const accounts = await accountsOf();
      expect(await accounts.find("nothing", "example.com")).toBeUndefined();
      expect(await accounts.find("broken", "example.com")).toBeUndefined();
    });

    test("knows users by their octets, whatever the collation thinks is equal", async () => {
      const accounts = await accountsOf();
      for (const name of ["ALICE", "alice ", "älice", "alice\0"]) {
        expect(await accounts.find(name, "example.com")).toBeUndefined();
      }
      expect(await accounts.find("Jäsøn", "example.com")).toEqual({ password: "gehéim" });
    });

    test("takes what a client sends for a name and never for SQL", async () => {
      const accounts = await accountsOf();
      expect(await accounts.find(`o'brien "x" \`y\``, "example.com")).toEqual({ password: "quoted" });
      for (const name of ["' OR ''='", `" OR ""="`, "alice'; DROP TABLE subscriber; --", "\\", "%", "😀".repeat(60)]) {
        expect(await accounts.find(name, "example.com")).toBeUndefined();
      }
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
      expect(view(accounts).counters.failed).toBe(0);
    });

    test("reads any table and columns, also of names that SQL has for itself, without a domain and of octets", async () => {
      const accounts = await accountsOf("table: sip.Order, username: user, useDomain: false, password: SELECT");
      expect(await accounts.find("dave", "example.com")).toEqual({ password: "d" });
      expect(await accounts.find("dave", "example.net")).toEqual({ password: "d" });
    });

    test("answers many at once over a few connections", async () => {
      const before = proxy.accepted;
      const accounts = await accountsOf("connections: 3", proxy.port);
      const found = await Promise.all(Array.from({ length: 200 }, (_, i) => accounts.find(`user${i}`, "example.com")));
      expect(found.every((one) => one === undefined)).toBe(true);
      expect(proxy.accepted - before).toBeLessThanOrEqual(3);
      expect(view(accounts).counters.latency.reduce((sum, count) => sum + count)).toBe(200);
    });

    test("is asked once for a while, and again when the account has changed", async () => {
      const accounts = await accountsOf();
      server.sql("INSERT INTO subscriber (username, domain, password) VALUES ('eve', 'example.com', 'one')");
      expect(await accounts.find("eve", "example.com")).toEqual({ password: "one" });
      server.sql("UPDATE subscriber SET password = 'two' WHERE username = 'eve'");
      expect(await accounts.find("eve", "example.com")).toEqual({ password: "one" });
      accounts.forget("eve", "example.com");
      expect(await accounts.find("eve", "example.com")).toEqual({ password: "two" });
      expect(view(accounts).counters).toMatchObject({ found: 2, cached: 1 });
    });

    test("over TLS is believed by the authority that was named, and by no other", async () => {
      const known = await accountsOf("tls: { ca: [ca.crt] }", server.port, "localhost");
      expect(await known.find("alice", "example.com")).toEqual({ password: "wonderland" });
      const unknown = await accountsOf("tls: { ca: [other.crt] }", server.port, "localhost");
      await expect(unknown.find("alice", "example.com")).rejects.toThrow(/certificate|issuer|UnknownIssuer/i);
      const system = await accountsOf("tls: true", server.port, "localhost");
      await expect(system.find("alice", "example.com")).rejects.toThrow(/certificate|issuer/i);
    });

    test("over TLS has to have the name we call it by", async () => {
      server.certify(await authority.issue("database.example.com"));
      await server.stop();
      await server.start();
      try {
        const accounts = await accountsOf("tls: { ca: [ca.crt] }", server.port, "localhost");
        await expect(accounts.find("alice", "example.com")).rejects.toThrow(/altname|name|not valid/i);
      } finally {
        server.certify(await authority.issue("localhost", "127.0.0.1"));
        await server.stop();
        await server.start();
      }
    });

    test("says why it does not let us in, without the password", async () => {
      const wrong = "wr0ng-passw0rd";
      const accounts = await accountsOf("", server.port, "127.0.0.1", wrong);
      await expect(accounts.find("alice", "example.com")).rejects.toThrow(denied);
      await isUp(accounts, false);
      expect(news.find(({ event }) => event === "accountsDown")?.text).toMatch(denied);
      expect(JSON.stringify(news)).not.toContain(wrong);
    });

    test("says that there is no such table, and finds it when it is made", async () => {
      const accounts = await accountsOf("table: nowhere");
      await isUp(accounts, false);
      expect(news[0]?.text).toMatch(noTable);
      server.sql(`CREATE TABLE nowhere AS SELECT * FROM subscriber`);
      await isUp(accounts, true);
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
      server.sql("DROP TABLE nowhere");
    });

    test("that restarts between two questions is not noticed", async () => {
      const accounts = await accountsOf("cache: { seconds: 0 }");
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
      await server.stop();
      await server.start();
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
      expect(view(accounts).counters.failed).toBe(0);
    });

    test("whose connections are cut in the middle of everything is asked again over others", async () => {
      const accounts = await accountsOf("cache: { seconds: 0, negativeSeconds: 0 }", proxy.port);
      let wrong = 0;
      for (let i = 0; i < 20; i++) {
        const asked = Array.from({ length: 10 }, (_, j) => accounts.find(`user${i}-${j}`, "example.com"));
        if (i % 5 === 4) proxy.cut();
        for (const answer of await Promise.allSettled(asked)) if (answer.status === "rejected") wrong++;
      }
      await isUp(accounts, true);
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
      expect(view(accounts).counters.failed).toBe(wrong);
    });

    test("that goes away fails at once, answers what is kept, and is found again by itself when it comes back", async () => {
      const accounts = await accountsOf();
      await accounts.find("alice", "example.com");
      await server.stop();
      try {
        for (let i = 0; i < 10; i++) await expect(accounts.find(`user${i}`, "example.com")).rejects.toThrow();
        expect(view(accounts)).toMatchObject({ up: false, counters: { failed: 10 } });
        expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
        // Ten failures are two lines: one for the log of those who look there, one that says what is the matter.
        expect(news.map(({ event }) => event).toSorted()).toEqual(["accountsDown", "accountsUnavailable"]);
      } finally {
        await server.start();
      }
      await isUp(accounts, true);
      expect(news.at(-1)).toMatchObject({ event: "accountsUp", store: "main" });
      expect(await accounts.find("bob", "example.com")).toBeDefined();
    });

    test("that hangs is given up in time, and found again when it goes on", async () => {
      const accounts = await accountsOf("connectSeconds: 1, querySeconds: 1, cache: { seconds: 0 }", proxy.port);
      await accounts.find("alice", "example.com");
      proxy.hang();
      const began = performance.now();
      await expect(accounts.find("alice", "example.com")).rejects.toThrow();
      await expect(accounts.find("bob", "example.com")).rejects.toThrow();
      await expect(accounts.find("carol", "example.com")).rejects.toThrow();
      expect(performance.now() - began).toBeLessThan(9_000);
      await isUp(accounts, false);
      proxy.resume();
      await isUp(accounts, true);
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
    });

    test("that is not there when parley starts is no reason not to start", async () => {
      await server.stop();
      let accounts: Accounts;
      try {
        accounts = await accountsOf();
        await isUp(accounts, false);
        await expect(accounts.find("alice", "example.com")).rejects.toThrow();
      } finally {
        await server.start();
      }
      await isUp(accounts, true);
      expect(await accounts.find("alice", "example.com")).toEqual({ password: "wonderland" });
    });

    test("that hangs does not keep parley from ending", async () => {
      const accounts = await accountsOf("connectSeconds: 4, querySeconds: 4", proxy.port);
      await accounts.find("alice", "example.com");
      proxy.hang();
      const asked = accounts.find("bob", "example.com");
      asked.catch(() => {});
      const began = performance.now();
      await accounts.close();
      expect(performance.now() - began).toBeLessThan(3_000);
    });

    test("can be probed before it is used", async () => {
      const store = described().accounts.get("main");
      if (store === undefined) throw new Error("no store");
      const probed = await openStore(store, () => {});
      await probed.probe?.();
      await probed.close();
    });
  });
});
