/** Which TLS a connection has, from its handshake to what an operator reads. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { RelayProgram } from "../../adapters/cli/relay-program.ts";
import { readSettings } from "../../adapters/config/load.ts";
import { node } from "../../adapters/node/runtime.ts";
import { terminalOf } from "../cli/in-process.ts";
import { testAuthority } from "../support/certificates.ts";

test("a connection is seen with its version of TLS, and counted by it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-tls-"));
  const authority = await testAuthority();
  const pair = await authority.issue("localhost");
  writeFileSync(join(folder, "relay.crt"), pair.cert);
  writeFileSync(join(folder, "relay.key"), pair.key);
  const { settings, problems } = readSettings(
    `
hostname: localhost
listeners: [{ name: public, url: "msrps://127.0.0.1:0", tls: { cert: relay.crt, key: relay.key } }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
`,
    folder,
    {},
    Date.now(),
  );
  if (settings === undefined) throw new Error(JSON.stringify(problems));
  const program = await RelayProgram.start(node, settings, new Log(settings.log, terminalOf(folder)));
  const port = Number(program.listening[0]?.url.split(":").at(-1));
  const client = connect({
    port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: authority.cert,
    maxVersion: "TLSv1.2",
  });
  try {
    await once(client, "secureConnect");
    await expect.poll(() => program.control.connections()).toMatchObject([{ listener: "public", tls: "TLSv1.2" }]);
    const families = await program.control.metrics();
    expect(families.find(({ name }) => name === "parley_tls_handshakes_total")?.values).toMatchObject([
      { labels: { listener: "public", version: "TLSv1.2" }, value: 1 },
    ]);
  } finally {
    client.destroy();
    await program.stop(0);
    rmSync(folder, { recursive: true });
  }
});
