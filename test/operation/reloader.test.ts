import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadSettings } from "../../adapters/config/load.ts";
import type { Settings } from "../../adapters/config/settings.ts";
import { Reloader } from "../../adapters/operation/reloader.ts";
import { makeCertificate, type TestAuthority, testAuthority } from "../support/certificates.ts";
import { until } from "../support/wait.ts";

describe("a reload", () => {
  let folder: string;
  let authority: TestAuthority;
  let reloader: Reloader;
  /** What the program was given, one after another. */
  let applied: Settings[];
  let told: string[];
  let refusal: Error | undefined;

  const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const issue = async (name: string, ...hosts: string[]) => {
    const pair = await makeCertificate({ authority, names: hosts, days: 90 });
    put(`${name}.crt`, pair.cert);
    put(`${name}.key`, pair.key);
    return pair;
  };
  const usual: Record<string, string> = {
    hostname: "relay.example.com",
    listeners: '[{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: relay.crt, key: relay.key } }]',
    domains: "[{ name: example.com, accounts: main, tls: { cert: example.crt, key: example.key } }]",
    accounts: "{ main: { type: static, users: { alice: { password: hunter2 } } } }",
    limits: "{ connections: 100 }",
  };
  const configure = (sections: Record<string, string> = {}) => {
    const lines = Object.entries({ ...usual, ...sections }).map(([key, value]) => `${key}: ${value}\n`);
    put("parley.yaml", lines.join(""));
  };
  const inShort = (text: string) => text.replaceAll(`${folder}/`, "");

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "parley-reload-"));
    authority = await testAuthority();
    await issue("relay", "relay.example.com", "also.example.com");
    await issue("example", "example.com");
    configure();
    applied = [];
    told = [];
    refusal = undefined;
    const file = join(folder, "parley.yaml");
    reloader = new Reloader({
      file,
      environment: {},
      loaded: loadSettings(file, {}),
      everyMs: 20,
      program: {
        apply: async (settings) => {
          if (refusal !== undefined) throw refusal;
          applied.push(settings);
        },
      },
      tell: (level, event, text) => told.push(inShort(`${level} ${event}: ${text}`)),
    });
  });
  afterEach(() => {
    reloader.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("applies what can be and names it", async () => {
    configure({
      limits: "{ connections: 200, idleSeconds: 60 }",
      accounts: "{ main: { type: static, users: { bob: { password: hunter2 } } } }",
      log: "{ level: debug }",
    });
    const reloaded = await reloader.reload();
    expect(reloaded).toMatchObject({ ok: true, needsRestart: [] });
    expect(reloaded.applied.toSorted()).toEqual([
      "accounts.main",
      "limits.connections",
      "limits.idleSeconds",
      "log.level",
    ]);
    expect(applied[0]?.limits.connections).toBe(200);
    expect(applied[0]?.relay.limits.idleSeconds).toBe(60);
    expect(told).toEqual([expect.stringMatching(/^info configurationReloaded: configuration reloaded: .*limits/)]);
  });

  it("names what needs a restart, leaves that as it is, and names it again the next time", async () => {
    configure({
      hostname: "also.example.com",
      data: "elsewhere",
      listeners: '[{ name: public, url: "msrps://127.0.0.1:1", tls: { cert: relay.crt, key: relay.key } }]',
      limits: "{ connections: 200 }",
    });
    for (const keys of [["limits.connections"], []]) {
      const { ok, applied: names, needsRestart } = await reloader.reload();
      expect([ok, names, needsRestart.toSorted()]).toEqual([true, keys, ["data", "hostname", "listeners"]]);
    }
    const [settings] = applied;
    expect([settings?.hostname, settings?.data, settings?.listeners[0]?.port]).toEqual([
      "relay.example.com",
      folder,
      0,
    ]);
    expect(settings?.limits.connections).toBe(200);
    expect(told[0]).toMatch(/^warning configurationReloaded: .*; a restart is needed for /);
    configure();
    expect(await reloader.reload()).toMatchObject({ applied: ["limits.connections"], needsRestart: [] });
  });

  it("changes nothing when anything is wrong, and says where", async () => {
    configure({ limits: "{ connections: 200, idleSecond: 1 }" });
    const reloaded = await reloader.reload();
    expect(reloaded).toMatchObject({ ok: false, applied: [], needsRestart: [] });
    const problem = "parley.yaml:5:29  limits.idleSecond: unknown key, did you mean idleSeconds?";
    expect(reloaded.problems.map(inShort)).toEqual([problem]);
    expect(told).toEqual([`error configurationRefused: configuration refused: ${problem}`]);
    rmSync(join(folder, "parley.yaml"));
    expect((await reloader.reload()).problems.map(inShort)).toEqual(["parley.yaml  cannot read it: no such file"]);
    expect(applied).toEqual([]);
  });

  it("is refused when what is left as it runs does not go with the rest", async () => {
    await issue("other", "other.example.com");
    configure({
      hostname: "other.example.com",
      listeners: '[{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: other.crt, key: other.key } }]',
    });
    const { ok, problems } = await reloader.reload();
    expect([ok, problems.map(inShort)]).toEqual([
      false,
      [
        expect.stringMatching(
          /^until a restart: parley.yaml:\S+ +listeners\[0\]\.tls\.cert: .* does not cover relay\.example\.com/,
        ),
      ],
    ]);
    expect(applied).toEqual([]);
  });

  it("is refused when the program refuses, and tried again the next time", async () => {
    configure({ limits: "{ connections: 200 }" });
    refusal = new Error("no such database");
    expect(await reloader.reload()).toMatchObject({ ok: false, problems: ["no such database"], applied: [] });
    refusal = undefined;
    expect(await reloader.reload()).toMatchObject({ ok: true, applied: ["limits.connections"] });
  });

  it("takes new certificates by itself, of the configuration that runs and not of the one in the file", async () => {
    await reloader.start();
    configure({ limits: "{ connections: 200 }" });
    const pair = await issue("relay", "relay.example.com", "new.example.com");
    await until(() => applied.length === 1, "the new certificate");
    expect(applied[0]?.listeners[0]?.tls?.fallback.cert).toBe(pair.cert);
    expect(applied[0]?.limits.connections).toBe(100);
    await until(() => told.length === 1, "a line");
    expect(told[0]).toMatch(
      /^info certificateReloaded: listeners\[0\]\.tls: new handshakes get the certificate for DNS:relay\.example\.com, DNS:new\.example\.com, valid until 20/,
    );
  });

  it("keeps a certificate whose key is another's, and takes the others", async () => {
    const before = await authority.issue("relay.example.com");
    put("relay.crt", before.cert); // and not its key
    const example = await issue("example", "example.com", "new.example.com");
    await reloader.reloadCertificates();
    const tls = applied[0]?.listeners[0]?.tls;
    expect(tls?.fallback.cert).not.toBe(before.cert);
    expect(tls?.byName.get("example.com")?.cert).toBe(example.cert);
    expect(told).toEqual([
      "error certificateRefused: listeners[0].tls.key: does not belong to the certificate; the one in use stays",
      expect.stringMatching(/^info certificateReloaded: domains\[0\]\.tls/),
    ]);
    put("relay.key", before.key);
    await reloader.reloadCertificates();
    expect(applied[1]?.listeners[0]?.tls?.fallback.cert).toBe(before.cert);
  });

  it("keeps all of them when a new one is for other names", async () => {
    await issue("relay", "elsewhere.example.com");
    await reloader.reloadCertificates();
    expect(applied).toEqual([]);
    expect(told).toEqual([
      expect.stringMatching(
        /^error certificateRefused: listeners\[0\]\.tls\.cert: .*does not cover relay\.example\.com/,
      ),
    ]);
  });

  it("keeps a certificate whose file is gone", async () => {
    rmSync(join(folder, "relay.crt"));
    await reloader.reloadCertificates();
    expect(applied).toEqual([]);
    expect(told).toEqual([expect.stringMatching(/^error certificateRefused: listeners\[0\]\.tls\.cert: /)]);
  });

  it("takes what we show to next hops and to admins, and whom we believe", async () => {
    await issue("us", "relay.example.com");
    put("ca.crt", authority.cert);
    configure({
      outgoing: "{ tls: { cert: us.crt, key: us.key, ca: [ca.crt] } }",
      admin: '{ url: "https://127.0.0.1:0", token: 0123456789abcdef0123, tls: { cert: us.crt, key: us.key } }',
    });
    const file = join(folder, "parley.yaml");
    const program = { apply: async (settings: Settings) => void applied.push(settings) };
    const tell = (_level: string, _event: string, text: string) => void told.push(text);
    const another = new Reloader({ file, environment: {}, loaded: loadSettings(file, {}), program, tell });
    const own = await issue("us", "relay.example.com", "new.example.com");
    const strangers = await testAuthority("strangers");
    put("ca.crt", authority.cert + strangers.cert);
    await another.reloadCertificates();
    expect(applied[0]?.outgoing.tls.own?.cert).toBe(own.cert);
    expect(applied[0]?.outgoing.tls.ca).toEqual([authority.cert + strangers.cert]);
    expect(applied[0]?.admin?.tls?.cert).toBe(own.cert);
    expect(told.map((text) => text.slice(0, text.indexOf(":")))).toEqual([
      "outgoing.tls",
      "admin.tls",
      "outgoing.tls.ca",
    ]);
  });

  it("says nothing when nothing has changed", async () => {
    await reloader.reloadCertificates();
    expect([applied, told]).toEqual([[], []]);
  });

  it("names certificates that are new together with the configuration", async () => {
    await issue("example", "example.com", "new.example.com");
    expect((await reloader.reload()).applied).toEqual(["domains[0].tls"]);
  });

  it("takes a listener's certificate from other files", async () => {
    const pair = await issue("other", "relay.example.com");
    configure({
      listeners: '[{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: other.crt, key: other.key } }]',
    });
    expect(await reloader.reload()).toMatchObject({ applied: ["listeners[0].tls"], needsRestart: [] });
    expect(applied[0]?.listeners[0]?.tls?.fallback.cert).toBe(pair.cert);
  });
});
