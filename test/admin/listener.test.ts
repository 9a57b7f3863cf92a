/** The admin app over real sockets, which each runtime does in its own way: run under Node, Bun and Deno. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { AdminListener } from "../../adapters/admin/listener.ts";
import type { KeyPair } from "../../adapters/shared/runtime.ts";
import { testAuthority } from "../support/certificates.ts";
import { until } from "../support/wait.ts";
import { AdminBench, OPERATE } from "./admin-bench.ts";

const listeners: AdminListener[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of listeners.splice(0)) await listener.close();
});

async function open(tls?: KeyPair): Promise<{ bench: AdminBench; listener: AdminListener; port: number }> {
  const bench = new AdminBench();
  const settings = { host: "127.0.0.1", port: 0, ...(tls !== undefined && { tls }) };
  const listener = await AdminListener.open(settings, bench.app.fetch);
  listeners.push(listener);
  return { bench, listener, port: Number(new URL(listener.url).port) };
}

const authorization = `Bearer ${OPERATE}`;

interface Got {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** One request with node's own client, on a connection of its own; `chunks` are sent without saying how long they are. */
function get(url: string, { ca, method = "GET", chunks = [] as string[] } = {} as GetOptions): Promise<Got> {
  const make = url.startsWith("https") ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const headers = { authorization, "content-type": "application/json" };
    const request = make(url, { ca, method, agent: false, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", text }),
      );
    });
    request.on("error", reject);
    for (const chunk of chunks) request.write(chunk);
    request.end();
  });
}

interface GetOptions {
  readonly ca?: string;
  readonly method?: string;
  readonly chunks?: string[];
}

/** What comes back to octets written as they are. */
async function raw(port: number, text: string): Promise<{ socket: Socket; read: () => string; closed: () => boolean }> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  let [read, closed] = ["", false];
  socket.on("error", () => {});
  socket.on("close", () => (closed = true));
  socket.on("data", (octets) => (read += String(octets)));
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(text);
  return { socket, read: () => read, closed: () => closed };
}

const follow = (path = "/v1/events") =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\n\r\n`;

describe("over HTTP", () => {
  test("requests are answered, refused and told apart", async () => {
    const { listener } = await open();
    const info = await get(`${listener.url}/v1/info`);
    expect([info.status, JSON.parse(info.text)]).toEqual([200, expect.objectContaining({ version: "0.1.0" })]);
    const nothing = await get(`${listener.url}/nothing`);
    expect([nothing.status, nothing.type]).toEqual([404, "application/problem+json"]);
    const ended = await get(`${listener.url}/v1/sessions/1.1`, { method: "DELETE" });
    expect([ended.status, ended.text]).toEqual([204, ""]);
    expect((await get(`${listener.url}/v1/info`, { method: "HEAD" })).status).toBe(200);
  });

  test("the address of who asks is that of the socket", async () => {
    const { bench, listener } = await open();
    await get(`${listener.url}/v1/sessions/1.1`, { method: "DELETE" });
    expect(bench.lines).toEqual(["info adminAction admin: admin from 127.0.0.1: DELETE /v1/sessions/1.1 204"]);
  });

  test("a body whose length nobody says is read to its end, or refused when it is too long", async () => {
    const { listener } = await open();
    const taken = await get(`${listener.url}/v1/drain`, { method: "POST", chunks: ['{ "sec', 'onds": 5 }'] });
    expect([taken.status, JSON.parse(taken.text).deadline]).toEqual([202, 5000]);
    const long = await get(`${listener.url}/v1/drain`, {
      method: "POST",
      chunks: ["x".repeat(50_000), "x".repeat(50_000)],
    });
    expect([long.status, long.type]).toEqual([413, "application/problem+json"]);
  });

  test("a port that is taken is said in words", async () => {
    const { port } = await open();
    const bench = new AdminBench();
    await expect(AdminListener.open({ host: "127.0.0.1", port }, bench.app.fetch)).rejects.toThrow(
      `admin.url: cannot listen on 127.0.0.1:${port}: another program has it`,
    );
  });

  test("what is no HTTP at all ends its connection and nothing else", async () => {
    const { listener, port } = await open();
    const { closed } = await raw(port, "MSRP a786hjs2 SEND\r\n\r\n");
    await until(closed, "the end of the connection");
    expect((await get(`${listener.url}/healthz`)).status).toBe(200);
  });
});

describe("server-sent events over HTTP", () => {
  test("come as they happen, and nobody is followed for a reader who has gone", async () => {
    const { bench, port } = await open();
    const followers = followersOf(bench);
    const { socket, read } = await raw(port, follow());
    await until(() => followers() === 1, "the reader");
    bench.control.happened.add({ at: 1, type: "drain", text: "one", fields: {} });
    await until(() => read().includes('"text":"one"'), "the event");
    expect(read()).toMatch(/^HTTP\/1\.1 200 /);
    expect(read().toLowerCase()).toContain("content-type: text/event-stream");
    socket.destroy();
    await until(() => followers() === 0, "the end of following");
  });

  test("a reader that takes nothing is dropped in the end, and costs nobody anything until then", async () => {
    const { bench, port } = await open();
    const followers = followersOf(bench);
    const stuck = await raw(port, follow());
    await until(() => followers() === 1, "the reader");
    stuck.socket.pause();
    const text = "x".repeat(2000);
    // What the kernel takes on its way to a reader that does not read is some megabytes.
    for (let i = 0; i < 40_000 && followers() > 0; i++) {
      bench.control.happened.add({ at: 1, type: "fault", text, fields: {} });
      if (i % 200 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await until(() => followers() === 0, "the end of following");
    stuck.socket.resume();
    await until(stuck.closed, "the end of the connection");
  });

  test("end with the listener", async () => {
    const { bench, listener, port } = await open();
    const followers = followersOf(bench);
    const { closed } = await raw(port, follow());
    await until(() => followers() === 1, "the reader");
    await listener.close();
    await until(() => closed() && followers() === 0, "the end of the stream");
  });
});

/** How many follow events; counted where they come and go. */
function followersOf(bench: AdminBench): () => number {
  let following = 0;
  const { control } = bench;
  const events = control.events.bind(control);
  control.events = (after, sink) => {
    following++;
    const stop = events(after, sink);
    return () => {
      following--;
      stop();
    };
  };
  return () => following;
}

describe("over HTTPS", () => {
  test("the certificate is the one of admin.tls, and plain HTTP gets nothing", async () => {
    const authority = await testAuthority();
    const { listener, port } = await open(await authority.issue("127.0.0.1"));
    expect(listener.url).toBe(`https://127.0.0.1:${port}`);
    const info = await get(`${listener.url}/v1/info`, { ca: authority.cert });
    expect(info.status).toBe(200);
    await expect(get(`${listener.url}/v1/info`)).rejects.toThrow();
    const plain = await raw(port, follow("/v1/info"));
    await until(plain.closed, "the end of the connection");
    expect(plain.read()).not.toContain("200 OK");
  });

  test("another certificate is shown from the next handshake on", async () => {
    const [before, after] = await Promise.all([testAuthority("before"), testAuthority("after")]);
    const { bench, listener } = await open(await before.issue("127.0.0.1"));
    const followers = followersOf(bench);
    void get(`${listener.url}/v1/events`, { ca: before.cert }).catch(() => {});
    await until(() => followers() === 1, "a reader that goes on reading");
    // The request that changes it is answered all the same.
    const pair = await after.issue("127.0.0.1");
    let shown: Promise<void> | undefined;
    bench.control.reload = async () => {
      shown = listener.setTls(pair);
      return bench.control.reloadBrings;
    };
    const reload = { ca: before.cert, method: "POST" };
    expect((await get(`${listener.url}/v1/reload`, reload)).status).toBe(200);
    await shown;
    expect((await get(`${listener.url}/healthz`, { ca: after.cert })).status).toBe(200);
    await expect(get(`${listener.url}/healthz`, { ca: before.cert })).rejects.toThrow();
  });
});
