/** Session records of the whole program, on every runtime. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../support/wait.ts";
import { WireClient } from "../support/wire-client.ts";
import { emptyFolder, Parley, starts } from "./run-parley.ts";

const OWN = "msrp://alice.example.com:9892/98cjs;tcp";

test.each(Object.keys(starts) as (keyof typeof starts)[])(
  "on %s one is written when its session ends, and one for each that is left when parley stops",
  async (runtime) => {
    const folder = emptyFolder();
    writeFileSync(
      join(folder, "parley.yaml"),
      `hostname: localhost
data: .
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
records: [{ type: file, path: sessions.jsonl }, { type: sqlite, path: sessions.db }, { type: file, name: full, path: /dev/full }]
drain: { seconds: 0 }
`,
    );
    const records = () => {
      const text = readdirSync(folder).includes("sessions.jsonl")
        ? readFileSync(join(folder, "sessions.jsonl"), "utf8")
        : "";
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    const parley = new Parley(folder, ["serve", "--config", "parley.yaml"], "", starts[runtime]);
    const [, port] = await parley.says(/lab +msrp:\/\/127\.0\.0\.1:(\d+)/);
    const uri = `msrp://localhost:${port};tcp`;
    const client = (await WireClient.open({ port: Number(port) })).answering();
    const usePath = await client.join(uri, OWN, "alice", "hunter2");
    const lines = [`To-Path: ${usePath} ${OWN}`, `From-Path: ${OWN}`, "Message-ID: m1", "Byte-Range: 1-5/5"];
    client.request("SEND", [...lines, "Content-Type: text/plain"], "hello");
    await client.response("an answer to SEND");
    client.end();
    await until(() => records().length === 1, "the record");
    expect(records()[0]).toMatchObject({
      session: "1.1",
      username: "alice",
      why: "CONNECTION",
      messages_out: 1,
      bytes_out: 5,
    });

    const other = await WireClient.open({ port: Number(port) });
    await other.join(uri, OWN, "alice", "hunter2");
    parley.signal("SIGTERM");
    expect((await parley.end()).code).toBe(0);
    expect(records().map(({ session, why }) => [session, why])).toEqual([
      ["1.1", "CONNECTION"],
      ["1.2", "DRAIN"],
    ]);
    // A disk that is full kept nobody back, and what it did not take waits.
    expect(parley.err).toContain('"event":"recordsDelayed"');
    expect(parley.err).toContain("2 wait on the disk for the next start");
    expect(parley.err).not.toContain('"event":"bug"');
  },
);
