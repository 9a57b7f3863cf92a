/** Who may speak to the admin API, and what everybody else is told. */
import { describe, expect, test } from "vitest";
import { AdminBench, OPERATE, READ } from "./admin-bench.ts";

describe("tokens", () => {
  test.each([
    ["no token", undefined, 401, 'Bearer realm="parley"'],
    ["a wrong token", "wrong", 401, 'Bearer realm="parley", error="invalid_token"'],
    ["a token cut short", OPERATE.slice(0, -1), 401, 'Bearer realm="parley", error="invalid_token"'],
  ])("%s is refused with a challenge", async (_, token, status, challenge) => {
    const answer = await new AdminBench().ask("/v1/info", { token });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("www-authenticate")).toBe(challenge);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  test("a token to read may look and not change", async () => {
    const bench = new AdminBench();
    expect((await bench.ask("/v1/sessions", { token: READ })).status).toBe(200);
    const refused = await bench.ask("/v1/sessions/1.1", { token: READ, method: "DELETE" });
    expect([refused.status, refused.json.detail]).toEqual([
      403,
      "the token prometheus is not for this: it needs the scope operate",
    ]);
    expect(refused.headers.get("www-authenticate")).toContain('error="insufficient_scope", scope="operate"');
    expect(bench.control.sessionViews).toHaveLength(2);
  });

  test("a trace shows who writes to whom, so reading is not enough for it", async () => {
    expect((await new AdminBench().ask("/v1/sessions/1.1/trace", { token: READ })).status).toBe(403);
  });

  test("a token to operate may also look", async () => {
    expect((await new AdminBench().ask("/v1/sessions")).status).toBe(200);
  });

  test("without any token in the configuration nobody may do anything", async () => {
    const answer = await new AdminBench({ tokens: [] }).ask("/v1/info");
    expect([answer.status, answer.json.detail]).toEqual([
      403,
      "the configuration has no admin.token, so nobody may do this",
    ]);
  });

  test("no answer and no log line repeats a token", async () => {
    const bench = new AdminBench();
    const presented = "s3cret-but-wrong-token";
    const answers = [
      await bench.ask("/v1/info", { token: presented }),
      await bench.ask("/v1/info"),
      await bench.ask("/v1/sessions/1.1", { method: "DELETE" }),
    ];
    const told = [...answers.map(({ text }) => text), ...bench.lines].join("\n");
    for (const secret of [presented, OPERATE, READ]) expect(told).not.toContain(secret);
    expect(bench.lines).toEqual([
      "warning adminRefused admin: 127.0.0.1 refused: wrong token",
      "info adminAction admin: admin from 127.0.0.1: DELETE /v1/sessions/1.1 204",
    ]);
  });
});

describe("guessing", () => {
  test("after ten wrong tokens an address waits, also with a right one, and others do not", async () => {
    const bench = new AdminBench();
    const from = (address: string, token: string) => bench.ask("/v1/info", { token, address });
    for (let i = 0; i < 10; i++) expect((await from("192.0.2.7", `guess${i}`)).status).toBe(401);
    const refused = await from("192.0.2.7", OPERATE);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "6"]);
    expect(refused.json.detail).toBe("too many wrong tokens from 192.0.2.7; wait 6 s");
    expect((await from("192.0.2.8", OPERATE)).status).toBe(200);
    bench.now += 6000;
    expect((await from("192.0.2.7", OPERATE)).status).toBe(200);
  });

  test("one wrong token in ten seconds, such as an old one that scrapes, is never too many", async () => {
    const bench = new AdminBench();
    for (let i = 0; i < 40; i++) {
      expect((await bench.ask("/metrics", { token: "old" })).status).toBe(401);
      bench.now += 10_000;
    }
  });

  test("one IPv6 network counts as one address", async () => {
    const bench = new AdminBench();
    for (let i = 0; i < 10; i++) await bench.ask("/v1/info", { token: "x", address: `2001:db8::${i + 1}` });
    expect((await bench.ask("/v1/info", { address: "2001:db8::ffff" })).status).toBe(429);
  });
});

describe("a browser on the operator's machine", () => {
  test.each(["evil.example:8080", "evil.example", "admin.example.com.evil.example", "", "a b"])(
    "a page whose name was made to lead to us is refused: %j",
    async (host) => {
      const answer = await new AdminBench().ask("/healthz", { headers: { host } });
      expect(answer.status).toBe(421);
    },
  );

  test.each(["127.0.0.1:8080", "[::1]:8080", "localhost:8080", "LOCALHOST", "admin.example.com", "10.1.2.3"])(
    "%s is us",
    async (host) => {
      expect((await new AdminBench().ask("/healthz", { headers: { host } })).status).toBe(200);
    },
  );

  test.each(["https://evil.example", "null", "http://127.0.0.1:8081"])("origin %s is refused", async (origin) => {
    const answer = await new AdminBench().ask("/v1/drain", { method: "POST", headers: { origin } });
    expect([answer.status, answer.json.detail]).toEqual([403, "pages of other origins may not use this API"]);
  });

  test("our own page may use the API", async () => {
    const headers = { origin: "http://127.0.0.1:8080" };
    expect((await new AdminBench().ask("/v1/drain", { method: "POST", headers })).status).toBe(202);
  });

  test("no page of another origin is told that it may read an answer", async () => {
    const answer = await new AdminBench().ask("/v1/info", { method: "OPTIONS" });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("every answer keeps browsers from framing it, guessing its type and keeping it", async () => {
    for (const path of ["/v1/info", "/docs", "/nothing", "/healthz"]) {
      const { headers } = await new AdminBench().ask(path);
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect((await new AdminBench().ask("/v1/info")).headers.get("cache-control")).toBe("no-store");
  });
});

describe("refusals are problem documents (RFC 9457)", () => {
  test("a path that leads nowhere", async () => {
    const answer = await new AdminBench().ask("/v1/nothing");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.json).toEqual({
      type: "about:blank",
      title: "Not Found",
      status: 404,
      detail: "there is nothing at this path; /docs says what there is",
    });
  });

  test("a method that a path does not take, with those it does", async () => {
    const answer = await new AdminBench().ask("/v1/sessions/1.1", { method: "POST" });
    expect([answer.status, answer.headers.get("allow"), answer.json.title]).toEqual([
      405,
      "GET, HEAD, DELETE",
      "Method Not Allowed",
    ]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  test("a body that is too long, however it comes", async () => {
    const bench = new AdminBench();
    const body = JSON.stringify({ username: "x".repeat(70_000) });
    const long = { method: "POST", body, headers: { "content-type": "application/json" } };
    const told = await bench.ask("/v1/accounts", { ...long, headers: { ...long.headers, "content-length": "70020" } });
    expect([told.status, told.json.detail]).toEqual([413, "a request may have at most 65536 octets"]);
    const untold = await bench.ask("/v1/accounts", long);
    expect([untold.status, untold.json.title]).toEqual([413, "Content Too Large"]);
  });

  test("a body that is not JSON, by its name or by its content", async () => {
    const bench = new AdminBench();
    const form = { "content-type": "application/x-www-form-urlencoded", "content-length": "9" };
    const named = await bench.ask("/v1/drain", { method: "POST", body: "seconds=5", headers: form });
    expect([named.status, named.json.detail]).toEqual([415, "send JSON, and say so: content-type: application/json"]);
    const json = { "content-type": "application/json", "content-length": "2" };
    const broken = await bench.ask("/v1/drain", { method: "POST", body: "{x", headers: json });
    expect([broken.status, broken.headers.get("content-type")]).toEqual([400, "application/problem+json"]);
  });

  test("a bug of ours says nothing about itself, and stands in the log", async () => {
    const bench = new AdminBench();
    bench.control.broken = new Error("the innermost secret");
    const answer = await bench.ask("/v1/info");
    expect([answer.status, answer.json.detail]).toEqual([500, "a bug of ours; the log says more"]);
    expect(bench.lines.join()).toContain("the innermost secret");
  });
});
