/** Several workers as one parley, in real processes on every runtime. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { firstStart } from "../../adapters/cli/first-start.ts";
import { Content } from "../support/content.ts";
import { until } from "../support/wait.ts";
import { inProcess } from "./in-process.ts";
import { emptyFolder, Parley, parley, type Start, starts } from "./run-parley.ts";

/** Enough that the kernel has dealt somebody to each of two workers: it fails once in a million times. */
const TRIES = 20;
const trust = ["--ca", "parley-data/ca.crt"];

interface Served {
  readonly folder: string;
  readonly server: Parley;
  readonly uri: string;
  /** The workers' own, in their order. */
  readonly ports: readonly string[];
  /** The flags that say who somebody is. */
  readonly account: (user: string) => string[];
}

/** The embedded default on ports of its own, with two workers. */
async function served(start: Start, drainSeconds = 0): Promise<Served> {
  const folder = emptyFolder();
  const users = await firstStart(join(folder, "parley-data"), { port: 0, adminPort: 0 });
  const file = join(folder, "parley-data/parley.yaml");
  writeFileSync(file, `workers: 2\n${readFileSync(file, "utf8")}`);
  const server = new Parley(folder, ["serve", "--drain", String(drainSeconds)], "", start);
  const [, one = "", other = ""] = await server.says(/giving out localhost with ports (\d+), (\d+)\n/);
  const [, uri = ""] = await server.says(/ping '(msrps:\S+)' .*\n/);
  const account = (user: string) => [
    "--user",
    user,
    "--password",
    users?.find(({ username }) => username === user)?.password ?? "",
  ];
  return { folder, server, uri, ports: [one, other], account };
}

/** The port that a ping was given a URI with. */
async function pingedPort({ folder, uri, account }: Served): Promise<string> {
  const { code, out, err } = await inProcess(folder, ["ping", uri, ...account("alice"), ...trust]);
  expect([code, err]).toEqual([0, ""]);
  return /AUTH .*msrps:\/\/localhost:(\d+)\//.exec(out)?.[1] ?? "";
}

async function reachesAll(relay: Served): Promise<void> {
  const seen = new Set<string>();
  for (let left = TRIES; left > 0 && seen.size < 2; left--) seen.add(await pingedPort(relay));
  expect([...seen].toSorted()).toEqual(relay.ports.toSorted());
}

interface Inbox {
  readonly program: Parley;
  readonly path: string[];
  readonly port: string;
}

async function receiving({ folder, uri, account }: Served): Promise<Inbox> {
  const program = new Parley(folder, ["receive", "--relay", uri, ...account("bob"), ...trust]);
  const [, typed = ""] = await program.says(/main\.ts send (.*) FILE --ca parley-data\/ca\.crt\n/);
  const path = [...typed.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word);
  return { program, path, port: /localhost:(\d+)\//.exec(path[0] ?? "")?.[1] ?? "" };
}

/** One on each worker, in the workers' order. */
async function inboxes(relay: Served): Promise<Inbox[]> {
  const found = new Map<string, Inbox>();
  for (let left = TRIES; left > 0 && found.size < 2; left--) {
    const inbox = await receiving(relay);
    if (!found.has(inbox.port)) found.set(inbox.port, inbox);
  }
  return relay.ports.map((port) => found.get(port) as Inbox);
}

/** The process of a worker, which Linux tells. */
function pidOf(server: Parley, number: number): number {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" ");
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith(`worker\0${number}\0`));
  return Number(found);
}

describe.each(Object.entries(starts))("two workers on %s", (_, start) => {
  test("are both reached by the port they share, and by the port in the URIs of each", async () => {
    const relay = await served(start);
    await reachesAll(relay);
    for (const { program, path } of await inboxes(relay)) {
      // A stranger connects to the URI itself.
      expect((await parley(relay.folder, ["send", ...path, "--text", "hello", ...trust])).code).toBe(0);
      await program.says(/hello\n/);
    }
    relay.server.signal("SIGTERM");
    const { code, err } = await relay.server.end();
    expect([code, err]).toEqual([0, expect.not.stringContaining("ended (")]);
  });

  test("carry a file between clients of theirs, wherever each of those is", async () => {
    const relay = await served(start);
    const octets = new Content(2_000_003).all();
    writeFileSync(join(relay.folder, "photo.jpg"), octets);
    const sum = createHash("sha256").update(octets).digest("hex");
    const [inbox] = await inboxes(relay);
    const crossed = () => relay.server.err.includes(`to msrps://localhost:${relay.ports[0]} at `);
    let sent = 0;
    while (sent < TRIES && !crossed()) {
      const sender = ["--relay", relay.uri, ...relay.account("alice"), ...trust];
      const { code, out, err } = await parley(relay.folder, ["send", ...(inbox?.path ?? []), "photo.jpg", ...sender]);
      expect([code, err, out]).toEqual([0, expect.stringContaining("delivered"), `${sum}  photo.jpg\n`]);
      sent++;
    }
    expect(crossed()).toBe(true);
    await inbox?.program.says(new RegExp(`(?:${sum}  photo-\\d+\\.jpg\n){${sent}}`));
    // What the other worker is told of it is no more than a relay is told.
    expect(relay.server.err).not.toMatch(/warning|error/);
  });

  test("do not share their ends: the sessions of one live on when the other is killed, and it comes back", async () => {
    const relay = await served(start);
    const [, second] = await inboxes(relay);
    process.kill(pidOf(relay.server, 1), "SIGKILL");
    await relay.server.says(/error +worker 1 ended \(SIGKILL\); starts again in 100 ms\n/, "err");
    await parley(relay.folder, ["send", ...(second?.path ?? []), "--text", "still here", ...trust]);
    await second?.program.says(/still here\n/);
    await relay.server.says(/info +worker 1 listens again\n/, "err");
    await reachesAll(relay);
  });

  test("end with the process that has started them, also when it is killed", async () => {
    const relay = await served(start);
    const pids = [1, 2].map((number) => pidOf(relay.server, number));
    relay.server.signal("SIGKILL");
    await relay.server.end();
    await until(() => !pids.some(isAlive), "the end of the workers");
  });
});

function isAlive(pid: number): boolean {
  try {
    // One that has ended and that nobody has asked about is none.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
