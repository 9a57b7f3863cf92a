import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../adapters/config/load.ts";
import { formatProblem } from "../../adapters/config/problem.ts";
import type { Settings } from "../../adapters/config/settings.ts";
import { makeAuthority, makeCertificate } from "../../adapters/shared/certificate-maker.ts";
import { asWorker } from "../../adapters/workers/plan.ts";
import { Siblings } from "../../adapters/workers/siblings.ts";

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-plan-"));
  const authority = await makeAuthority({ name: "test authority", days: 365 });
  const pair = await makeCertificate({ authority, names: ["relay.example.com"], days: 365 });
  writeFileSync(join(folder, "relay.crt"), pair.cert);
  writeFileSync(join(folder, "relay.key"), pair.key);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tls = "tls: { cert: relay.crt, key: relay.key }";

function read(workers: string, ...listeners: string[]) {
  const source = `hostname: relay.example.com
workers: ${workers}
listeners:
${listeners.map((listener) => `  - { ${listener} }\n`).join("")}domains: [{ name: relay.example.com, accounts: main }]
accounts: { main: { type: sqlite } }
limits: { connections: 1001, connectionsPerAddress: 100, sessions: 900, sessionsPerUser: 5, bytesPerSecond: 5000, memoryMegabytes: 1001 }
admin: { url: "http://127.0.0.1:8080" }
`;
  const { settings, problems } = readSettings(source, folder, {}, Date.now());
  return { settings, problems: problems.map((problem) => formatProblem("c.yaml", problem)) };
}

function settingsOf(workers: string, ...listeners: string[]): Settings {
  const { settings, problems } = read(workers, ...listeners);
  expect(problems).toEqual([]);
  return settings as Settings;
}

/** Ports that a worker listens on, and those that its URIs name. */
function ports(settings: Settings): unknown[] {
  const { listeners, relay } = settings;
  return listeners.map(({ name, port, reusePort }, index) => {
    const { advertise } = relay.listeners[index] as (typeof relay.listeners)[number];
    return [name, port, reusePort === true ? "shared" : "own", advertise.port];
  });
}

describe("a worker", () => {
  test("listens on a port of its own and on the one all share, and its URIs name the first on both", () => {
    const settings = settingsOf("3", `name: public, url: "msrps://0.0.0.0:2855", ${tls}`);
    const third = asWorker(settings, { number: 3, of: 3, ports: [] });
    expect(ports(third)).toEqual([
      ["public", 2858, "own", 2858],
      ["public", 2855, "shared", 2858],
    ]);
    expect(third.relay.listeners[0]?.advertise).toEqual({ secure: true, host: "relay.example.com", port: 2858 });
  });

  test("has its port where the configuration says that those of workers begin, on each listener", () => {
    const settings = settingsOf(
      "2",
      `name: public, url: "msrps://0.0.0.0:2855", workerPorts: 3000, ${tls}`,
      'name: inside, url: "msrp://10.0.0.5:2856"',
    );
    expect(ports(asWorker(settings, { number: 2, of: 2, ports: [] }))).toEqual([
      ["public", 3001, "own", 3001],
      ["inside", 2858, "own", 2858],
      ["public", 2855, "shared", 3001],
      ["inside", 2856, "shared", 2858],
    ]);
  });

  test("advertises behind a proxy as far from the advertised port as its own is from the shared one", () => {
    const advertise = 'advertise: "msrps://relay.example.com:4430"';
    const settings = settingsOf("2", `name: behind, url: "msrp://127.0.0.1:2855", auth: insecure, ${advertise}`);
    expect(ports(asWorker(settings, { number: 2, of: 2, ports: [] }))).toEqual([
      ["behind", 2857, "own", 4432],
      ["behind", 2855, "shared", 4432],
    ]);
  });

  test("keeps the ports that the system chose, where the configuration leaves that to it", () => {
    const settings = settingsOf("2", `name: public, url: "msrps://0.0.0.0:0", ${tls}`);
    expect(ports(asWorker(settings, { number: 1, of: 2, ports: [] }))[0]).toEqual(["public", 0, "own", 0]);
    expect(ports(asWorker(settings, { number: 2, of: 2, ports: [{ shared: 40_001, own: 40_002 }] }))).toEqual([
      ["public", 40_002, "own", 40_002],
      ["public", 40_001, "shared", 40_002],
    ]);
  });

  test("has its part of what is for all, and leaves the admin listener to who has started it", () => {
    const settings = settingsOf("2", `name: public, url: "msrps://0.0.0.0:2855", ${tls}`);
    const first = asWorker(settings, { number: 1, of: 2, ports: [] });
    expect(first.limits).toMatchObject({ connections: 501, connectionsPerAddress: 100, memoryMegabytes: 501 });
    expect(first.relay.limits).toMatchObject({ sessions: 450, sessionsPerUser: 5, bytesPerSecond: 2500 });
    expect(first.admin).toBeUndefined();
  });
});

describe("ports of workers", () => {
  test.each([
    [
      "another listener has one",
      [`name: public, url: "msrps://0.0.0.0:2855", ${tls}`, 'name: inside, url: "msrp://10.0.0.5:2857"'],
      "c.yaml:4:26  listeners[0].url: its 2 workers need ports 2856 to 2857 for themselves, and listener inside has one of them: say workerPorts: FIRST",
    ],
    [
      "those of another listener's workers are the same",
      [
        `name: public, url: "msrps://0.0.0.0:2855", workerPorts: 3000, ${tls}`,
        'name: inside, url: "msrp://10.0.0.5:2856", workerPorts: 3001',
      ],
      "c.yaml:5:63  listeners[1].workerPorts: its 2 workers need ports 3001 to 3002 for themselves, and the workers of listener public has one of them: say workerPorts: FIRST",
    ],
    [
      "the admin listener has one",
      ['name: lab, url: "msrp://127.0.0.1:8079", auth: insecure'],
      "c.yaml:4:23  listeners[0].url: its 2 workers need ports 8080 to 8081 for themselves, and admin.url has one of them: say workerPorts: FIRST",
    ],
    [
      "there are none left",
      ['name: lab, url: "msrp://127.0.0.1:65534", auth: insecure'],
      "c.yaml:4:23  listeners[0].url: 2 workers need ports 65535 to 65536",
    ],
  ])("are refused when %s", (_, listeners, problem) => {
    expect(read("2", ...listeners).problems).toEqual([problem]);
    expect(read("1", ...listeners).problems).toEqual([]);
  });

  test("may be those of a listener on another address", () => {
    settingsOf("2", 'name: one, url: "msrp://10.0.0.5:2855"', 'name: other, url: "msrp://10.0.0.6:2856"');
  });
});

test("workers are as many as the machine has cores when the configuration says auto, and never none", () => {
  expect(settingsOf("auto", 'name: lab, url: "msrp://127.0.0.1:2855"').workers).toBeGreaterThanOrEqual(1);
  const wrong: [string, string][] = [
    ["0", "a whole number from 1 to 256, found 0"],
    ["257", "a whole number from 1 to 256, found 257"],
    ["1.5", "a whole number from 1 to 256, found 1.5"],
    ["many", 'auto or a whole number from 1 to 256, found "many"'],
  ];
  for (const [written, wanted] of wrong) {
    const { problems } = read(written, 'name: lab, url: "msrp://127.0.0.1:2855"');
    expect(problems).toEqual([`c.yaml:2:10  workers: must be ${wanted}`]);
  }
});

describe("a sibling", () => {
  const hop = { secure: true, host: "relay.example.com", port: 2857 };
  const near = (settings: Settings, advertised = hop) => {
    const siblings = new Siblings(1, settings);
    siblings.set([{ number: 2, doors: [{ advertised, own: 2857 }] }]);
    return siblings;
  };

  test("is dialed within the machine, and must show the certificate that we show", () => {
    const settings = settingsOf("2", `name: public, url: "msrps://0.0.0.0:2855", ${tls}`);
    const found = near(settings).find(hop);
    expect(found?.hop).toEqual(hop);
    expect(found?.options.at).toEqual({ host: "127.0.0.1", port: 2857 });
    expect(found?.options.tls.pinned).toEqual([settings.listeners[0]?.tls?.fallback.cert]);
  });

  test("is nobody but who has that name, port and scheme", () => {
    const siblings = near(settingsOf("2", `name: public, url: "msrps://0.0.0.0:2855", ${tls}`));
    for (const other of [{ port: 2858 }, { host: "relay.example.net" }, { secure: false }]) {
      expect(siblings.find({ ...hop, ...other })).toBeUndefined();
    }
  });

  test("is dialed without TLS when the proxy in front of us has the certificate", () => {
    const advertise = 'advertise: "msrps://relay.example.com:2855"';
    const settings = settingsOf("2", `name: behind, url: "msrp://127.0.0.1:2855", auth: insecure, ${advertise}`);
    expect(near(settings).find(hop)?.hop).toEqual({ ...hop, secure: false });
  });

  test("is reached like anybody else where connections begin with a proxy's header", () => {
    const proxied = `name: public, url: "msrps://10.0.0.5:2855", proxyProtocol: { from: [10.0.0.2] }, ${tls}`;
    expect(near(settingsOf("2", proxied)).find(hop)).toBeUndefined();
  });
});
