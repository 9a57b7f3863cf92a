/** What changes in a running parley without harm to anybody, on every runtime: certificates and the configuration. */
import { renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { beforeAll, describe, expect, test } from "vitest";
import { makeCertificate, type TestAuthority, testAuthority } from "../support/certificates.ts";
import { header, type WireFrame, WireClient } from "../support/wire-client.ts";
import { until } from "../support/wait.ts";
import { emptyFolder, Parley, starts } from "./run-parley.ts";

const OWN = "msrps://alice.example.com:9892/98cjs;tcp";
let authority: TestAuthority;

beforeAll(async () => {
  authority = await testAuthority();
});

function configure(folder: string, more = ""): void {
  writeFileSync(
    join(folder, "parley.yaml"),
    `hostname: relay.example.com
listeners: [{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: relay.crt, key: relay.key } }]
domains:
  - { name: relay.example.com, accounts: main }
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
${more}`,
  );
}

/** Makes a pair in a folder of its own; `live` are the links that the configuration knows. */
async function issue(folder: string, name: string): Promise<void> {
  const pair = await makeCertificate({ authority, names: ["relay.example.com", `${name}.example.com`], days: 90 });
  writeFileSync(join(folder, `${name}.crt`), pair.cert);
  writeFileSync(join(folder, `${name}.key`), pair.key);
}

function link(folder: string, from: string, to: string): void {
  symlinkSync(from, join(folder, "new-link"));
  renameSync(join(folder, "new-link"), join(folder, to));
}

/** The names in the certificate that a new handshake gets; undefined when there was none. */
function shown(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: "127.0.0.1", ca: authority.cert, servername: "relay.example.com" }, () => {
      resolve(socket.getPeerCertificate().subjectaltname);
      socket.destroy();
    });
    socket.on("error", () => resolve(undefined));
  });
}

interface Started {
  readonly folder: string;
  readonly parley: Parley;
  readonly port: number;
  readonly client: WireClient;
  readonly usePath: string;
}

async function start(runtime: keyof typeof starts): Promise<Started> {
  const folder = emptyFolder();
  configure(folder);
  await issue(folder, "first");
  for (const end of ["crt", "key"]) link(folder, `first.${end}`, `relay.${end}`);
  const parley = new Parley(folder, ["serve", "--config", "parley.yaml"], "", starts[runtime]);
  const [, found] = await parley.says(/public +msrps:\/\/127\.0\.0\.1:(\d+)/);
  const port = Number(found);
  const client = await open(port);
  const usePath = await client.join(`msrps://relay.example.com:${port};tcp`, OWN, "alice", "hunter2");
  return { folder, parley, port, client, usePath };
}

const open = (port: number) => WireClient.open({ port, authority: authority.cert, servername: "relay.example.com" });

/** A client that talks to itself through the relay, a message as soon as the one before has come, until it is told to stop. */
function talk({ client, usePath }: Started) {
  const came = { messages: 0, over: false };
  const lines = [`To-Path: ${usePath} ${OWN}`, `From-Path: ${OWN}`];
  const send = () => {
    const id = `m${came.messages}`;
    client.request("SEND", [...lines, `Message-ID: ${id}`, "Byte-Range: 1-5/5", "Content-Type: text/plain"], "hello");
  };
  client.answer = (frame: WireFrame) => {
    const text = `MSRP ${frame.id} 200 OK\r\nTo-Path: ${header(frame, "From-Path")?.split(" ")[0]}\r\nFrom-Path: ${OWN}\r\n-------${frame.id}$\r\n`;
    came.messages++;
    if (!came.over) queueMicrotask(send);
    return text;
  };
  send();
  return came;
}

describe.each(Object.keys(starts) as (keyof typeof starts)[])("parley on %s", (runtime) => {
  test("shows a renewed certificate by itself, under traffic, and keeps the one it has when the new one is wrong", async () => {
    const started = await start(runtime);
    const { folder, parley, port, client } = started;
    const came = talk(started);
    expect(await shown(port)).toContain("DNS:first.example.com");

    await issue(folder, "second");
    for (const end of ["crt", "key"]) link(folder, `second.${end}`, `relay.${end}`);
    await parley.says(/"event":"certificateReloaded"[^\n]*second\.example\.com/, "err");
    expect(await shown(port)).toContain("DNS:second.example.com");

    await issue(folder, "third");
    link(folder, "third.crt", "relay.crt"); // and the key of the second
    await parley.says(/"event":"certificateRefused"[^\n]*does not belong to the certificate/, "err");
    expect(await shown(port)).toContain("DNS:second.example.com");

    link(folder, "third.key", "relay.key");
    await parley.says(/"event":"certificateReloaded"[^\n]*third\.example\.com/, "err");
    expect(await shown(port)).toContain("DNS:third.example.com");

    const before = came.messages;
    await until(() => came.messages > before + 10, "the messages to go on");
    came.over = true;
    expect([client.closed, client.frames.some((frame) => frame.status > 200 && frame.status !== 401)]).toEqual([
      false,
      false,
    ]);
    client.end(); // or the drain would wait for its session
    parley.signal("SIGTERM");
    expect((await parley.end()).code).toBe(0);
  });

  test("takes over at SIGHUP what it can of a configuration, under traffic, and says what it cannot", async () => {
    const started = await start(runtime);
    const { folder, parley, port, client } = started;
    const came = talk(started);
    const users = "{ main: { type: static, users: { bob: { password: hunter2 } } } }";
    const join = async (user: string) => {
      const bob = await open(port);
      const { status } = await bob.authenticate(`msrps://relay.example.com:${port};tcp`, OWN, user, "hunter2");
      bob.end();
      return status;
    };
    expect(await join("bob")).toBe(401);

    configure(folder, `limits: { connections: nonsense }\n`);
    parley.signal("SIGHUP");
    await parley.says(/"event":"configurationRefused"[^\n]*limits\.connections/, "err");
    expect(await join("alice")).toBe(200);

    configure(folder);
    const file = `${folder}/parley.yaml`;
    writeFileSync(
      file,
      `hostname: relay.example.com
data: elsewhere
listeners: [{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: relay.crt, key: relay.key } }]
domains:
  - { name: relay.example.com, accounts: main }
  - { name: second.example.com, accounts: main }
accounts: ${users}
`,
    );
    parley.signal("SIGHUP");
    await parley.says(/"event":"configurationReloaded"[^\n]*"needsRestart":"data"/, "err");
    expect([await join("bob"), await join("alice")]).toEqual([200, 401]);
    const guest = await open(port);
    const granted = await guest.authenticate("msrps://second.example.com;tcp", OWN, "bob", "hunter2");
    expect(granted.status).toBe(200);
    guest.end();

    const before = came.messages;
    await until(() => came.messages > before + 10, "the messages to go on");
    came.over = true;
    expect(client.closed).toBe(false);
    client.end(); // or the drain would wait for its session
    parley.signal("SIGTERM");
    expect((await parley.end()).code).toBe(0);
  });
});
