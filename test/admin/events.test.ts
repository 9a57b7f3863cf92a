/** Server-sent events: live, resumed, bounded. */
import { describe, expect, test } from "vitest";
import { until } from "../support/wait.ts";
import { AdminBench } from "./admin-bench.ts";

interface Message {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** A reader of server-sent events that keeps what it has read. */
class Reader {
  readonly messages: Message[] = [];
  ended = false;
  #rest = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
    void this.#read();
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }

  async has(count: number): Promise<void> {
    await until(
      () => this.messages.length >= count,
      () => `${count} messages; there are ${this.messages.length}`,
    );
  }

  async #read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read().catch(() => ({ done: true, value: undefined }));
      if (done || value === undefined) break;
      this.#rest += new TextDecoder().decode(value);
      for (let end = this.#rest.indexOf("\n\n"); end >= 0; end = this.#rest.indexOf("\n\n")) {
        const block = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
        if (!block.startsWith(":")) this.messages.push({ event: field("event"), id: field("id"), data: field("data") });
      }
    }
    this.ended = true;
  }
}

const happen = (bench: AdminBench, type: string, text = "") =>
  bench.control.happened.add({ at: 1, type, text, fields: {} });

async function follow(bench: AdminBench, path = "/v1/events", headers: Record<string, string> = {}): Promise<Reader> {
  const response = await bench.open(path, { headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  return new Reader(response);
}

describe("GET /v1/events", () => {
  test("tells what happens from now on", async () => {
    const bench = new AdminBench();
    happen(bench, "sessionStarted", "before");
    const reader = await follow(bench);
    await until(() => (happen(bench, "sessionEnded", "now"), reader.messages.length > 0), "an event");
    expect(reader.messages[0]).toMatchObject({ event: "sessionEnded" });
    expect(JSON.parse(reader.messages[0]?.data ?? "")).toMatchObject({ type: "sessionEnded", text: "now" });
    expect(reader.messages.some(({ data }) => data.includes("before"))).toBe(false);
    await reader.leave();
  });

  test.each([
    ["Last-Event-ID", "/v1/events", { "last-event-id": "1" }],
    ["?after=", "/v1/events?after=1", {}],
  ])("with %s begins behind that event", async (_, path, headers) => {
    const bench = new AdminBench();
    for (let i = 0; i < 4; i++) happen(bench, "fault", `number ${i}`);
    const reader = await follow(bench, path, headers as Record<string, string>);
    await reader.has(2);
    expect(reader.messages.map(({ id }) => id)).toEqual(["2", "3"]);
    await reader.leave();
  });

  test("says that something was missed when it is not remembered any more", async () => {
    const bench = new AdminBench();
    for (let i = 0; i < 5000; i++) happen(bench, "fault");
    const reader = await follow(bench, "/v1/events?after=4998&type=fault");
    await reader.has(1);
    expect(reader.messages[0]?.id).toBe("4999");
    await reader.leave();
    // The ring holds the last 4096: those before 904 are gone.
    const missing = await follow(bench, "/v1/events?after=3&type=nothing");
    await missing.has(1);
    expect(missing.messages[0]).toEqual({ event: "missed", id: "", data: '{"after":3,"until":904}' });
    await missing.leave();
  });

  test("tells all that is remembered, however much that is", async () => {
    const bench = new AdminBench();
    for (let i = 0; i < 5000; i++) happen(bench, "fault", String(i));
    const reader = await follow(bench, "/v1/events?after=0");
    await reader.has(4096);
    expect([reader.messages[0]?.id, reader.messages.at(-1)?.id, reader.ended]).toEqual(["904", "4999", false]);
    await reader.leave();
  });

  test("tells only the types that were asked for", async () => {
    const bench = new AdminBench();
    happen(bench, "first");
    for (const type of ["fault", "sessionStarted", "sessionEnded", "drain"]) happen(bench, type);
    const reader = await follow(bench, "/v1/events?type=sessionStarted,drain&after=0");
    await reader.has(2);
    expect(reader.messages.map(({ event }) => event)).toEqual(["sessionStarted", "drain"]);
    await reader.leave();
  });

  test("drops a reader that takes nothing, and holds back nobody", async () => {
    const bench = new AdminBench();
    const stuck = await bench.open("/v1/events");
    const reader = await follow(bench);
    await until(() => (happen(bench, "drain"), reader.messages.length > 0), "the first event");
    for (let i = 0; i < 3000; i++) {
      happen(bench, "fault", "x".repeat(100));
      if (i % 100 === 0) await reader.has(reader.messages.length);
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    expect(reader.ended).toBe(false);
    const late = new Reader(stuck);
    await until(() => late.ended, "the end of the slow reader's stream");
    expect(late.messages.length).toBeLessThan(1100);
    await reader.leave();
  });

  test.each([
    ["/v1/events", { "last-event-id": "yesterday" }, "Last-Event-ID must be the id of an event"],
    ["/v1/events?after=-1", {}, "after must be the id of an event"],
  ])("%s with %j is refused", async (path, headers, detail) => {
    const answer = await new AdminBench().ask(path, { headers: headers as Record<string, string> });
    expect([answer.status, answer.json.detail]).toEqual([400, detail]);
  });

  test("so many streams and no more", async () => {
    const bench = new AdminBench();
    const readers = await Promise.all(Array.from({ length: 64 }, () => follow(bench)));
    const refused = await bench.ask("/v1/events");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "30"]);
    await Promise.all(readers.map((reader) => reader.leave()));
    await until(() => readers.every(({ ended }) => ended), "the end of all");
    const again = await follow(bench);
    await again.leave();
  });
});

describe("GET /v1/sessions/{id}/trace", () => {
  const frame = {
    at: 1,
    session: "1.1",
    direction: "in",
    connection: "1.1",
    head: "MSRP a SEND\r\n",
    bodyBytes: 5,
  } as const;

  test("tells the heads of frames as they pass", async () => {
    const bench = new AdminBench();
    const reader = await follow(bench, "/v1/sessions/1.1/trace?seconds=5");
    await until(() => bench.control.tracing !== undefined, "the trace");
    bench.control.tracing?.(frame);
    await reader.has(1);
    expect(JSON.parse(reader.messages[0]?.data ?? "")).toEqual(frame);
    await reader.leave();
    await until(() => bench.control.tracing === undefined, "the end of the trace");
  });

  test("ends when its time is over, and says so", async () => {
    const bench = new AdminBench();
    const reader = await follow(bench, "/v1/sessions/1.1/trace?seconds=1");
    await until(() => reader.ended, "the end of the stream");
    expect(reader.messages).toEqual([{ event: "end", id: "", data: '{"why":"the time is over"}' }]);
  });

  test("ends with its session", async () => {
    const bench = new AdminBench();
    const reader = await follow(bench, "/v1/sessions/1.1/trace");
    await until(() => bench.control.tracing !== undefined, "the trace");
    bench.control.happened.add({ at: 1, type: "sessionEnded", text: "", fields: { session: "1.2" } });
    bench.control.happened.add({ at: 1, type: "sessionEnded", text: "", fields: { session: "1.1" } });
    await until(() => reader.ended, "the end of the stream");
    expect(reader.messages.map(({ data }) => data)).toEqual(['{"why":"the session has ended"}']);
  });

  test.each([
    ["/v1/sessions/9.9/trace", 404],
    ["/v1/sessions/1.1/trace?seconds=0", 400],
    ["/v1/sessions/1.1/trace?seconds=3601", 400],
  ])("%s is refused with %i", async (path, status) => {
    expect((await new AdminBench().ask(path)).status).toBe(status);
  });
});
