/** Metrics of a whole relay on loopback, as Prometheus reads them. */
import { AggregatorRegistry } from "prom-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { RelayProgram } from "../../adapters/cli/relay-program.ts";
import { loadSettings } from "../../adapters/config/load.ts";
import { families, metricNames } from "../../adapters/control/families.ts";
import { node } from "../../adapters/node/runtime.ts";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { terminalOf } from "../cli/in-process.ts";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import { until } from "../support/wait.ts";
import { WireClient } from "../support/wire-client.ts";

const TOKEN = "a-token-of-sixteen-letters";
const configuration = `
hostname: localhost
listeners: [{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: relay.crt, key: relay.key } }, { name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
outgoing: { plain: true, allow: [public] }
admin: { url: "http://127.0.0.1:0", token: ${TOKEN} }
webhooks: [{ name: hook, url: "http://127.0.0.1:9/", secret: "0123456789abcdef" }]
`;

let folder: string;
let authority: TestAuthority;
let program: RelayProgram;
const clients: WireClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-metrics-"));
  authority = await testAuthority();
  const pair = await authority.issue("localhost");
  writeFileSync(join(folder, "relay.crt"), pair.cert);
  writeFileSync(join(folder, "relay.key"), pair.key);
  await start(configuration);
});

async function start(written: string): Promise<void> {
  writeFileSync(join(folder, "c.yaml"), written);
  const { settings, problems } = loadSettings(join(folder, "c.yaml"), {});
  if (settings === undefined) throw new Error(JSON.stringify(problems));
  program = await RelayProgram.start(node, settings, new Log(settings.log, terminalOf(folder)));
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  await program.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

const portOf = (index: number) => Number(program.listening[index]?.url.split(":").at(-1));

async function connect(secure: boolean): Promise<WireClient> {
  const tls = secure ? { authority: authority.cert, servername: "localhost" } : {};
  const client = await WireClient.open({ port: portOf(secure ? 0 : 1), ...tls });
  clients.push(client);
  return client;
}

async function scrape(token: string | undefined = TOKEN): Promise<{ status: number; type: string; text: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${program.adminUrl}/metrics`, { headers });
  return { status: response.status, type: response.headers.get("content-type") ?? "", text: await response.text() };
}

/** The value of a sample, `parley_sessions{domain="localhost"}`. */
function valueOf(text: string, sample: string): number | undefined {
  const line = text.split("\n").find((one) => one.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

const own = "msrp://alice.invalid:2855/4l1ce;tcp";

async function traffic(): Promise<void> {
  const client = (await connect(true)).answering();
  const uri = `${program.listening[0]?.advertised};tcp`;
  await client.authenticate(uri, own, "alice", "wrong");
  const path = await client.join(uri, own, "alice", "hunter2");
  const lines = [`From-Path: ${own}`, "Message-ID: m1", "Byte-Range: 1-5/5", "Content-Type: text/plain"];
  client.request("SEND", [`To-Path: ${path} msrp://127.0.0.1:9/bob;tcp`, ...lines], "hello");
  await client.requested("REPORT");
  const plain = await connect(false);
  plain.write("this is not MSRP\r\n");
  await until(() => plain.closed, "the end of the connection");
}

describe("/metrics", () => {
  test("counts what was done, under the names and labels of families.ts", async () => {
    await traffic();
    const { status, type, text } = await scrape();
    expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    const samples: Record<string, number> = {
      'parley_sessions{domain="localhost"}': 1,
      'parley_sessions_started_total{domain="localhost"}': 1,
      'parley_auths_total{domain="localhost",outcome="OK"}': 1,
      'parley_auths_total{domain="localhost",outcome="AUTH_WRONG"}': 1,
      'parley_connections{listener="public",direction="accepted",transport="tls"}': 1,
      'parley_connections_opened_total{listener="lab",direction="accepted",transport="tcp"}': 1,
      'parley_connections_closed_total{why="START_LINE"}': 1,
      'parley_faults_total{code="START_LINE"}': 1,
      'parley_tls_handshakes_total{listener="public",version="TLSv1.3"}': 1,
      'parley_dials_total{outcome="POLICY"}': 1,
      'parley_dial_duration_seconds_count{outcome="POLICY"}': 1,
      'parley_frames_total{direction="in",method="SEND"}': 1,
      'parley_body_bytes_total{direction="in"}': 5,
      'parley_responses_total{direction="out",code="401"}': 3,
      'parley_reports_total{kind="made"}': 1,
      'parley_account_lookups_total{store="main",outcome="found"}': 2,
      'parley_account_lookup_duration_seconds_count{store="main"}': 2,
      'parley_account_lookup_duration_seconds_bucket{le="+Inf",store="main"}': 2,
      'parley_account_store_up{store="main"}': 1,
      parley_workers: 1,
      parley_draining: 0,
      parley_queue_bytes: 0,
      parley_connections_held: 0,
      'parley_build_info{version="0.1.0",runtime="node"}': 1,
    };
    for (const [sample, value] of Object.entries(samples))
      expect([sample, valueOf(text, sample)]).toEqual([sample, value]);
    expect(valueOf(text, 'parley_bytes_total{direction="in"}')).toBeGreaterThan(100);
    const written = ["SEND", "REPORT", "AUTH", "other", "response"].map((method) =>
      valueOf(text, `parley_frame_bytes_total{direction="out",method="${method}"}`),
    );
    const sum = written.reduce<number>((total, some) => total + Number(some), 0);
    expect(valueOf(text, 'parley_bytes_total{direction="out"}')).toBe(sum);
    expect(valueOf(text, 'parley_process_resident_memory_bytes{worker="1"}')).toBeGreaterThan(1e6);
    expect(valueOf(text, 'parley_webhook_queue{webhook="hook"}')).toBeGreaterThan(0);
    const expiry = valueOf(text, 'parley_certificate_expiry_time_seconds{certificate="listeners[0].tls"}');
    expect(Math.abs((expiry ?? 0) - Date.now() / 1000 - 86_400)).toBeLessThan(3600);
  });

  test("counts session records by destination, those of which there is none yet included", async () => {
    const counts = async () => {
      const { text } = await scrape();
      return ["kept", "full"].map((destination) => [
        ...["written", "lost"].map((outcome) =>
          valueOf(text, `parley_records_total{destination="${destination}",outcome="${outcome}"}`),
        ),
        valueOf(text, `parley_record_queue{destination="${destination}"}`),
      ]);
    };
    await program.stop(0);
    const places = "[{ type: file, name: kept, path: sessions.jsonl }, { type: file, name: full, path: /dev/full }]";
    await start(`${configuration}records: ${places}\n`);
    expect(await counts()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    await traffic();
    clients.splice(0).forEach((client) => client.end());
    const file = join(folder, "sessions.jsonl");
    await until(() => existsSync(file) && readFileSync(file, "utf8").endsWith("\n"), "the record");
    expect(await counts()).toEqual([
      [1, 0, 0],
      [0, 0, 1],
    ]);
  });

  test("has every family there is, each with its help and type, and no other", async () => {
    const { text } = await scrape();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    expect(Object.fromEntries(types)).toEqual(
      Object.fromEntries(Object.entries(families).map(([name, { type }]) => [name, type])),
    );
    const names = [...text.matchAll(/^(parley_\w+)/gm)].map(([, name]) => name as string);
    expect(names.filter((name) => !metricNames.has(name))).toEqual([]);
  });

  test("has no label that a stranger chooses", async () => {
    await traffic();
    const stranger = await connect(false);
    stranger.request("AUTH", ["To-Path: msrp://evil-domain.example:2855;tcp", `From-Path: ${own}`]);
    await until(() => stranger.closed, "the end of the connection");
    const other = await connect(false);
    other.request("EVIL-METHOD", [
      `To-Path: ${program.listening[1]?.advertised}/evil-session;tcp`,
      `From-Path: ${own}`,
    ]);
    other.write("MSRP evil1234 299 evil-comment\r\n-------evil1234$\r\n");
    await until(() => other.closed, "the end of the connection");
    const { text } = await scrape();
    expect(text.toLowerCase()).not.toMatch(/evil|alice|127\.0\.0\.1|hunter2/);
  });

  test("needs a token to read", async () => {
    expect((await scrape("wrong")).status).toBe(401);
    expect((await fetch(`${program.adminUrl}/metrics`)).status).toBe(401);
  });

  test("of several workers are put together: sums, and for what has no sum the largest", async () => {
    await traffic();
    const sent = 'parley_frame_bytes_total{direction="in",method="SEND"}';
    const one = JSON.parse(JSON.stringify(await program.control.metrics()));
    const two = JSON.parse(JSON.stringify(one).replaceAll('"worker":"1"', '"worker":"2"'));
    const text = await AggregatorRegistry.aggregate([one, two] as never[]).metrics();
    expect(valueOf(text, "parley_workers")).toBe(2);
    expect(valueOf(text, "parley_draining")).toBe(0);
    expect(valueOf(text, sent)).toBe(2 * Number(valueOf((await scrape()).text, sent)));
    expect(valueOf(text, 'parley_build_info{version="0.1.0",runtime="node"}')).toBe(1);
    expect(valueOf(text, 'parley_process_resident_memory_bytes{worker="1"}')).toBeGreaterThan(1e6);
    expect(valueOf(text, 'parley_process_resident_memory_bytes{worker="2"}')).toBeGreaterThan(1e6);
    expect(valueOf(text, 'parley_account_store_up{store="main"}')).toBe(1);
  });
});

test("every name has its unit and its kind at its end (Prometheus' naming)", () => {
  for (const [name, { type, help }] of Object.entries(families)) {
    expect(name).toMatch(/^parley_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
    expect(help.length).toBeGreaterThan(10);
  }
});
