/**
 * What `explain` makes of connections that never come to the relay, and of next hops that cannot be reached: over the
 * sockets of the runtime that runs this, because each has words of its own for what failed.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer, type Server, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { RelayProgram } from "../../adapters/cli/relay-program.ts";
import { loadSettings } from "../../adapters/config/load.ts";
import type { Explanation } from "../../adapters/control/control.ts";
import type { Runtime } from "../../adapters/shared/runtime.ts";
import { terminalOf } from "../cli/in-process.ts";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import { pause } from "../support/wait.ts";
import { WireClient } from "../support/wire-client.ts";

const name = process.versions.bun !== undefined ? "bun" : process.versions.deno !== undefined ? "deno" : "node";

const configuration = `
hostname: localhost
listeners: [{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: relay.crt, key: relay.key } }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
outgoing: { allow: [loopback], tls: { ca: [ca.crt], system: false } }
limits: { connectionsPerAddress: 2, sessionsPerUser: 1 }
`;

let folder: string;
let authority: TestAuthority;
let program: RelayProgram;
const sockets: (Socket | TLSSocket)[] = [];
const clients: WireClient[] = [];
let hop: Server | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-explain-"));
  authority = await testAuthority();
  const pair = await authority.issue("localhost");
  for (const [file, text] of Object.entries({
    "relay.crt": pair.cert,
    "relay.key": pair.key,
    "ca.crt": authority.cert,
    "c.yaml": configuration,
  })) {
    writeFileSync(join(folder, file), text);
  }
  const { settings, problems } = loadSettings(join(folder, "c.yaml"), {});
  if (settings === undefined) throw new Error(JSON.stringify(problems));
  const runtime = ((await import(`../../adapters/${name}/runtime.ts`)) as Record<string, Runtime>)[name] as Runtime;
  program = await RelayProgram.start(runtime, settings, new Log(settings.log, terminalOf(folder)));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  for (const socket of sockets.splice(0)) socket.destroy();
  hop?.close();
  hop = undefined;
  await program.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

const port = () => Number(program.listening[0]?.url.split(":").at(-1));
const uri = () => `${program.listening[0]?.advertised};tcp`;
const own = "msrp://alice.invalid:2855/4l1ce;tcp";

/** The first attempt of a code, once there is one. */
async function attempt(of: { address?: string; user?: string }, code: string): Promise<Explanation> {
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(5)) {
    const found = (await program.control.explain(of)).find((one) => one.code === code);
    if (found !== undefined) return found;
  }
  throw new Error(`no ${code} in ${JSON.stringify(await program.control.explain(of), undefined, 1)}`);
}

const fromHere = { address: "127.0.0.1" };

/** Whatever it closes for. */
function closed(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

async function handshake(options: object): Promise<void> {
  const socket = connectTls({ port: port(), host: "127.0.0.1", ...options });
  sockets.push(socket);
  await closed(socket);
}

async function alice(): Promise<{ client: WireClient; path: string }> {
  const client = (
    await WireClient.open({ port: port(), authority: authority.cert, servername: "localhost" })
  ).answering();
  clients.push(client);
  return { client, path: await client.join(uri(), own, "alice", "hunter2") };
}

describe("a TLS handshake that failed", () => {
  test("because the client does not know our authority", async () => {
    await handshake({ servername: "localhost" });
    const found = await attempt(fromHere, "HANDSHAKE");
    expect(found.text).toContain("the TLS handshake on listener public failed");
    expect(found.advice).toMatch(/authority of our certificate|refuses our certificate|refused our certificate/);
  });

  test("because our certificate is not for the name the client wants", async () => {
    await handshake({ servername: "other.example", ca: authority.cert });
    // Some runtimes' clients look at the name when the handshake is over, and then just hang up.
    const found = await Promise.any([attempt(fromHere, "HANDSHAKE"), attempt(fromHere, "HUNG_UP")]);
    expect(found.advice).toMatch(/certificate/);
  });

  test.each([
    ["MSRP", "MSRP a786hjs2 AUTH\r\nTo-Path: msrp://localhost:2855;tcp\r\n"],
    ["HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ])("because the client speaks plain %s to a TLS port", async (_, text) => {
    const socket = connectTcp(port(), "127.0.0.1");
    sockets.push(socket);
    socket.resume();
    socket.write(text);
    await closed(socket);
    const found = await attempt(fromHere, "HANDSHAKE");
    expect(found.advice).toMatch(/plain MSRP \(or HTTP\) to a TLS port.*msrps:\/\//);
  });

  // Deno's own client knows nothing older, so it cannot ask.
  const tooNew = name === "deno" ? " (skipped: Deno's client knows it always)" : "";
  test.skipIf(name === "deno")(`because the client knows no TLS 1.2${tooNew}`, async () => {
    await handshake({ servername: "localhost", maxVersion: "TLSv1.1", minVersion: "TLSv1", ca: authority.cert });
    const found = await attempt(fromHere, "HANDSHAKE");
    expect(found.advice).toBeDefined();
  });
});

test("limits.connectionsPerAddress", async () => {
  for (let i = 0; i < 3; i++) {
    const socket = connectTls({ port: port(), host: "127.0.0.1", servername: "localhost", ca: authority.cert });
    sockets.push(socket);
    await Promise.race([new Promise((resolve) => socket.once("secureConnect", resolve)), closed(socket)]);
  }
  const found = await attempt(fromHere, "CONNECTIONS_PER_ADDRESS");
  expect(found.text).toBe("this address has limits.connectionsPerAddress connections already");
});

test("limits.sessionsPerUser", async () => {
  await alice();
  const client = await WireClient.open({ port: port(), authority: authority.cert, servername: "localhost" });
  clients.push(client);
  expect((await client.authenticate(uri(), own, "alice", "hunter2")).status).toBe(403);
  const found = await attempt({ user: "alice" }, "TOO_MANY_SESSIONS");
  expect(found.advice).toContain("limits.sessionsPerUser");
});

describe("a next hop", () => {
  async function send(to: string): Promise<void> {
    const { client, path } = await alice();
    const lines = [`From-Path: ${own}`, "Message-ID: m1", "Byte-Range: 1-5/5", "Content-Type: text/plain"];
    client.request("SEND", [`To-Path: ${path} ${to}`, ...lines], "hello");
  }

  test("whose certificate is of an authority we do not know", async () => {
    const stranger = await (await testAuthority("stranger")).issue("localhost");
    hop = createTlsServer(stranger, (socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    hop.on("tlsClientError", () => {});
    await once(hop, "listening");
    const { port: at } = hop.address() as { port: number };
    await send(`msrps://127.0.0.1:${at}/bob;tcp`);
    const found = await attempt({ user: "alice" }, "CERTIFICATE");
    expect(found.address).toBe(`127.0.0.1:${at}`);
    expect(found.text).toContain("the next hop's certificate was not accepted");
    expect(found.advice).toContain("outgoing.tls.ca");
  });

  test("that nobody listens at", async () => {
    const free = createTlsServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port: at } = free.address() as { port: number };
    free.close();
    await once(free, "close");
    await send(`msrps://127.0.0.1:${at}/bob;tcp`);
    const found = await attempt({ user: "alice" }, "UNREACHABLE");
    expect(found.advice).toContain("NAT");
  });

  test("that the configuration does not allow", async () => {
    await send("msrps://192.0.2.1:2855/bob;tcp");
    expect((await attempt({ user: "alice" }, "POLICY")).text).toContain("192.0.2.1:2855");
  });

  test("over msrp without TLS", async () => {
    await send("msrp://127.0.0.1:2855/bob;tcp");
    const found = await attempt({ user: "alice" }, "NEXT_HOP_REFUSED");
    expect(found.advice).toContain("outgoing.plain");
  });

  test("whose name has no address", async () => {
    await send("msrps://nobody.invalid:2855/bob;tcp");
    const found = await attempt({ user: "alice" }, "UNRESOLVED");
    expect(found.text).toContain("there is no address for the name of this next hop: nobody.invalid:2855");
  });
});
