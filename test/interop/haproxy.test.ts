/**
 * haproxy in front of parley, passing connections on with the PROXY protocol: TLS goes through it unseen, and parley
 * knows the client by its own address all the same.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Parley, starts } from "../cli/run-parley.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { describeWith, program, whereIs } from "../support/present.ts";
import { Program } from "../support/program.ts";
import { freePort } from "../support/wait.ts";
import { WireClient } from "../support/wire-client.ts";

/** Where the client connects from: nobody else is there. */
const CLIENT = "127.0.0.33";
const OWN = "msrps://alice.example.com:9892/98cjs;tcp";

describeWith([program("haproxy", "haproxy")], "haproxy in front", () => {
  let folder: string;
  let authority: TestAuthority;
  let haproxy: Program | undefined;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "parley-haproxy-"));
    authority = await testAuthority();
    const pair = await authority.issue("relay.example.com");
    writeFileSync(join(folder, "relay.crt"), pair.cert);
    writeFileSync(join(folder, "relay.key"), pair.key);
    writeFileSync(
      join(folder, "parley.yaml"),
      `hostname: relay.example.com
listeners:
  - { name: secure, url: "msrps://127.0.0.1:0", tls: { cert: relay.crt, key: relay.key }, proxyProtocol: { from: [127.0.0.1] } }
  - { name: lab, url: "msrp://127.0.0.1:0", auth: insecure, proxyProtocol: { from: [127.0.0.1] } }
domains: [{ name: relay.example.com, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
log: { level: debug, format: json }
`,
    );
  });
  afterEach(async () => {
    await haproxy?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Passes its port on to ours. It asks now and then, in a header of its own, whether ours is there. */
  const proxy = async (server: number, how: string): Promise<number> => {
    const port = await freePort();
    const file = join(folder, `${how}.cfg`);
    writeFileSync(
      file,
      `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen relay
  bind 127.0.0.1:${port}
  server parley 127.0.0.1:${server} ${how} check check-send-proxy inter 100
`,
    );
    haproxy = new Program(whereIs("haproxy") ?? "haproxy", ["-db", "-f", file]);
    await haproxy.answersOn(port);
    return port;
  };

  const versions = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id,crc32c"];
  const cases = (["node", "bun", "deno"] as const).flatMap((runtime) =>
    versions.flatMap((how) => (["secure", "lab"] as const).map((listener) => [runtime, listener, how] as const)),
  );

  it.each(cases)("says to parley on %s, listener %s, by %s who it is", async (runtime, listener, how) => {
    const parley = new Parley(folder, ["serve", "--config", "parley.yaml"], "", starts[runtime]);
    const [, server] = await parley.says(new RegExp(`${listener} +msrps?://127.0.0.1:(\\d+)`));
    const port = await proxy(Number(server), how);
    const secure = listener === "secure";
    const client = await WireClient.open({
      port,
      localAddress: CLIENT,
      ...(secure && { authority: authority.cert, servername: "relay.example.com" }),
    });
    await client.join(`${secure ? "msrps" : "msrp"}://relay.example.com:${server};tcp`, OWN, "alice", "hunter2");
    await parley.says(/"event":"sessionStarted"/, "err");
    const local = `${CLIENT}:${client.socket.localPort}`;
    client.end();
    await parley.says(new RegExp(`"event":"connectionClosed"[^\\n]*"peer":"${local}"`), "err");
    expect(parley.err).toContain(`from ${local} on ${listener}`);
    parley.signal("SIGTERM");
    expect((await parley.end()).code).toBe(0);
    // Its own questions whether we are there were understood.
    expect(parley.err).not.toContain('"why":"PROXY"');
  });
});
