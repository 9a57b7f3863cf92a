/** How a parley leaves, on every runtime: sessions go on, new ones go elsewhere, and a port is handed over. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { testAuthority } from "../support/certificates.ts";
import { describeWith, program } from "../support/present.ts";
import { WireClient } from "../support/wire-client.ts";
import { emptyFolder, Parley, starts } from "./run-parley.ts";

const OWN = "msrp://alice.example.com:9892/98cjs;tcp";
const runtimes = Object.keys(starts) as (keyof typeof starts)[];

/** A relay with a client that has a session. */
async function start(runtime: keyof typeof starts, args: readonly string[] = [], listener = "", more = "") {
  const folder = emptyFolder();
  writeFileSync(
    join(folder, "parley.yaml"),
    `hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure${listener} }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
${more}`,
  );
  const parley = new Parley(folder, ["serve", "--config", "parley.yaml", ...args], "", starts[runtime]);
  const [, found] = await parley.says(/lab +msrp:\/\/127\.0\.0\.1:(\d+)/);
  const port = Number(found);
  const client = (await WireClient.open({ port })).answering();
  const uri = `msrp://localhost:${port};tcp`;
  const usePath = await client.join(uri, OWN, "alice", "hunter2");
  const talk = async () => {
    const lines = [`To-Path: ${usePath} ${OWN}`, `From-Path: ${OWN}`, "Message-ID: m1", "Byte-Range: 1-5/5"];
    client.request("SEND", [...lines, "Content-Type: text/plain"], "hello");
    return (await client.response("an answer to SEND")).status;
  };
  return { parley, port, client, uri, talk };
}

describe.each(runtimes)("parley on %s, told to stop,", (runtime) => {
  test("lets its session go on, sends new ones elsewhere, and ends with the session", async () => {
    const { parley, port, client, uri, talk } = await start(runtime);
    parley.signal("SIGTERM");
    await parley.says(/"event":"drainStarted"[^\n]*"sessions":1,"seconds":60/, "err");
    expect(await talk()).toBe(200);
    const other = await WireClient.open({ port });
    const refused = await other.authenticate(uri, OWN, "alice", "hunter2");
    expect(refused.status).toBe(503);
    other.end();
    expect(await talk()).toBe(200);
    client.end();
    expect((await parley.end()).code).toBe(0);
    expect(parley.err).toContain('"event":"drainEnded"');
    expect(parley.err).toContain('"why":"CONNECTION"');
  });

  test("ends what is left at its deadline, politely", async () => {
    const { parley, client } = await start(runtime, ["--drain", "1"]);
    parley.signal("SIGTERM");
    expect((await parley.end()).code).toBe(0);
    expect(client.closed).toBe(true);
    expect(parley.err).toContain("drained: 1 session left at the deadline");
    expect(parley.err).toContain('"why":"DRAIN"');
  });

  test("ends at once when it is told again", async () => {
    const { parley } = await start(runtime);
    parley.signal("SIGTERM");
    await parley.says(/drainStarted/, "err");
    await new Promise((resolve) => setTimeout(resolve, 400)); // closer together they would be one
    parley.signal("SIGTERM");
    expect((await parley.end()).code).toBe(1);
  });

  test("leaves a port that it shares at once, and keeps its session", async () => {
    const { parley, port, client, talk } = await start(runtime, [], ", reusePort: true");
    parley.signal("SIGTERM");
    await parley.says(/drainStarted/, "err");
    // Asked again until it is: the line comes first.
    for (let refused = false; !refused; ) {
      refused = await new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.destroy();
          resolve(false);
        });
        socket.on("error", () => resolve(true));
      });
    }
    expect(await talk()).toBe(200);
    client.end();
    expect((await parley.end()).code).toBe(0);
  });
});

test("a drain is begun over HTTP, called off, and begun again", async () => {
  const { parley, port, client, uri } = await start(
    "node",
    [],
    "",
    'admin: { url: "http://127.0.0.1:0", token: 0123456789abcdef0123 }\n',
  );
  const [, admin] = await parley.says(/admin +(http:\/\/127\.0\.0\.1:\d+)/);
  const ask = (method: string, body?: object) =>
    fetch(`${admin}/v1/drain`, {
      method,
      headers: { authorization: "Bearer 0123456789abcdef0123", "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  const ready = async () => (await fetch(`${admin}/readyz`)).status;
  const joins = async () => {
    const other = await WireClient.open({ port });
    const { status } = await other.authenticate(uri, OWN, "alice", "hunter2");
    other.end();
    return status;
  };
  expect([await ready(), await joins()]).toEqual([200, 200]);
  expect((await ask("POST", { seconds: 30 })).status).toBe(202);
  expect([await ready(), await joins()]).toEqual([503, 503]);
  expect((await ask("DELETE")).status).toBe(204);
  expect([await ready(), await joins()]).toEqual([200, 200]);
  await ask("POST", { seconds: 30 });
  client.end();
  expect((await parley.end()).code).toBe(0);
});

/** A network namespace of our own, in which nobody else's settings change. */
const unshare = ["unshare", process.getuid?.() === 0 ? "-n" : "-rn"];
const inNamespace = `ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req && exec "$@"`;
const namespaces = {
  what: "network namespaces with net.ipv4.tcp_migrate_req (Linux 5.14)",
  found: spawnSync(unshare[0] as string, [unshare[1] as string, "sh", "-c", inNamespace, "sh", "true"]).status === 0,
};

describeWith([program("unshare", "util-linux"), program("ip", "iproute2"), namespaces], "two behind one port", () => {
  test.each(runtimes)("hand it over on %s while clients authenticate, and none of them fails", async (runtime) => {
    const folder = emptyFolder();
    const authority = await testAuthority();
    const pair = await authority.issue("relay.example.com");
    writeFileSync(join(folder, "ca.crt"), authority.cert);
    writeFileSync(join(folder, "relay.crt"), pair.cert);
    writeFileSync(join(folder, "relay.key"), pair.key);
    writeFileSync(
      join(folder, "parley.yaml"),
      `hostname: relay.example.com
listeners: [{ name: public, url: "msrps://127.0.0.1:0", reusePort: true, tls: { cert: relay.crt, key: relay.key } }]
domains: [{ name: relay.example.com, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
log: { level: warning }
`,
    );
    const handOver = new URL("handover-program.ts", import.meta.url).pathname;
    const command = [...unshare.slice(1), "sh", "-c", inNamespace, "sh", process.execPath, handOver, folder];
    const said = execFileSync("unshare", [...command, ...starts[runtime]], { encoding: "utf8", timeout: 50_000 });
    const { outcomes, codes } = JSON.parse(said) as { outcomes: Record<string, number>; codes: number[] };
    expect(outcomes).toEqual({ "200": expect.any(Number) });
    expect(outcomes["200"]).toBeGreaterThan(100);
    expect(codes).toEqual([0, 0, 0, 0]);
  });
});
