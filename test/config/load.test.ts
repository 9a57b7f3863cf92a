import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Loaded, loadSettings, readSettings } from "../../adapters/config/load.ts";
import { formatProblem } from "../../adapters/config/problem.ts";
import type { StoreSettings } from "../../adapters/accounts/store.ts";
import { relayConfig } from "../support/relay-config.ts";
import { makeAuthority, makeCertificate } from "../../adapters/shared/certificate-maker.ts";

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-config-"));
  const put = (name: string, content: string) => writeFileSync(join(folder, name), content);
  const authority = await makeAuthority({ name: "test authority", days: 365 });
  const pairs: [string, string[], number][] = [
    ["relay", ["relay.example.com"], 365],
    ["example", ["example.com"], 365],
    ["old", ["relay.example.com"], -3],
    ["soon", ["relay.example.com"], 5],
    ["wild", ["*.example.com", "127.0.0.1"], 365],
  ];
  for (const [name, names, days] of pairs) {
    const pair = await makeCertificate({ authority, names, days });
    put(`${name}.crt`, pair.cert);
    put(`${name}.key`, pair.key);
  }
  put("ca.crt", authority.cert);
  put("text.crt", "hello\n");
  put("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
  put("token", "s3cret-0123456789\n");
  put("empty", "\n");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function passwordOf(store: StoreSettings | undefined): string | undefined {
  return store?.type === "static" ? store.users.get("a")?.password : undefined;
}

function read(source: string, env: Record<string, string> = {}): Loaded {
  return readSettings(source, folder, env, Date.now());
}

/** The problems as people see them, without the folder's name. */
function problems(source: string, env: Record<string, string> = {}): string[] {
  return read(source, env).problems.map((problem) => formatProblem("c.yaml", problem).replaceAll(`${folder}/`, ""));
}

/** A configuration that is fine, with lines put in, or put in the place of a section. */
function sample(sections: Record<string, string> = {}): string {
  const usual: Record<string, string> = {
    hostname: "relay.example.com",
    listeners: '[{ name: public, url: "msrps://0.0.0.0:2855", tls: { cert: relay.crt, key: relay.key } }]',
    domains: "[{ name: relay.example.com, accounts: main }]",
    accounts: "{ main: { type: sqlite } }",
  };
  return Object.entries({ ...usual, ...sections })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join("");
}

describe("a configuration with nothing but what it must have", () => {
  test("has the documented defaults", () => {
    const { settings, problems: none } = read(sample());
    expect(none).toEqual([]);
    expect(settings?.relay).toEqual(
      relayConfig({ domains: [{ name: "relay.example.com", algorithms: ["MD5", "SHA-256"] }] }),
    );
    expect(settings?.outgoing).toEqual({ allow: ["public"], from: [], plain: false, tls: { ca: [], system: true } });
    expect(settings?.limits).toEqual({
      connections: 20_000,
      connectionsPerAddress: 100,
      connectionsPerSecondPerAddress: 0,
      memoryMegabytes: 0,
    });
    expect(settings?.log).toEqual({
      level: "info",
      format: "json",
      levels: new Map(),
      hash: { addresses: false, users: false },
    });
    expect(settings?.admin).toBeUndefined();
    expect(settings?.webhooks).toEqual([]);
    expect(settings?.accounts.get("main")).toEqual({ type: "sqlite", path: join(folder, "users.db") });
    expect(settings?.data).toBe(folder);
  });
});

test("limits on the time of sessions reach core", () => {
  const { settings } = read(sample({ limits: "{ sessionIdleSeconds: 600, sessionMaxSeconds: 7200 }" }));
  expect(settings?.relay.limits).toMatchObject({ sessionIdleSeconds: 600, sessionMaxSeconds: 7200 });
});

describe("the configuration of PRODUCT", () => {
  const whole = `
hostname: relay.example.com            # the name in the URIs we hand out
data: /var/lib/parley
listeners:
  - { name: public, url: "msrps://0.0.0.0:2855", tls: { cert: relay.crt, key: relay.key } }
  - { name: inside, url: "msrp://10.0.0.5:2856" }
  - { name: behind-tls-proxy, url: "msrp://127.0.0.1:2857", auth: insecure, advertise: "msrps://relay.example.com:2855" }
  - { name: lab, url: "msrp://127.0.0.1:2858", auth: insecure }
domains:
  - { name: example.com, accounts: main, tls: { cert: example.crt, key: example.key } }
accounts:
  main: { type: sqlite, path: users.db }
auth: { algorithms: [MD5, SHA-256], nonceSeconds: 300, expires: { min: 60, default: 86400, max: 604800 }, maxFailures: 3 }
outgoing:
  tls: { ca: [ca.crt], system: true, cert: relay.crt, key: relay.key }
  plain: false
  allow: ["public"]
relays: { names: ["*.example.net"] }
limits: { connections: 20000, connectionsPerAddress: 100, sessionsPerUser: 50, bytesPerSecondPerSession: 0, idleSeconds: 3600, headerBytes: 16384 }
admin: { url: "http://127.0.0.1:8080", token: "file:token" }
log: { level: info, format: json }
`;

  test("is taken as it stands", () => {
    expect(problems(whole)).toEqual([]);
    const { settings } = read(whole);
    expect(settings?.listeners.map(({ name, host, port, tls }) => [name, host, port, tls !== undefined])).toEqual([
      ["public", "0.0.0.0", 2855, true],
      ["inside", "10.0.0.5", 2856, false],
      ["behind-tls-proxy", "127.0.0.1", 2857, false],
      ["lab", "127.0.0.1", 2858, false],
    ]);
    expect(settings?.relay.listeners.map(({ advertise, authInsecure }) => [advertise, authInsecure])).toEqual([
      [{ secure: true, host: "relay.example.com", port: 2855 }, false],
      [{ secure: false, host: "relay.example.com", port: 2856 }, false],
      [{ secure: true, host: "relay.example.com", port: 2855 }, true],
      [{ secure: false, host: "relay.example.com", port: 2858 }, true],
    ]);
    const tls = settings?.listeners[0]?.tls;
    expect([...(tls?.byName.keys() ?? [])]).toEqual(["example.com"]);
    expect(tls?.clientCa).toHaveLength(1);
    expect(settings?.outgoing.tls.own?.cert).toContain("BEGIN CERTIFICATE");
    expect(settings?.admin).toEqual({
      host: "127.0.0.1",
      port: 8080,
      tokens: [{ name: "admin", token: "s3cret-0123456789", scopes: ["operate"] }],
      names: ["relay.example.com"],
      openMetrics: false,
    });
    expect(settings?.data).toBe("/var/lib/parley");
  });
});

/**
 * What was written, with a `▸` in front of everything that is wrong, and what is said about each.
 *
 * A mark is not part of the file.
 */
type Case = readonly [name: string, marked: string, ...texts: string[]];

function told(marked: string, env: Record<string, string> = {}): string[] {
  return problems(marked.replaceAll("▸", ""), env);
}

function expected(marked: string, texts: readonly string[]): string[] {
  const places = marked.split("\n").flatMap((line, index) => {
    const pieces = line.split("▸");
    return pieces.slice(0, -1).map((_, mark) => `c.yaml:${index + 1}:${pieces.slice(0, mark + 1).join("").length + 1}`);
  });
  expect(places).toHaveLength(texts.length);
  return texts.map((text, index) => `${places[index]}  ${text}`);
}

/** A sample with these users in a static store. */
const withUsers = (users: string) => sample({ accounts: `{ main: { type: static, users: ${users} } }` });
/** A sample with this listener. */
const withListener = (listener: string) => sample({ listeners: `[{ name: a, ${listener} }]` });

const shapes: readonly Case[] = [
  ["an empty file", "▸# nothing\n", "the file is empty"],
  ["a file that is no map", "▸- a\n", "must be a map of keys, found a list"],
  ["a file that is no YAML", "a: ▸b: c\n", "not YAML: Nested mappings are not allowed in compact mappings"],
  ["a key that stands twice", `${sample()}▸hostname: x\n`, "not YAML: Map keys must be unique"],
  ["an unknown key", `${sample()}▸tokn: x\n`, "tokn: unknown key"],
  [
    "unknown keys inside, with the ones that were meant",
    `${sample()}limits:\n  connections: 5\n  ▸idleSecond: 5\n  ▸headerByte: 5\n`,
    "limits.idleSecond: unknown key, did you mean idleSeconds?",
    "limits.headerByte: unknown key, did you mean headerBytes?",
  ],
  [
    "a missing key and an empty list",
    "▸hostname: relay.example.com\ndomains: ▸[]\naccounts: {}\n",
    "listeners: missing",
    "domains: must have at least one entry",
  ],
  ["a missing key inside", sample({ domains: "[▸{ name: relay.example.com }]" }), "domains[0].accounts: missing"],
  [
    "text for a number",
    sample({ limits: "{ idleSeconds: ▸soon }" }),
    'limits.idleSeconds: must be a whole number from 1 to 31622400, found "soon"',
  ],
  [
    "a number out of range",
    sample({ limits: "{ headerBytes: ▸10 }" }),
    "limits.headerBytes: must be a whole number from 1024 to 65536, found 10",
  ],
  [
    "a fraction",
    sample({ auth: "{ maxFailures: ▸1.5 }" }),
    "auth.maxFailures: must be a whole number from 1 to 100, found 1.5",
  ],
  [
    "a word for yes or no",
    sample({ outgoing: "{ plain: ▸yes }" }),
    'outgoing.plain: must be true or false, found "yes"',
  ],
  [
    "a word that is nearly right",
    sample({ log: "{ level: ▸inf }" }),
    'log.level: must be trace, debug, info, warning or error, found "inf", did you mean info?',
  ],
  ["an empty section", `${sample()}▸auth:\n`, "auth: must be a map of keys, found nothing"],
  [
    "a level for a category that is none",
    sample({ log: "{ levels: { ▸sesion: debug, fault: ▸loud } }" }),
    "log.levels.sesion: unknown key, did you mean session?",
    'log.levels.fault: must be trace, debug, info, warning or error, found "loud"',
  ],
  [
    "an algorithm we do not have",
    sample({ auth: "{ algorithms: [MD5, ▸SHA256] }" }),
    'auth.algorithms[1]: must be MD5, SHA-256 or SHA-512-256, found "SHA256", did you mean SHA-256?',
  ],
  [
    "a host that is none",
    sample({ hostname: '▸"relay example"' }),
    'hostname: must be a host name or address, found "relay example"',
  ],
  [
    "a host of another alphabet",
    sample({ hostname: "▸bücher.example" }),
    'hostname: must be a host name or address, found "bücher.example"',
  ],
  [
    "a listener that is no URL",
    withListener("url: ▸relay.example.com"),
    'listeners[0].url: must be msrp://ADDRESS:PORT or msrps://ADDRESS:PORT, found "relay.example.com"',
  ],
  [
    "proxies that are neither all nor some",
    withListener("url: 'msrp://127.0.0.1:1', proxyProtocol: ▸yes"),
    "listeners[0].proxyProtocol: must be true, or { from: [addresses of the proxies] }",
  ],
  [
    "a port that is none",
    withListener("url: ▸'msrp://127.0.0.1:70000'"),
    'listeners[0].url: must be msrp://ADDRESS:PORT or msrps://ADDRESS:PORT, found "msrp://127.0.0.1:70000"',
  ],
  [
    "a WebSocket listener",
    withListener("url: ▸'wss://0.0.0.0:443'"),
    "listeners[0].url: wss listeners are not supported yet",
  ],
  [
    "accounts of no kind",
    sample({ accounts: "{ main: { type: ▸ldap } }" }),
    'accounts.main.type: must be sqlite, static, postgres, mysql, http or shared-secret, found "ldap"',
  ],
  [
    "a limit of less than a kilobyte",
    sample({ limits: "{ bytesPerSecondPerSession: ▸9 }" }),
    "limits.bytesPerSecondPerSession: must be a whole number from 1024 to 1073741824, found 9",
  ],
  [
    "a session that would end before anybody could use it",
    sample({ limits: "{ sessionIdleSeconds: 0, sessionMaxSeconds: ▸5 }" }),
    "limits.sessionMaxSeconds: must be a whole number from 60 to 31622400, found 5",
  ],
  [
    "a password of digits, without repeating it",
    withUsers("{ a: { password: ▸4711 } }"),
    "accounts.main.users.a.password: must be text; put digits in quotes",
  ],
  ["a user with nothing", withUsers("{ a: ▸{} }"), "accounts.main.users.a: needs either password or ha1"],
  [
    "a user with everything",
    withUsers(`{ a: ▸{ password: x, ha1: { MD5: "${"0".repeat(32)}" } } }`),
    "accounts.main.users.a: needs either password or ha1",
  ],
  [
    "a hash that is too short",
    withUsers(`{ a: { ha1: { MD5: "${"0".repeat(32)}", SHA-256: ▸abc } } }`),
    "accounts.main.users.a.ha1.SHA-256: must be 64 hexadecimal digits",
  ],
];

const meanings: readonly Case[] = [
  [
    "a domain whose accounts are not there",
    sample({ domains: "[{ name: relay.example.com, accounts: ▸man }]" }),
    "domains[0].accounts: there is no accounts.man, did you mean main?",
  ],
  [
    "accounts in a folder that is not there",
    sample({ accounts: "{ main: { type: sqlite, path: ▸nowhere/users.db } }" }),
    "accounts.main.path: there is no folder nowhere",
  ],
  [
    "a domain twice",
    sample({ domains: "[{ name: relay.example.com, accounts: main }, { name: ▸Relay.example.com, accounts: main }]" }),
    "domains[1].name: relay.example.com stands here twice",
  ],
  [
    "a listener's name twice, and its address",
    sample({ listeners: "\n- { name: a, url: 'msrp://[::1]:2856' }\n- { name: ▸a, url: ▸'msrp://[::1]:2856' }" }),
    "listeners[1].name: a stands here twice",
    "listeners[1].url: another listener has this address and port",
  ],
  [
    "TLS without a certificate",
    sample({ listeners: '[▸{ name: a, url: "msrps://0.0.0.0" }]' }),
    "listeners[0].tls: missing; an msrps:// listener needs { cert, key }",
  ],
  [
    "a certificate without TLS",
    withListener('url: "msrp://0.0.0.0", ▸tls: { cert: relay.crt, key: relay.key }'),
    "listeners[0].tls: an msrp:// listener has no TLS; msrps:// has",
  ],
  [
    "auth: insecure where there is TLS",
    withListener('url: "msrps://0.0.0.0", auth: ▸insecure, tls: { cert: relay.crt, key: relay.key }'),
    "warning: listeners[0].auth: changes nothing on an msrps:// listener",
  ],
  [
    "an open listener that believes every proxy",
    withListener('url: "msrp://0.0.0.0", proxyProtocol: ▸true'),
    "warning: listeners[0].proxyProtocol: believes whoever connects; name the proxies: { from: [addresses] }",
  ],
  [
    "proxies that are no addresses",
    withListener(
      'url: "msrp://0.0.0.0", proxyProtocol: { from: ["2001:db8::1", 10.0.0.0/8, ▸proxy.example.com, ▸10.0.0.0/99] }',
    ),
    'listeners[0].proxyProtocol.from[2]: "proxy.example.com" is a name; proxies are known by their addresses',
    'listeners[0].proxyProtocol.from[3]: "10.0.0.0/99": the prefix must be a number from 0 to 32',
  ],
  [
    "expiry bounds that cross",
    sample({ auth: "{ expires: { min: ▸100, max: 50 } }" }),
    "auth.expires.min: is more than max (50)",
  ],
  [
    "a default expiry out of bounds",
    sample({ auth: "{ expires: { default: ▸10 } }" }),
    "auth.expires.default: 10 is not between min (60) and max (604800)",
  ],
  [
    "a network with too long a prefix",
    sample({ outgoing: '{ allow: [public, ▸"10.0.0.0/99"] }' }),
    'outgoing.allow[1]: "10.0.0.0/99": the prefix must be a number from 0 to 32',
  ],
  [
    "a rule that is none",
    sample({ outgoing: '{ allow: [▸"?"] }' }),
    'outgoing.allow[0]: "?" is not public, private, loopback, any, an address, a CIDR or a name such as *.example.com',
  ],
  [
    "ways out that lead nowhere",
    sample({
      outgoing:
        '{ from: [▸{ to: any }, { to: ▸"?", address: ▸nowhere }, { to: any, listener: ▸pubic }, { to: any, listener: ▸public }] }',
    }),
    "outgoing.from[0]: needs either address or listener",
    'outgoing.from[1].to: "?" is not public, private, loopback, any, an address, a CIDR or a name such as *.example.com',
    "outgoing.from[1].address: nowhere is not an IP address",
    "outgoing.from[2].listener: there is no listener pubic, did you mean public?",
    "outgoing.from[3].listener: public listens on 0.0.0.0, which is no address to leave by",
  ],
  [
    "a certificate to dial with, without its key",
    sample({ outgoing: "{ ▸tls: { cert: relay.crt } }" }),
    "outgoing.tls.key: missing; cert needs its key",
  ],
  [
    "relays whose certificates nobody signs",
    sample({ relays: '{ names: ▸["*.example.net"] }' }),
    "relays.names: needs outgoing.tls.ca: the authorities whose relay certificates we believe",
  ],
  [
    "an admin address of another kind",
    sample({ admin: '{ url: ▸"ftp://127.0.0.1:1" }' }),
    "admin.url: must be http://ADDRESS:PORT or https://ADDRESS:PORT, found ftp://127.0.0.1:1",
  ],
  [
    "an admin address that others reach, without TLS",
    sample({ admin: '{ url: ▸"http://10.0.0.5:1" }' }),
    "admin.url: 10.0.0.5 is not loopback, and tokens would cross the network in the clear: use https:// with admin.tls, or http://127.0.0.1",
  ],
  [
    "an admin name that others reach, without TLS",
    sample({ admin: '{ url: ▸"http://admin.example.com" }' }),
    "admin.url: admin.example.com is not loopback, and tokens would cross the network in the clear: use https:// with admin.tls, or http://127.0.0.1",
  ],
  [
    "an admin address with TLS and without a certificate",
    sample({ admin: '{ url: "https://127.0.0.1:1" }' }).replace("admin:", "▸admin:"),
    "admin.tls: missing; https:// needs { cert, key }",
  ],
  [
    "an admin address without TLS and with a certificate",
    sample({ admin: '{ url: "http://127.0.0.1:1", ▸tls: { cert: relay.crt, key: relay.key } }' }),
    "admin.tls: http:// has no TLS; https:// has",
  ],
  [
    "an admin address with another's key",
    sample({ admin: '{ url: "https://127.0.0.1:1", tls: { cert: relay.crt, key: ▸wild.key } }' }),
    "admin.tls.key: does not belong to the certificate",
  ],
  [
    "an admin name that no certificate is for",
    sample({
      admin: '{ url: "https://0.0.0.0:1", names: [▸admin.example.net], tls: { cert: relay.crt, key: relay.key } }',
    }),
    "warning: admin.names[0]: the certificate of admin.tls does not cover admin.example.net",
  ],
  [
    "admin tokens of one name, one that can be guessed, and one that no header can carry",
    sample({
      admin:
        '{ url: "http://[::1]:1", tokens: [{ name: a, token: ▸short, scopes: [read] }, { name: ▸a, token: ▸"with blanks in it it is", scopes: [operate] }] }',
    }),
    "warning: admin.tokens[0].token: is short enough to guess; take 16 random letters",
    "admin.tokens[1].name: a is the name of another token",
    "admin.tokens[1].token: may have letters, digits and -._~+/ only, and = at its end",
  ],
  [
    "an admin token that is good for nothing we know",
    sample({
      admin: '{ url: "http://127.0.0.1:1", tokens: [{ name: a, token: 0123456789abcdefg, scopes: [▸write] }] }',
    }),
    'admin.tokens[0].scopes[0]: must be read or operate, found "write"',
  ],
  [
    "webhooks that lead nowhere, in the clear, with a secret that can be guessed, and of one name",
    sample({
      webhooks:
        '[{ url: ▸"ftp://a.example", secret: "0123456789abcdef" }, { name: a, url: ▸"http://a.example/x", secret: ▸short }, { name: ▸a, url: "https://b.example", secret: "0123456789abcdef" }, ▸{ url: "https://a", secret: "0123456789abcdef" }]',
    }),
    "webhooks[0].url: must be https://HOST/PATH or http://HOST/PATH, without user or password",
    "warning: webhooks[1].url: names of users cross the network in the clear; https:// hides them",
    "warning: webhooks[1].secret: is short enough to guess; take 16 random letters",
    "webhooks[2].name: needs a name; there is another a",
    "webhooks[3]: needs a name; there is another a",
  ],
  [
    "a webhook for events that cannot be",
    sample({ webhooks: '[{ url: "https://a.example", secret: "0123456789abcdef", events: [▸"session ended"] }]' }),
    'webhooks[0].events[0]: must be the type of an event, such as sessionEnded, found "session ended"',
  ],
  [
    "a user without a hash that is offered",
    withUsers("{ a: { ha1: ▸'0123456789abcdef0123456789ABCDEF' } }"),
    "warning: accounts.main.users.a.ha1: no hash for SHA-256, which relay.example.com offers to clients",
  ],
  [
    "problems of shape and of meaning, in the order of the file",
    sample({
      domains: "[{ name: relay.example.com, accounts: ▸man, ▸x: 1 }]",
      limits: "{ headerBytes: ▸0 }",
    }),
    "domains[0].accounts: there is no accounts.man, did you mean main?",
    "domains[0].x: unknown key",
    "limits.headerBytes: must be a whole number from 1024 to 65536, found 0",
  ],
];

const certificates: readonly Case[] = [
  ["that is not there", shown("▸no.crt", "relay.key"), "listeners[0].tls.cert: cannot read no.crt: no such file"],
  ["that is none", shown("▸text.crt", "relay.key"), "listeners[0].tls.cert: holds no PEM certificate"],
  [
    "with another one's key",
    shown("relay.crt", "▸example.key"),
    "listeners[0].tls.key: does not belong to the certificate",
  ],
  ["with a key that is none", shown("relay.crt", "▸text.crt"), "listeners[0].tls.key: holds no PEM private key"],
  [
    "with an encrypted key",
    shown("relay.crt", "▸locked.key"),
    "listeners[0].tls.key: the key is encrypted; parley needs it without a passphrase",
  ],
  [
    "for another name",
    shown("▸example.crt", "example.key").replace("{ name: relay", "{ name: ▸relay"),
    "listeners[0].tls.cert: the certificate does not cover relay.example.com; it is for example.com",
    "warning: domains[0].name: no certificate covers relay.example.com; clients that connect by it will refuse",
  ],
  ["for any name of the domain", shown("wild.crt", "wild.key")],
  [
    "for an address",
    sample({
      hostname: "127.0.0.1",
      listeners: '[{ name: a, url: "msrps://0.0.0.0", tls: { cert: wild.crt, key: wild.key } }]',
    }),
  ],
  [
    "shown for a domain by another name",
    sample({ domains: "[{ name: example.com, accounts: main, tls: { cert: ▸relay.crt, key: relay.key } }]" }),
    "domains[0].tls.cert: the certificate does not cover example.com; it is for relay.example.com",
  ],
  [
    "that nobody has for a domain",
    sample({ domains: "[{ name: ▸example.com, accounts: main }]" }),
    "warning: domains[0].name: no certificate covers example.com; clients that connect by it will refuse",
  ],
  [
    "of an authority that is none",
    sample({ outgoing: "{ tls: { ca: [ca.crt, ▸text.crt] } }" }),
    "outgoing.tls.ca[1]: holds no PEM certificate",
  ],
];

/** A sample whose listener shows this certificate. */
function shown(cert: string, key: string): string {
  return withListener(`url: "msrps://0.0.0.0", tls: { cert: ${cert}, key: ${key} }`);
}

describe("the schema refuses", () => {
  test.each(shapes)("%s", (_name, marked, ...texts) => expect(told(marked)).toEqual(expected(marked, texts)));
});

describe("the parts of a configuration are compared:", () => {
  test.each(meanings)("%s", (_name, marked, ...texts) => expect(told(marked)).toEqual(expected(marked, texts)));
});

describe("a certificate", () => {
  test.each(certificates)("%s", (_name, marked, ...texts) => expect(told(marked)).toEqual(expected(marked, texts)));

  test("that has expired, or soon will, is warned of and used", () => {
    const says = (cert: string, key: string) =>
      told(shown(cert, key)).map((line) => line.replace(/^[^ ]+ +| on .*/g, ""));
    expect(says("old.crt", "old.key")).toEqual(["warning: listeners[0].tls.cert: the certificate expired"]);
    expect(says("soon.crt", "soon.key")).toEqual(["warning: listeners[0].tls.cert: the certificate expires"]);
    expect(read(shown("old.crt", "old.key")).settings).toBeDefined();
  });
});

describe("secrets", () => {
  const token = (value: string) => sample({ admin: `{ url: "http://127.0.0.1:1", token: ▸"${value}" }` });
  const found = (value: string, env: Record<string, string> = {}) =>
    passwordOf(read(withUsers(`{ a: { password: "${value}" } }`), env).settings?.accounts.get("main"));

  test("come from the file, the environment, or another file", () => {
    expect(found("plain")).toBe("plain");
    expect(found("file:token")).toBe("s3cret-0123456789");
    expect(found("${TOKEN}", { TOKEN: "from outside" })).toBe("from outside");
    expect(found("a-${TOKEN}-b", { TOKEN: "1" })).toBe("a-1-b");
    expect(found("file:${NAME}", { NAME: "token" })).toBe("s3cret-0123456789");
    expect(found("$${TOKEN}")).toBe("${TOKEN}");
  });

  test("from the environment may be anything, even what looks like YAML", () => {
    expect(found("${TOKEN}", { TOKEN: '"}\nlimits: 5 #' })).toBe('"}\nlimits: 5 #');
  });

  test.each<Case>([
    ["in the environment", token("${TOKEN}"), "admin.token: environment variable TOKEN is not set"],
    ["in a file", token("file:nowhere"), "admin.token: cannot read nowhere: no such file"],
    ["in a file with nothing in it", token("file:empty"), "admin.token: the file is empty"],
    ["in a folder", token("file:."), "admin.token: cannot read .: it is a folder"],
  ])("that are not there are named, with their place: %s", (_name, marked, ...texts) => {
    const lines = told(marked).map((line) => line.replace(folder, "."));
    expect(lines).toEqual(expected(marked, texts));
  });

  test("may be hashes", () => {
    const md5 = "0123456789abcdef0123456789abcdef";
    writeFileSync(join(folder, "Alice.md5"), `${md5.toUpperCase()}\n`);
    const store = read(withUsers('{ a: { ha1: "file:Alice.md5" } }')).settings?.accounts.get("main");
    expect(store).toEqual({ type: "static", users: new Map([["a", { ha1: { MD5: md5 } }]]) });
    const marked = withUsers('{ a: { ha1: { MD5: ▸"file:token", SHA-256: ▸"file:nowhere" } } }');
    expect(told(marked)).toEqual(
      expected(marked, [
        "accounts.main.users.a.ha1.MD5: must be 32 hexadecimal digits; the file holds something else",
        "accounts.main.users.a.ha1.SHA-256: cannot read nowhere: no such file",
      ]),
    );
  });

  test("of users come from files too", () => {
    const store = read(withUsers('{ a: { password: "file:token" } }')).settings?.accounts.get("main");
    expect(store).toEqual({ type: "static", users: new Map([["a", { password: "s3cret-0123456789" }]]) });
  });
});

test("a file that cannot be read is one problem without a place", () => {
  const { problems: found, settings } = loadSettings(join(folder, "nowhere.yaml"), {});
  expect(settings).toBeUndefined();
  expect(found.map((problem) => formatProblem("nowhere.yaml", problem))).toEqual([
    "nowhere.yaml  cannot read it: no such file",
  ]);
});
