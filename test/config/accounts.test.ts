/** Accounts that are asked for elsewhere, as an operator writes them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../adapters/config/load.ts";
import { formatProblem } from "../../adapters/config/problem.ts";
import { makeAuthority, makeCertificate } from "../support/certificates.ts";

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-accounts-config-"));
  const authority = await makeAuthority({ name: "test authority", days: 365 });
  const pair = await makeCertificate({ authority, names: ["relay.example.com"], days: 365 });
  const files = {
    "ca.crt": authority.cert,
    "relay.crt": pair.cert,
    "relay.key": pair.key,
    "db.url": "postgres://sip:s3cret@db.example.com/opensips\n",
    "db.password": "p@ss/w:rd\n",
    "web.secret": "a secret of some length\n",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(store: string, env: Record<string, string> = {}) {
  const source = `hostname: relay.example.com
listeners: [{ name: public, url: "msrps://0.0.0.0:2855", tls: { cert: relay.crt, key: relay.key } }]
domains: [{ name: relay.example.com, accounts: main }]
accounts: { main: ${store} }
`;
  const { settings, problems } = readSettings(source, folder, env, Date.now());
  const told = problems.map((problem) => formatProblem("c.yaml", problem).replace(/^c\.yaml:\d+:\d+ +/, ""));
  return { store: settings?.accounts.get("main"), told };
}

const cache = { seconds: 30, negativeSeconds: 5, entries: 10_000 };

describe("a database with nothing but its URL", () => {
  test("is the table of OpenSIPS and Kamailio, over TLS and believed by its name", () => {
    const { store, told } = read('{ type: postgres, url: "postgres://sip:s3cret@db.example.com/opensips" }');
    expect(told).toEqual([]);
    expect(store).toEqual({
      type: "postgres",
      server: { host: "db.example.com", port: 5432 },
      user: "sip",
      password: "s3cret",
      database: "opensips",
      tls: { ca: [] },
      table: ["subscriber"],
      columns: { username: "username", domain: "domain", password: "password", ha1: { MD5: "ha1" } },
      connections: 8,
      connectSeconds: 2,
      querySeconds: 2,
      cache,
    });
  });

  test("of this machine needs no TLS", () => {
    for (const host of ["127.0.0.1", "localhost", "[::1]", "%2Frun%2Fmysqld%2Fmysqld.sock"]) {
      const { store, told } = read(`{ type: mysql, url: "mysql://sip@${host}:3307/opensips" }`);
      expect(told).toEqual([]);
      expect(store).not.toHaveProperty("tls");
      expect(store).toMatchObject({ server: { port: 3307 }, user: "sip" });
    }
    const socket = read('{ type: postgres, url: "postgres://sip@%2Frun%2Fpostgresql/opensips" }');
    expect(socket.store).toMatchObject({ server: { host: "/run/postgresql", port: 5432 } });
  });
});

describe("the secrets of a database", () => {
  test.each<[string, string, string]>([
    [
      "stand in its URL, written as URLs want it",
      'url: "postgres://sip:p%40ss%2Fw%3Ard@db.example.com/x"',
      "p@ss/w:rd",
    ],
    ["come from the environment", 'url: "postgres://sip:${DB}@db.example.com/x"', "fr0m-env"],
    ["stand in a file with the URL", 'url: "file:db.url"', "s3cret"],
    [
      "stand apart, as they are",
      'url: "postgres://sip@db.example.com/x", urlPassword: "file:db.password"',
      "p@ss/w:rd",
    ],
  ])("%s", (_, keys, password) => {
    const { store, told } = read(`{ type: postgres, ${keys} }`, { DB: "fr0m-env" });
    expect(told).toEqual([]);
    expect(store).toMatchObject({ user: "sip", password });
  });
});

test("the columns that are named are read and no others", () => {
  const url = 'type: mysql, url: "mysql://sip@db.example.com/x"';
  const columns = (keys: string) => read(`{ ${url}, ${keys} }`).store;
  expect(columns("ha1: hash, ha1Sha256: hash256, ha1Sha512256: hash512t256")).toMatchObject({
    columns: { ha1: { MD5: "hash", "SHA-256": "hash256", "SHA-512-256": "hash512t256" } },
  });
  expect(columns("password: pw")).toMatchObject({ columns: { password: "pw", ha1: {} } });
  expect(columns("password: pw, table: sip.users, username: name, useDomain: false")).toMatchObject({
    table: ["sip", "users"],
    columns: { username: "name", password: "pw", ha1: {} },
  });
});

test("TLS of a database has the authorities and the certificate that are named", () => {
  const tls = "tls: { ca: [ca.crt], cert: relay.crt, key: relay.key }";
  const { store } = read(`{ type: postgres, url: "postgres://sip@127.0.0.1/x", ${tls} }`);
  expect(store).toMatchObject({
    tls: {
      ca: [expect.stringContaining("BEGIN CERTIFICATE")],
      own: { cert: expect.stringContaining("BEGIN CERTIFICATE"), key: expect.stringContaining("PRIVATE KEY") },
    },
  });
});

describe("what is wrong with a database is said without its password:", () => {
  const example = "must be postgres://USER:PASSWORD@HOST/DATABASE";
  test.each<[string, string, string]>([
    [
      "another database's URL",
      'url: "mysql://sip:s3cret@db/x"',
      `url: ${example}; what is neither letter nor digit in a password is written as %XX, or goes into urlPassword`,
    ],
    [
      "a password with a slash",
      'url: "postgres://sip:s3/cret@db/x"',
      `url: ${example}; what is neither letter nor digit in a password is written as %XX, or goes into urlPassword`,
    ],
    ["no user", 'url: "postgres://db/x"', `url: has no user; ${example}`],
    ["no database", 'url: "postgres://sip:s3cret@db"', `url: names no database; ${example}`],
    [
      "parameters",
      'url: "postgres://sip:s3cret@db/x?sslmode=disable"',
      "url: ends in ?…, which is not understood here; tls and time-outs are keys of their own",
    ],
    [
      "a broken escape",
      'url: "postgres://sip:s3cret%4@db/x"',
      "url: has a % that is not followed by two hexadecimal digits",
    ],
    ["two passwords", 'url: "postgres://sip:s3cret@db/x", urlPassword: x', "urlPassword: url has a password already"],
    [
      "a table that is no name",
      `url: "postgres://sip@db/x", table: 'users"; --'`,
      'table: must be the name of a table, or SCHEMA.TABLE, found "users\\"; --"',
    ],
    [
      "a column that is no name",
      'url: "postgres://sip@db/x", username: "a b"',
      'username: must be a name of letters, digits and _, found "a b"',
    ],
    ["an unknown key", 'url: "postgres://sip@db/x", tabel: x', "tabel: unknown key, did you mean table?"],
    [
      "an authority that is none",
      'url: "postgres://sip@db/x", tls: { ca: [db.url] }',
      "tls.ca[0]: holds no PEM certificate",
    ],
    ["half a certificate", 'url: "postgres://sip@db/x", tls: { cert: relay.crt }', "tls: cert and key need each other"],
    [
      "TLS on a socket",
      'url: "postgres://sip@%2Frun/x", tls: true',
      "tls: there is no TLS on a socket of this machine",
    ],
    [
      "a hurry",
      'url: "postgres://sip@db/x", querySeconds: 30',
      "querySeconds: must be a whole number from 1 to 4, found 30",
    ],
  ])("%s", (_, keys, text) => {
    const { store, told } = read(`{ type: postgres, ${keys} }`);
    expect(told).toEqual([`accounts.main.${text}`]);
    expect(store).toBeUndefined();
  });

  test("a MySQL server with TLS that has no name", () => {
    const { told } = read('{ type: mysql, url: "mysql://sip:s3cret@192.0.2.1/x" }');
    expect(told).toEqual([
      "accounts.main.url: over TLS the server needs a name that its certificate proves, and 192.0.2.1 is an address",
    ]);
  });
});

describe("an operator is warned", () => {
  test("of a database that is spoken to without TLS", () => {
    const { store, told } = read('{ type: postgres, url: "postgres://sip@db.example.com/x", tls: false }');
    expect(told).toEqual(["warning: accounts.main.tls: what db.example.com says of passwords can be read on the way"]);
    expect(store).not.toHaveProperty("tls");
  });

  test("of hashes that clients will be asked for and the table does not have", () => {
    const { told } = read('{ type: postgres, url: "postgres://sip@db.example.com/x", ha1: ha1 }');
    expect(told).toEqual([
      "warning: accounts.main.ha1: no hash for SHA-256, which relay.example.com offers to clients",
    ]);
  });

  test("of a service that is asked without TLS", () => {
    const { told } = read('{ type: http, url: "http://sip.example.com/accounts" }');
    expect(told).toEqual([
      "warning: accounts.main.url: what is asked of sip.example.com can be read on the way; use https",
    ]);
  });
});

describe("accounts behind HTTP", () => {
  test("have a URL, a token, a time and a second attempt", () => {
    const { store, told } = read('{ type: http, url: "https://sip.example.com/accounts", token: "file:db.password" }');
    expect(told).toEqual([]);
    expect(store).toEqual({
      type: "http",
      url: "https://sip.example.com/accounts",
      token: "p@ss/w:rd",
      seconds: 2,
      retries: 1,
      cache,
    });
  });

  test.each<[string, string, string]>([
    ["no HTTP", 'url: "ldap://sip.example.com"', "url: must be https://HOST/PATH"],
    ["a password", 'url: "https://a:s3cret@sip.example.com"', "url: has a password; use token"],
    [
      "a token with a line end in it",
      'url: "https://x", token: "a\\nb"',
      "token: has characters that a header cannot have",
    ],
    ["no time", 'url: "https://x", seconds: 0', "seconds: must be a whole number from 1 to 4, found 0"],
  ])("are refused with %s", (_, keys, text) => {
    expect(read(`{ type: http, ${keys} }`).told).toEqual([`accounts.main.${text}`]);
  });
});

describe("accounts of a shared secret", () => {
  test("have one secret or several", () => {
    expect(read('{ type: shared-secret, secret: "file:web.secret" }').store).toEqual({
      type: "shared-secret",
      secrets: ["a secret of some length"],
    });
    const two = '{ type: shared-secret, secrets: ["${NEW}", "file:web.secret"] }';
    expect(read(two, { NEW: "the newest secret of all" }).store).toEqual({
      type: "shared-secret",
      secrets: ["the newest secret of all", "a secret of some length"],
    });
  });

  test.each<[string, string, string]>([
    ["none", "{ type: shared-secret }", "accounts.main: needs either secret or secrets, the newest first"],
    [
      "a short one",
      "{ type: shared-secret, secret: s3cret }",
      "accounts.main.secret: must be at least 16 characters long: who guesses it is every user",
    ],
    ["an empty list", "{ type: shared-secret, secrets: [] }", "accounts.main.secrets: must have at least one entry"],
  ])("are refused with %s", (_, store, text) => expect(read(store).told).toEqual([text]));
});

describe("policy", () => {
  function policy(written: string) {
    const source = `hostname: relay.example.com
listeners: [{ name: public, url: "msrps://0.0.0.0:2855", tls: { cert: relay.crt, key: relay.key } }]
domains: [{ name: relay.example.com, accounts: main }]
accounts: { main: { type: static, users: {} } }
policy: ${written}
`;
    const { settings, problems } = readSettings(source, folder, {}, Date.now());
    return {
      settings,
      told: problems.map((problem) => formatProblem("c.yaml", problem).replace(/^c\.yaml:\d+:\d+ +/, "")),
    };
  }

  test("has rules and somebody to ask", () => {
    const { settings, told } = policy(
      '{ rules: [{ action: deny, user: eve, largerThan: 5 }], decision: { url: "https://x/decide", otherwise: deny } }',
    );
    expect(told).toEqual([]);
    expect(settings?.relay.policy).toEqual({ rules: [{ action: "deny", user: "eve", largerThan: 5 }], asks: true });
    expect(settings?.decision).toEqual({ url: "https://x/decide", seconds: 2, otherwise: "deny" });
  });

  test.each<[string, string, string]>([
    [
      "an action we do not know",
      "{ rules: [{ action: drop }] }",
      'policy.rules[0].action: must be allow or deny, found "drop"',
    ],
    [
      "a media type with parameters",
      '{ rules: [{ action: deny, contentType: "text/plain; a=b" }] }',
      'policy.rules[0].contentType: must be a media type without parameters, such as image/*, found "text/plain; a=b"',
    ],
    ["nothing for when nobody answers", '{ decision: { url: "https://x" } }', "policy.decision.otherwise: missing"],
    ["no HTTP", '{ decision: { url: "ftp://x", otherwise: deny } }', "policy.decision.url: must be https://HOST/PATH"],
  ])("is refused with %s", (_, written, text) => expect(policy(written).told).toEqual([text]));
});
