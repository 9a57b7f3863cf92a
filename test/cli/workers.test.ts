/** Several workers as one parley, in real processes on every runtime. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { firstStart } from "../../adapters/cli/first-start.ts";
import { Content } from "../support/content.ts";
import { pause, until } from "../support/wait.ts";
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
  /** Inboxes that were one too many on their worker. */
  readonly others: Inbox[];
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
  return { folder, server, uri, ports: [one, other], others: [], account };
}

/** The port that a ping was given a URI with. */
async function pingedPort({ folder, uri, account }: Served, expires: number): Promise<string> {
  const { code, out, err } = await inProcess(folder, ["ping", uri, ...account("alice"), ...trust]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain(`for ${expires} s`);
  return /AUTH .*msrps:\/\/localhost:(\d+)\//.exec(out)?.[1] ?? "";
}

async function reachesAll(relay: Served, expires = 86_400): Promise<void> {
  const seen = new Set<string>();
  for (let left = TRIES; left > 0 && seen.size < 2; left--) seen.add(await pingedPort(relay, expires));
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
    if (found.has(inbox.port)) relay.others.push(inbox);
    else found.set(inbox.port, inbox);
  }
  return relay.ports.map((port) => found.get(port) as Inbox);
}

/** The admin API, with the token that the first start made. */
function operator({ folder, server }: Served) {
  const token = readFileSync(join(folder, "parley-data/admin.token"), "utf8").trim();
  const url = /admin +(http:\/\/[^/\s]+)/.exec(server.out)?.[1] ?? "";
  const ask = async (path: string, method = "GET") => {
    const answer = await fetch(`${url}/${path}`, { method, headers: { authorization: `Bearer ${token}` } });
    expect(answer.ok).toBe(true);
    return answer;
  };
  return {
    get: async (path: string) =>
      (await (await ask(`v1/${path}`)).json()) as { readonly items: { readonly id: string }[] },
    end: (id: string) => ask(`v1/sessions/${id}`, "DELETE"),
    async metric(sample: string): Promise<number> {
      const line = (await (await ask("metrics")).text()).split("\n").find((one) => one.startsWith(`${sample} `));
      return Number(line?.slice(sample.length));
    },
    /** What is remembered, until nothing more comes at once. */
    async events(): Promise<string> {
      const reader = (await ask("v1/events?after=0")).body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!/event: workerStarted/.test(text)) text += (await reader?.read())?.value ?? "";
      await reader?.cancel();
      return text;
    },
  };
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
    await relay.server.says(/error +worker 1 ended \(SIGKILL\) with \d+ sessions?; starts again in 100 ms\n/, "err");
    await parley(relay.folder, ["send", ...(second?.path ?? []), "--text", "still here", ...trust]);
    await second?.program.says(/still here\n/);
    await relay.server.says(/info +worker 1 listens again\n/, "err");
    await reachesAll(relay);
  });

  test("are one to whoever operates them", async () => {
    const relay = await served(start);
    const api = operator(relay);
    const open = [...(await inboxes(relay)), ...relay.others];
    const ids = async () => (await api.get("sessions?limit=500")).items.map(({ id }) => id);
    const before = await ids();
    expect(new Set(before.map((id) => id[0]))).toEqual(new Set(["1", "2"]));
    expect(await api.get("info")).toMatchObject({ workers: 2, sessions: before.length });
    expect(await api.metric("parley_workers")).toBe(2);
    expect(await api.metric('parley_sessions{domain="localhost"}')).toBe(before.length);
    for (const id of before) await api.end(id); // whichever worker has it; receivers begin anew
    expect((await ids()).filter((id) => before.includes(id))).toEqual([]);
    for (const { program } of open) {
      program.signal("SIGTERM");
      await program.end();
    }
    for (let left = TRIES; (await ids()).length > 0 && left > 0; left--) await pause(50);
    expect(await ids()).toEqual([]);
    expect((await api.get("explain?user=bob")).items.length).toBeGreaterThan(1);
    const started = await api.metric('parley_sessions_started_total{domain="localhost"}');
    expect(started).toBeGreaterThanOrEqual(before.length);

    // What was counted stays counted when a worker dies.
    process.kill(pidOf(relay.server, 1), "SIGKILL");
    await relay.server.says(/worker 1 listens again\n/, "err");
    expect(await api.metric('parley_sessions_started_total{domain="localhost"}')).toBe(started);
    expect(await api.metric('parley_worker_restarts_total{worker="1"}')).toBe(1);
    const events = await api.events();
    expect(events).toMatch(/event: sessionStarted[^]*"worker":1[^]*event: workerEnded/);
    expect(events).toMatch(/event: sessionStarted\n[^]*"worker":2/);
  });

  test("take another configuration over together, and leave it alone when it is wrong", async () => {
    const relay = await served(start);
    const file = join(relay.folder, "parley-data/parley.yaml");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, `${before}auth: { expires: { min: 3000, default: 1000 } }\n`);
    relay.server.signal("SIGHUP");
    await relay.server.says(/configuration refused: .*1000 is not between/, "err");
    writeFileSync(file, `${before}auth: { expires: { default: 1234 } }\n`);
    relay.server.signal("SIGHUP");
    await relay.server.says(/configuration reloaded: auth\.expires/, "err");
    await reachesAll(relay, 1234);
    // One that is started again has it as well.
    process.kill(pidOf(relay.server, 2), "SIGKILL");
    await relay.server.says(/worker 2 listens again\n/, "err");
    await reachesAll(relay, 1234);
  });

  test("leave together: no new sessions, and the end when the last one has ended", async () => {
    const relay = await served(start, 60);
    const [first, second] = await inboxes(relay);
    relay.server.signal("SIGTERM");
    await until(() => (relay.server.err.match(/worker \d: draining/g) ?? []).length === 2, "both drains");
    const { code } = await inProcess(relay.folder, ["ping", relay.uri, ...relay.account("alice"), ...trust]);
    expect(code).toBe(1);
    // A stranger still reaches the session.
    expect((await parley(relay.folder, ["send", ...(second?.path ?? []), "--text", "bye", ...trust])).code).toBe(0);
    await second?.program.says(/bye\n/);
    first?.program.signal("SIGTERM");
    for (const { program } of relay.others) program.signal("SIGTERM");
    second?.program.signal("SIGTERM");
    expect((await relay.server.end()).code).toBe(0);
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
