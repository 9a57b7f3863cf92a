/** A whole relay whose accounts are elsewhere: what its clients notice. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { RelayProgram } from "../../adapters/cli/relay-program.ts";
import { readSettings } from "../../adapters/config/load.ts";
import { node } from "../../adapters/node/runtime.ts";
import { inProcess, terminalOf } from "../cli/in-process.ts";
import { header, WireClient } from "../support/wire-client.ts";
import { until } from "../support/wait.ts";

/** Takes connections and says nothing. */
let silent: Server;
const asked: Socket[] = [];
const programs: RelayProgram[] = [];
const clients: WireClient[] = [];

beforeEach(async () => {
  silent = createServer((socket) => void asked.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  for (const program of programs.splice(0)) await program.stop(0);
  for (const socket of asked.splice(0)) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

const silentPort = () => (silent.address() as AddressInfo).port;

const source = (store: string) => `
hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: here }, { name: example.com, accounts: elsewhere }]
accounts:
  here: { type: static, users: { alice: { password: a }, bob: { password: b } } }
  elsewhere: ${store}
`;

async function relay(store: string) {
  const { settings, problems } = readSettings(source(store), tmpdir(), {}, Date.now());
  if (settings === undefined) throw new Error(JSON.stringify(problems));
  const terminal = terminalOf(tmpdir());
  const program = await RelayProgram.start(node, settings, new Log(settings.log, terminal));
  programs.push(program);
  const client = async () => {
    const opened = await WireClient.open({ port: Number(program.listening[0]?.url.split(":").at(-1)) });
    clients.push(opened);
    return opened;
  };
  return { program, terminal, client };
}

describe.each([
  ["PostgreSQL", "postgres"],
  ["MySQL", "mysql"],
  ["HTTP", "http"],
])("a relay whose accounts are in %s that hangs", (_, type) => {
  const store = () =>
    type === "http"
      ? `{ type: http, url: "http://127.0.0.1:${silentPort()}/", seconds: 4, retries: 0 }`
      : `{ type: ${type}, url: "${type}://sip:s3cret@127.0.0.1:${silentPort()}/opensips", connectSeconds: 4, querySeconds: 4 }`;

  test("carries messages of sessions that exist while it waits, and answers 500 to AUTH", async () => {
    const { program, terminal, client } = await relay(store());
    const [alice, bob, eve] = [await client(), (await client()).answering(), await client()];
    const ways = {
      alice: await alice.join("msrp://localhost;tcp", "msrp://alice.invalid:1/a;tcp", "alice", "a"),
      bob: await bob.join("msrp://localhost;tcp", "msrp://bob.invalid:1/b;tcp", "bob", "b"),
    };
    const refused = eve.authenticate("msrp://example.com;tcp", "msrp://eve.invalid:1/e;tcp", "eve", "e");
    let answered = false;
    void refused.then(() => (answered = true));
    await until(() => asked.length > 0, "the store to be asked");
    for (let i = 1; i <= 100; i++) {
      const paths = [
        `To-Path: ${ways.alice} ${ways.bob} msrp://bob.invalid:1/b;tcp`,
        "From-Path: msrp://alice.invalid:1/a;tcp",
      ];
      const said = [`Message-ID: m${i}`, "Byte-Range: 1-5/5", "Content-Type: text/plain"];
      alice.request("SEND", [...paths, ...said], "hello");
      expect((await alice.response()).status).toBe(200);
      expect(header(await bob.requested("SEND"), "Message-ID")).toBe(`m${i}`);
    }
    // A hundred round trips, one after the other, and the store has not even been given up.
    expect(answered).toBe(false);
    expect((await refused).status).toBe(500);
    expect(terminal.written.err).toContain('"event":"accountsUnavailable"');
    expect(terminal.written.err).not.toContain("s3cret");
    expect(program.accounts?.views.find(({ name }) => name === "elsewhere")?.counters.failed).toBeGreaterThan(0);
  });
});

test("a client with a time-limited credential has its session in its own name", async () => {
  const secret = "a secret of some length";
  const { terminal, client } = await relay(`{ type: shared-secret, secrets: [${secret} of today, ${secret}] }`);
  const join = async (expiry: number, of = secret) => {
    const username = `${expiry}:alice`;
    const password = createHmac("sha1", of).update(username).digest("base64");
    return (await client()).authenticate("msrp://example.com;tcp", "msrp://alice.invalid:1/a;tcp", username, password);
  };
  const soon = Math.floor(Date.now() / 1000) + 60;
  expect((await join(soon)).status).toBe(200);
  expect((await join(soon, `${secret} of today`)).status).toBe(200);
  expect((await join(soon, "another secret")).status).toBe(401);
  expect((await join(soon - 120)).status).toBe(401);
  const lines = terminal.written.err;
  expect(lines.match(/of alice@example\.com started/g)).toHaveLength(2);
  expect(lines.match(/AUTH_WRONG on/g)).toHaveLength(1);
  expect(lines.match(/AUTH_EXPIRED on/g)).toHaveLength(1);
});

test("parley check says that a database does not answer, and that the configuration is fine", async () => {
  const folder = mkdtempSync(`${tmpdir()}/parley-check-`);
  const gone = createServer();
  const port = await new Promise<number>((resolve) =>
    gone.listen(0, "127.0.0.1", () => resolve((gone.address() as AddressInfo).port)),
  );
  await new Promise((resolve) => gone.close(resolve));
  const store = `{ type: postgres, url: "postgres://sip:s3cret@127.0.0.1:${port}/x", querySeconds: 1 }`;
  writeFileSync(`${folder}/parley.yaml`, source(store));
  const { code, out, err } = await inProcess(folder, ["check", "parley.yaml"]);
  rmSync(folder, { recursive: true });
  expect([code, out]).toEqual([0, "parley.yaml is fine\n"]);
  expect(err).toMatch(/^parley\.yaml {2}warning: accounts\.elsewhere: cannot be asked now: .*ECONNREFUSED/);
  expect(err).not.toContain("s3cret");
});
