/** What several workers write down and tell: records, webhooks and names in the log, in real processes on every runtime. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import type { Occurrence } from "../../adapters/control/control.ts";
import { until } from "../support/wait.ts";
import { WireClient } from "../support/wire-client.ts";
import { emptyFolder, Parley, type Start, starts } from "./run-parley.ts";

const OWN = "msrp://alice.example.com:9892/98cjs;tcp";
/** Sessions of a test. That the kernel deals all to one worker happens once in 10^9 times. */
const SESSIONS = 32;

interface Delivery {
  readonly path: string;
  readonly id: string;
  readonly event: Occurrence;
}

/** Takes what is posted, while it is up. */
class Receiver {
  readonly taken: Delivery[] = [];
  up = true;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (part: string) => (body += part));
      request.on("end", () => {
        const id = String(request.headers["webhook-id"]);
        if (this.up) this.taken.push({ path: request.url ?? "", id, event: JSON.parse(body).data as Occurrence });
        response.writeHead(this.up ? 204 : 503).end();
      });
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  at(path: string): Delivery[] {
    return this.taken.filter((delivery) => delivery.path === path);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const receivers: Receiver[] = [];
afterEach(() => {
  for (const receiver of receivers.splice(0)) receiver.close();
});

interface Served {
  readonly folder: string;
  readonly server: Parley;
  readonly receiver: Receiver;
  /** Has a session, which ends with its connection. */
  readonly join: () => Promise<{ readonly worker: number; readonly client: WireClient }>;
}

async function served(start: Start): Promise<Served> {
  const folder = emptyFolder();
  const receiver = await Receiver.open();
  receivers.push(receiver);
  writeFileSync(
    join(folder, "parley.yaml"),
    `hostname: localhost
data: .
workers: 2
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
records:
  - { type: file, path: sessions.jsonl, rotate: { bytes: 4096 } }
  - { type: sqlite, path: sessions.db }
  - { type: webhook, name: billing, url: "${receiver.url}/records", secret: 0123456789abcdef0 }
webhooks: [{ name: billing, url: "${receiver.url}/events", secret: 0123456789abcdef0, events: [sessionStarted, sessionEnded] }]
log: { hash: { users: true, addresses: true } }
limits: { sessionsPerUser: 10000, connectionsPerAddress: 10000, connectionsPerSecondPerAddress: 10000 }
drain: { seconds: 0 }
`,
  );
  const server = new Parley(folder, ["serve", "--config", "parley.yaml"], "", start);
  const [, port, given = ""] = await server.says(/lab +msrp:\/\/127\.0\.0\.1:(\d+), giving out \S+ with ports (.*)\n/);
  const own = given.split(", ");
  return {
    folder,
    server,
    receiver,
    async join() {
      const client = await WireClient.open({ port: Number(port) });
      const usePath = await client.join(`msrp://localhost:${port};tcp`, OWN, "alice", "hunter2");
      return { client, worker: own.indexOf(/localhost:(\d+)/.exec(usePath)?.[1] ?? "") + 1 };
    },
  };
}

const FILES = /^sessions\.jsonl/;
type Fields = Readonly<Record<string, string | number>>;

/** Every line of the files whose name fits. A line that is cut, or two in one, is an error. */
function linesIn(folder: string, name: RegExp): Record<string, unknown>[] {
  return readdirSync(folder)
    .filter((file) => name.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      expect(text === "" || text.endsWith("\n")).toBe(true);
      return text.split("\n").slice(0, -1);
    })
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What waits in the queues of a folder that are called so. */
function waitingIn(folder: string, name = /\.jsonl$/): Occurrence[] {
  const lines = linesIn(folder, name) as { event?: Occurrence; done?: number }[];
  const done = new Set(lines.map((line) => line.done));
  return lines.flatMap(({ event }) => (event === undefined || done.has(event.id) ? [] : [event]));
}

const idsOf = (records: readonly Record<string, unknown>[]) => records.map(({ id }) => String(id)).toSorted();
const recordsOf = (events: readonly Occurrence[]) => events.map(({ fields }) => fields as Fields);

/** The process of a worker, which Linux tells. */
function pidOf(server: Parley, number: number): number {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" ");
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith(`worker\0${number}\0`));
  return Number(found);
}

describe.each(Object.entries(starts))("two workers on %s", (_, start) => {
  test("write each record once, whole, in every place, tell each event once, and hash a user alike", async () => {
    const { folder, server, receiver, join: joined } = await served(start);
    const all = await Promise.all(Array.from({ length: SESSIONS }, joined));
    const of = (worker: number) => all.filter((one) => one.worker === worker).length;
    expect(of(1) * of(2)).toBeGreaterThan(0);
    // Half of them end by themselves, at once; the others when parley does.
    for (const { client } of all.slice(0, SESSIONS / 2)) client.end();
    await until(() => receiver.at("/records").length === SESSIONS / 2, "the records of half of them");
    server.signal("SIGTERM");
    expect((await server.end()).code).toBe(0);

    const [first, second] = [linesIn(folder, /^sessions\.jsonl(\.|$)/), linesIn(folder, /^sessions\.jsonl-2(\.|$)/)];
    expect([first.length, second.length]).toEqual([of(1), of(2)]);
    for (const [index, lines] of [first, second].entries()) {
      expect(new Set(lines.map(({ session }) => String(session)[0]))).toEqual(new Set([String(index + 1)]));
    }
    const ids = idsOf([...first, ...second]);
    expect(new Set(ids).size).toBe(SESSIONS);
    expect(readdirSync(folder).filter((name) => /^sessions\.jsonl(-2)?\./.test(name)).length).toBeGreaterThan(0);
    const database = new DatabaseSync(join(folder, "sessions.db"));
    expect(idsOf(database.prepare("SELECT id FROM parley_sessions").all())).toEqual(ids);
    database.close();

    // What was not posted before the end waits for the next start; one that was under way then may come twice.
    const posted = recordsOf(receiver.at("/records").map(({ event }) => event));
    expect(new Set(idsOf(posted)).size).toBe(posted.length);
    const left = recordsOf(waitingIn(join(folder, "records")));
    expect([...new Set(idsOf([...posted, ...left]))]).toEqual(ids);
    const events = [...receiver.at("/events").map(({ event }) => event), ...waitingIn(join(folder, "webhooks"))];
    const sessions = (type: string) =>
      [
        ...new Set(events.filter((event) => event.type === type).map(({ fields }) => String(fields.session))),
      ].toSorted();
    expect(sessions("sessionStarted")).toEqual([...first, ...second].map(({ session }) => String(session)).toSorted());
    expect(sessions("sessionEnded")).toEqual(sessions("sessionStarted"));
    const told = receiver.at("/events").map(({ id }) => id);
    expect(new Set(told).size).toBe(told.length);

    const lines = server.err
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Fields);
    const started = lines.filter(({ event }) => event === "sessionStarted");
    expect(new Set(started.map(({ worker }) => worker))).toEqual(new Set([1, 2]));
    expect(new Set(started.map(({ user }) => user)).size).toBe(1);
    expect(new Set(started.map(({ peer }) => String(peer).split(":")[0])).size).toBe(1);
    expect(server.err).not.toMatch(/alice|127\.0\.0\.1:\d/);
    expect(server.err).not.toMatch(/recordsLost|recordsDelayed|"bug"/);
  });

  test("lose no record of one that is killed but those of the sessions it had, and it takes over what it left", async () => {
    const { folder, server, receiver, join: joined } = await served(start);
    receiver.up = false;
    const all = await Promise.all(Array.from({ length: SESSIONS }, joined));
    const [staying, leaving] = [all.slice(0, SESSIONS / 2), all.slice(SESSIONS / 2)];
    const [lost, theirs] = [1, 2].map((number) => staying.filter(({ worker }) => worker === number).length);
    for (const { client } of leaving) client.end();
    const queues = join(folder, "records");
    await until(() => linesIn(folder, FILES).length === leaving.length, "the files");
    await until(() => waitingIn(queues, /^billing/).length === leaving.length, "what waits for the receiver");
    await until(() => waitingIn(queues, /^(?!billing)/).length === 0, "what is written to be noted");
    const left = idsOf(recordsOf(waitingIn(queues)));
    process.kill(pidOf(server, 1), "SIGKILL");
    receiver.up = true;
    const [, told] = await server.says(/"event":"workerEnded".*"sessions":(\d+)/, "err");
    expect(Number(told)).toBe(lost);
    await server.says(/"event":"workerStarted"/, "err");
    await until(() => receiver.at("/records").length === leaving.length, "the records of both");
    // Each once, with the same id as in the files.
    expect(idsOf(recordsOf(receiver.at("/records").map(({ event }) => event)))).toEqual(left);
    server.signal("SIGTERM");
    expect((await server.end()).code).toBe(0);
    const lines = linesIn(folder, FILES);
    const ended = lines.filter(({ why }) => why === "DRAIN").map(({ session }) => String(session)[0]);
    expect(ended).toEqual(Array.from({ length: theirs ?? 0 }, () => "2"));
    expect(new Set(idsOf(lines)).size).toBe(lines.length);
    expect(lines).toHaveLength(leaving.length + ended.length);
    // What could not be told before it was killed, the supervisor has: its events are all there.
    const events = [...receiver.at("/events").map(({ event }) => event), ...waitingIn(join(folder, "webhooks"))];
    const count = (type: string) => new Set(events.filter((event) => event.type === type).map(({ id }) => id)).size;
    expect([count("sessionStarted"), count("sessionEnded")]).toEqual([SESSIONS, lines.length]);
  });
});
