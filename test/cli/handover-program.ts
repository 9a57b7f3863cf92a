/**
 * Clients that authenticate without a pause while one parley hands its port over to the next, several times. Prints what
 * became of them as one line of JSON.
 *
 * A program of its own, because `drain.test.ts` runs it where the kernel keeps connections that wait to be accepted when
 * one of those who share a port closes (net.ipv4.tcp_migrate_req), which is a setting of a whole network namespace.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { WireClient } from "../support/wire-client.ts";
import { pause } from "../support/wait.ts";

const OWN = "msrps://alice.example.com:9892/98cjs;tcp";
const CLIENTS = 8;
const HANDOVERS = 3;

/** The folder with the configuration, whose port is 0, and how parley is started. */
const [folder = "", ...start] = process.argv.slice(2);
const [program = "", ...before] = start;
const authority = readFileSync(join(folder, "ca.crt"), "utf8");
const children: ChildProcess[] = [];
const outcomes: Record<string, number> = {};
let going = true;

async function serve(): Promise<{ child: ChildProcess; port: number; ended: Promise<number | null> }> {
  const child = spawn(program, [...before, "serve", "--config", "parley.yaml", "--drain", "30"], { cwd: folder });
  children.push(child);
  let [said, erred] = ["", ""];
  child.stdout.on("data", (text) => (said += String(text)));
  child.stderr.on("data", (text) => (erred += String(text)));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await pause(10)) {
    const [, port] = /public +msrps:\/\/127\.0\.0\.1:(\d+), giving out msrps:\/\/\S+\n +by/.exec(said) ?? [];
    if (port !== undefined) return { child, port: Number(port), ended };
  }
  throw new Error(`it does not listen:\n${said}${erred}`);
}

async function authenticate(port: number): Promise<string> {
  try {
    const client = await WireClient.open({ port, authority, servername: "relay.example.com" });
    try {
      const { status } = await client.authenticate(`msrps://relay.example.com:${port};tcp`, OWN, "alice", "hunter2");
      return String(status);
    } finally {
      client.end();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function handOver(): Promise<void> {
  let current = await serve();
  const { port } = current;
  const file = join(folder, "parley.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("127.0.0.1:0", `127.0.0.1:${port}`));
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (going) {
      const outcome = await authenticate(port);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  });
  const codes: (number | null)[] = [];
  for (let i = 0; i < HANDOVERS; i++) {
    const next = await serve();
    await pause(200);
    current.child.kill("SIGTERM");
    codes.push(await current.ended);
    await pause(200);
    current = next;
  }
  going = false;
  await Promise.all(clients);
  current.child.kill("SIGTERM");
  codes.push(await current.ended);
  process.stdout.write(`${JSON.stringify({ outcomes, codes })}\n`);
}

try {
  await handOver();
} finally {
  for (const child of children) child.kill("SIGKILL");
}
