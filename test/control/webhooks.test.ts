/** Webhooks: signed, in order, tried again, kept over a restart, bounded. */
import { createHmac } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WebhookSettings } from "../../adapters/config/settings.ts";
import type { Occurrence } from "../../adapters/control/control.ts";
import { Occurrences } from "../../adapters/control/occurrences.ts";
import { sign } from "../../adapters/control/webhook.ts";
import { WebhookQueue } from "../../adapters/control/webhook-queue.ts";
import { Webhooks } from "../../adapters/control/webhooks.ts";
import { until } from "../support/wait.ts";

const SECRET = "a secret of some length";
/** No process has this number. */
const NOBODY = 2 ** 31 - 7;

interface Delivery {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly event: Occurrence;
}

let folder: string;
let server: Server;
let url: string;
let deliveries: Delivery[];
/** What the receiver answers; nothing at all for undefined. */
let answer: (nth: number) => { status: number; location?: string } | undefined;
let asked: number;
/** webhook-id of each request, taken or not. */
let ids: unknown[];
const closings: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parley-webhooks-"));
  [deliveries, asked, ids] = [[], 0, []];
  answer = () => ({ status: 204 });
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      ids.push(request.headers["webhook-id"]);
      const answered = answer(asked++);
      if (answered === undefined) return;
      if (answered.status < 300) {
        deliveries.push({ headers: request.headers, body, event: JSON.parse(body).data as Occurrence });
      }
      const { status, location } = answered;
      response.writeHead(status, location === undefined ? {} : { location }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/hook`;
});

afterEach(async () => {
  for (const close of closings.splice(0)) await close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

interface Opened {
  readonly happened: Occurrences;
  readonly webhooks: Webhooks;
  readonly outcomes: string[];
  readonly told: string[];
}

async function open(over: Partial<WebhookSettings> = {}, happened = new Occurrences(1)): Promise<Opened> {
  const [outcomes, told]: [string[], string[]] = [[], []];
  const settings = { name: "billing", url, secret: SECRET, ...over };
  const events = happened.follow.bind(happened);
  const webhooks = await Webhooks.open(
    [settings],
    folder,
    { events },
    {
      count: (webhook, outcome) => void outcomes.push(`${webhook} ${outcome}`),
      tell: (level, text) => void told.push(`${level} ${text}`),
      pauses: { first: 1, longest: 20 },
    },
  );
  closings.push(() => webhooks.close());
  return { happened, webhooks, outcomes, told };
}

const happen = (happened: Occurrences, text: string, type = "sessionEnded") =>
  happened.add({ at: Date.now(), type, text, fields: { user: "alice" } });
const texts = () => deliveries.map(({ event }) => event.text);
const files = () => (existsSync(join(folder, "webhooks")) ? readdirSync(join(folder, "webhooks")) : []);

describe("a delivery", () => {
  test("carries the event, its id, and a signature that the secret proves (Standard Webhooks 1.0)", async () => {
    const { happened, outcomes } = await open();
    happen(happened, "one");
    await until(() => deliveries.length === 1, "the delivery");
    const [{ headers, body, event }] = deliveries as [Delivery];
    expect(event).toMatchObject({ type: "sessionEnded", text: "one", fields: { user: "alice" } });
    expect(JSON.parse(body)).toMatchObject({ type: "sessionEnded", timestamp: new Date(event.at).toISOString() });
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["webhook-id"]).toMatch(new RegExp(`^evt_${event.id}_[0-9a-f]{12}$`));
    expect(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(60);
    const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
    const digest = createHmac("sha256", SECRET).update(signed).digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${digest}`);
    await until(() => outcomes.length === 1, "the count");
    expect(outcomes).toEqual(["billing delivered"]);
  });

  test("is signed as the specification's own example is", () => {
    const text = 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}';
    expect(sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", text)).toBe("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  test("is of the types that were asked for", async () => {
    const { happened } = await open({ events: ["drain", "sessionEnded"] });
    happen(happened, "no", "fault");
    happen(happened, "yes", "drain");
    happen(happened, "no", "sessionStarted");
    happen(happened, "too", "sessionEnded");
    await until(() => deliveries.length === 2, "the deliveries");
    expect(texts()).toEqual(["yes", "too"]);
  });

  test.each([500, 404, 302, 410])("that is answered %i is tried again, and those behind it wait", async (status) => {
    answer = (nth) => ({ status: nth < 4 ? status : 200, location: url.replace("hook", "elsewhere") });
    const { happened, outcomes, told } = await open();
    happen(happened, "one");
    happen(happened, "two");
    await until(() => deliveries.length === 2 && told.length === 2, "the deliveries");
    expect(texts()).toEqual(["one", "two"]);
    expect(asked).toBe(6);
    expect(outcomes.filter((outcome) => outcome === "billing retried")).toHaveLength(4);
    expect(told).toEqual([
      `warning webhook billing: it answered ${status}; trying again until it works`,
      "info webhook billing: takes events again after 4 failures",
    ]);
  });

  test("nobody listens for is kept, and told once", async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const address = free.address();
    const port = typeof address === "object" ? address?.port : 0;
    await new Promise((resolve) => free.close(resolve));
    const { happened, webhooks, told, outcomes } = await open({ url: `http://127.0.0.1:${port}/` });
    happen(happened, "one");
    await until(() => outcomes.length >= 3, "some attempts");
    expect(webhooks.sizes).toEqual(new Map([["billing", 1]]));
    expect(told).toHaveLength(1);
    expect(told.join()).not.toContain(SECRET);
  });
});

describe("what was not delivered", () => {
  test("is delivered after a restart, in order and with the same ids", async () => {
    answer = () => ({ status: 503 });
    const first = await open();
    for (const text of ["one", "two", "three"]) happen(first.happened, text);
    await until(() => asked > 0, "an attempt");
    const tried = ids[0];
    await first.webhooks.close();
    answer = () => ({ status: 200 });
    const second = await open({}, new Occurrences(2));
    happen(second.happened, "four");
    await until(() => deliveries.length === 4, "the deliveries");
    expect(texts()).toEqual(["one", "two", "three", "four"]);
    expect(deliveries.map(({ event }) => event.id)).toEqual([100, 101, 102, 200]);
    expect(deliveries[0]?.headers["webhook-id"]).toBe(tried);
    await until(() => second.webhooks.sizes.get("billing") === 0, "an empty queue");
    await second.webhooks.close();
    expect(files()).toEqual([]);
  });

  test("in a receiver that never answers does not keep the program from ending", async () => {
    answer = () => undefined;
    const { happened, webhooks } = await open();
    happen(happened, "one");
    await until(() => asked === 1, "the attempt");
    await webhooks.close();
    expect(files()).toHaveLength(1);
  });

  test("by a program that crashed is taken over, a line that was cut off passed over", async () => {
    const event = (id: number) =>
      JSON.stringify({ event: { id, at: Date.now(), type: "drain", text: `${id}`, fields: {} } });
    const queue = join(folder, "webhooks");
    const before = await WebhookQueue.open(queue, "billing", () => {});
    await before.close();
    const lines = [event(1), event(2), event(3), JSON.stringify({ done: 1 }), event(4), '{"event":{"id":5,"at":1,"ty'];
    writeFileSync(join(queue, `billing.${NOBODY}.jsonl`), lines.join("\n"));
    writeFileSync(join(queue, `other.${NOBODY}.jsonl`), event(9));
    // One that is running: our parent, whoever that is.
    writeFileSync(join(queue, `billing.${process.ppid}.jsonl`), event(7));
    await open();
    await until(() => deliveries.length === 3, "the deliveries");
    expect(texts()).toEqual(["2", "3", "4"]);
    expect(files().sort()).toEqual(
      [`billing.${process.ppid}.jsonl`, `billing.${process.pid}.jsonl`, `other.${NOBODY}.jsonl`].sort(),
    );
  });
});

const tellsStarts = existsSync("/proc/uptime");
test.skipIf(!tellsStarts)(
  `an event left by a program whose number is another's by now is delivered${tellsStarts ? "" : " (skipped: only Linux tells when a process began)"}`,
  async () => {
    const queue = join(folder, "webhooks");
    mkdirSync(queue);
    const event = { id: 1, at: Date.now(), type: "drain", text: "left", fields: {} };
    // Our parent runs, and began long after this was written.
    const file = join(queue, `billing.${process.ppid}.jsonl`);
    writeFileSync(file, `${JSON.stringify({ event })}\n`);
    utimesSync(file, 1, 1);
    await open();
    await until(() => deliveries.length === 1, "the delivery");
    expect(existsSync(file)).toBe(false);
  },
);

describe("the queue", () => {
  const event = (id: number, text = ""): Occurrence => ({ id, at: 1, type: "fault", text, fields: {} });

  test("takes ten thousand events and no more", async () => {
    const queue = await WebhookQueue.open(folder, "q", () => {});
    for (let id = 0; id < 10_000; id++) expect(queue.add(event(id))).toBe(true);
    expect(queue.add(event(10_000))).toBe(false);
    queue.done();
    expect(queue.add(event(10_001))).toBe(true);
    expect(queue.size).toBe(10_000);
    await queue.close();
    const again = await WebhookQueue.open(folder, "q", () => {});
    expect([again.size, again.first?.id]).toEqual([10_000, 1]);
    while (again.size > 0) again.done();
    await again.close();
  });

  test("takes over all that several programs have left, however much it is together", async () => {
    const lines = (first: number) =>
      Array.from({ length: 6000 }, (_, i) => JSON.stringify({ event: event(first + i) })).join("\n");
    writeFileSync(join(folder, `q.${NOBODY}.jsonl`), lines(0));
    writeFileSync(join(folder, `q.${NOBODY - 1}.jsonl`), lines(6000));
    const queue = await WebhookQueue.open(folder, "q", () => {});
    expect([queue.size, queue.first?.id]).toEqual([12_000, 0]);
    expect(queue.add(event(12_000))).toBe(false);
    await queue.close();
    const again = await WebhookQueue.open(folder, "q", () => {});
    expect(again.size).toBe(12_000);
    while (again.size > 0) again.done();
    await again.close();
  });

  test("takes sixteen megabytes and no more", async () => {
    const queue = await WebhookQueue.open(folder, "q", () => {});
    const text = "x".repeat(1 << 20);
    let taken = 0;
    while (queue.add(event(taken, text))) taken++;
    expect(taken).toBe(15);
    while (queue.size > 0) queue.done();
    await queue.close();
  });

  test("that is full is told once, with how many were dropped when there is room again", async () => {
    answer = () => ({ status: 500 });
    const { happened, outcomes, told } = await open();
    for (let i = 0; i < 10_050; i++) happen(happened, "");
    expect(outcomes.filter((outcome) => outcome === "billing dropped")).toHaveLength(50);
    expect(told.filter((text) => text.includes("events wait already"))).toHaveLength(1);
    answer = () => ({ status: 200 });
    await until(
      () => told.some((text) => text.includes("50 events were dropped")),
      () => told.join("\n"),
    );
  });

  test("holds nothing on the disk when everything was delivered", async () => {
    const { happened } = await open();
    for (let i = 0; i < 20; i++) happen(happened, String(i));
    await until(() => deliveries.length === 20, "the deliveries");
    const file = join(folder, "webhooks", `billing.${process.pid}.jsonl`);
    await until(() => readFileSync(file, "utf8") === "", "an empty file");
  });

  test("delivers also when the disk takes nothing, and tells that once", async () => {
    const { happened, told } = await open();
    rmSync(join(folder, "webhooks"), { recursive: true });
    writeFileSync(join(folder, "webhooks"), "no folder any more");
    answer = (nth) => ({ status: nth === 0 ? 500 : 200 });
    for (const text of ["one", "two", "three"]) happen(happened, text);
    await until(() => deliveries.length === 3, "the deliveries");
    expect(told.filter((text) => text.includes("cannot be written"))).toHaveLength(1);
  });

  test("that cannot be opened at all is said in words", async () => {
    writeFileSync(join(folder, "webhooks"), "a file");
    await expect(open()).rejects.toThrow("webhooks: billing cannot keep its events");
  });
});
