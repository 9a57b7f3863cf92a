import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { RelayProgram } from "../../adapters/cli/relay-program.ts";
import { readSettings } from "../../adapters/config/load.ts";
import { node } from "../../adapters/node/runtime.ts";
import { WireClient } from "../support/wire-client.ts";
import { emptyFolder } from "./run-parley.ts";
import { terminalOf } from "./in-process.ts";

const configuration = `
hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
`;

test("an account store that never answers is unavailable after five seconds, and its answer after that is no bug", async () => {
  const folder = emptyFolder();
  const { settings } = readSettings(configuration, folder, {}, Date.now());
  if (settings === undefined) throw new Error("the configuration has errors");
  const terminal = terminalOf(folder);
  const log = new Log(settings.log, terminal);
  let answer = (_: { readonly password: string }) => {};
  const program = await RelayProgram.start(node, settings, log, () => ({
    find: () => new Promise((resolve) => (answer = resolve)),
    close: () => {},
  }));
  const client = await WireClient.open({ port: Number(program.listening[0]?.url.split(":").at(-1)) });
  try {
    const refused = await client.authenticate(
      `${program.listening[0]?.advertised};tcp`,
      "msrp://alice.invalid:2855/4l1ce;tcp",
      "alice",
      "hunter2",
    );
    expect(refused.status).toBe(500);
    expect(terminal.written.err).toContain("accounts of localhost: Error: no answer in 5 s");
    answer({ password: "hunter2" });
  } finally {
    client.end();
    await program.stop(0);
  }
  expect(terminal.written.err).not.toContain("bug");
});

test("when there is no more room, a newcomer takes the place of a connection that nobody uses (RFC 4976 §6.5)", async () => {
  const folder = emptyFolder();
  const { settings } = readSettings(`${configuration}limits: { connections: 1 }\n`, folder, {}, Date.now());
  if (settings === undefined) throw new Error("the configuration has errors");
  const program = await RelayProgram.start(node, settings, new Log(settings.log, terminalOf(folder)));
  const port = Number(program.listening[0]?.url.split(":").at(-1));
  const silent = connect(port, "127.0.0.1");
  try {
    await once(silent, "connect");
    const closed = once(silent.resume(), "close");
    await sleep(6000); // long enough to have asked for something
    const newcomer = await WireClient.open({ port });
    const refused = await newcomer.authenticate(
      "msrp://localhost:1;tcp",
      "msrp://a.invalid:1/4l1ce;tcp",
      "alice",
      "wrong",
    );
    expect(refused.status).toBe(401);
    await closed;
    newcomer.end();
  } finally {
    silent.destroy();
    await program.stop(0);
  }
});
