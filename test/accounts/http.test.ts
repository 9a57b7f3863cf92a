/** Accounts behind an HTTP service: what is asked, what may be answered, and what follows when nothing is. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HttpAccounts } from "../../adapters/accounts/http.ts";
import type { HttpSettings } from "../../adapters/accounts/store.ts";

const md5 = "939e7578ed9e3c518a452acee763bce9";
const sha256 = md5 + md5;

let server: Server;
let url: string;
let asked: { method: string; authorization: string | undefined; type: string | undefined; body: unknown }[];
let answer: (response: ServerResponse, attempt: number) => void;
let news: { up: boolean; text: string }[];
const open: HttpAccounts[] = [];

beforeEach(async () => {
  asked = [];
  news = [];
  answer = (response) => reply(response, 404, {});
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { authorization, "content-type": type } = request.headers;
      asked.push({ method: request.method ?? "", authorization, type, body });
      answer(response, asked.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/accounts`;
});

afterEach(async () => {
  for (const store of open.splice(0)) store.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function store(changes: Partial<HttpSettings> = {}): HttpAccounts {
  const cache = { seconds: 0, negativeSeconds: 0, entries: 1 };
  const settings: HttpSettings = { type: "http", url, token: "t0ken", seconds: 1, retries: 1, cache, ...changes };
  const made = new HttpAccounts(settings, (line) => news.push(line));
  open.push(made);
  return made;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const octets of request) text += String(octets);
  return JSON.parse(text) as unknown;
}

describe("an account behind HTTP", () => {
  test("is asked for by name and domain, with the token", async () => {
    expect(await store().find("älice", "example.com")).toBeUndefined();
    expect(asked).toEqual([
      {
        method: "POST",
        authorization: "Bearer t0ken",
        type: "application/json",
        body: { username: "älice", domain: "example.com" },
      },
    ]);
  });

  test.each<[string, unknown, unknown]>([
    ["one hash, which is MD5", { ha1: md5.toUpperCase() }, { MD5: md5 }],
    ["a hash for each algorithm", { ha1: { MD5: md5, "SHA-256": sha256 } }, { MD5: md5, "SHA-256": sha256 }],
    ["more than we know", { ha1: { "SHA-256": sha256, "SHA3-256": "x" }, name: "Alice" }, { "SHA-256": sha256 }],
  ])("may be answered with %s", async (_, body, ha1) => {
    answer = (response) => reply(response, 200, body);
    expect(await store().find("alice", "example.com")).toEqual({ ha1 });
  });

  test.each<[string, number, unknown, RegExp]>([
    ["text that is not JSON", 200, "<html>", /not JSON/],
    ["no hash", 200, { password: "s3cret" }, /no ha1/],
    ["something that is no hash", 200, { ha1: "s3cret" }, /not a hash/],
    ["a hash that is too short", 200, { ha1: { "SHA-256": md5 } }, /not a hash/],
    ["more than anybody has to say", 200, `{"ha1":"${"0".repeat(20_000)}"}`, /longer than/],
    ["that our token is wrong", 401, {}, /HTTP 401/],
    ["another address", 302, {}, /HTTP 302/],
  ])("fails at once when the answer is %s", async (_, status, body, why) => {
    answer = (response) => reply(response, status, body);
    const failed = await store()
      .find("alice", "example.com")
      .catch((error: unknown) => String(error));
    expect(failed).toMatch(why);
    expect(failed).not.toContain("s3cret");
    expect(asked).toHaveLength(1);
  });

  test("is asked for a second time when the service stumbles", async () => {
    answer = (response, attempt) => reply(response, attempt === 1 ? 503 : 200, { ha1: md5 });
    expect(await store().find("alice", "example.com")).toEqual({ ha1: { MD5: md5 } });
    expect(asked).toHaveLength(2);
  });

  test("is asked for a second time when the connection is lost", async () => {
    answer = (response, attempt) => (attempt === 1 ? response.destroy() : reply(response, 200, { ha1: md5 }));
    expect(await store().find("alice", "example.com")).toEqual({ ha1: { MD5: md5 } });
  });

  test("is given up when there is no answer in time", async () => {
    answer = () => {};
    await expect(store({ retries: 0 }).find("alice", "example.com")).rejects.toThrow("no answer in 1 s");
  });

  test("is not asked for while the service is down, until one question gets an answer", async () => {
    answer = (response) => reply(response, 500, {});
    const accounts = store({ retries: 0 });
    for (let i = 0; i < 3; i++) await expect(accounts.find("alice", "example.com")).rejects.toThrow("HTTP 500");
    await expect(accounts.find("alice", "example.com")).rejects.toThrow("left alone");
    expect(asked).toHaveLength(3);
    expect(news).toEqual([{ up: false, text: expect.stringContaining("does not answer: HTTP 500") }]);
    answer = (response) => reply(response, 200, { ha1: md5 });
    await expect.poll(() => accounts.find("alice", "example.com").catch(() => "down")).toEqual({ ha1: { MD5: md5 } });
    expect(news.at(-1)?.up).toBe(true);
  });

  test("nobody waits for when parley ends", async () => {
    answer = () => {};
    const accounts = store({ seconds: 4 });
    const failed = accounts.find("alice", "example.com").catch((error: unknown) => error);
    await expect.poll(() => asked.length).toBe(1);
    accounts.close();
    expect(await failed).toBeInstanceOf(Error);
  });

  test("of a service that is not there fails with what the network says", async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(store({ retries: 0 }).find("alice", "example.com")).rejects.toThrow(
      /ECONNREFUSED|refused|Unable to connect/i,
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
});
