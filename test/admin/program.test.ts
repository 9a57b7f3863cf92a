/** The program as a whole: health, drain, levels, configuration. */
import { describe, expect, test } from "vitest";
import { NotOffered } from "../../adapters/control/not-offered.ts";
import { AdminBench } from "./admin-bench.ts";

describe("health and readiness", () => {
  test("need no token", async () => {
    for (const path of ["/healthz", "/readyz"]) {
      const answer = await new AdminBench().ask(path, { token: undefined });
      expect([answer.status, answer.json]).toEqual([200, { status: "ok" }]);
    }
  });

  test("a drain lasts as long as the configuration says when nobody says otherwise", async () => {
    const begun = await new AdminBench().ask("/v1/drain", { method: "POST" });
    expect([begun.status, begun.json.deadline]).toEqual([202, 90_000]);
  });

  test("a drain sends clients elsewhere and restarts nobody", async () => {
    const bench = new AdminBench();
    const begun = await bench.ask("/v1/drain", { method: "POST", body: { seconds: 60 } });
    expect([begun.status, begun.json]).toEqual([202, { since: 0, deadline: 60_000 }]);
    expect((await bench.ask("/healthz")).status).toBe(200);
    const ready = await bench.ask("/readyz");
    expect([ready.status, ready.json]).toEqual([503, { status: "draining" }]);
    expect((await bench.ask("/v1/info")).json.drain).toEqual({ since: 0, deadline: 60_000 });
    expect((await bench.ask("/v1/drain", { method: "DELETE" })).status).toBe(204);
    expect((await bench.ask("/readyz")).status).toBe(200);
  });

  test("a program on its way out is neither healthy nor ready", async () => {
    const bench = new AdminBench();
    bench.stopping = true;
    for (const path of ["/healthz", "/readyz"]) {
      const answer = await bench.ask(path);
      expect([answer.status, answer.json]).toEqual([503, { status: "stopping" }]);
    }
  });
});

describe("a drain", () => {
  test.each([
    [{ seconds: -1 }, "must be at least 0"],
    [{ seconds: 1.5 }, "must be whole"],
    [{ seconds: 604_801 }, "must be at most 604800, a week"],
    [{ seconds: "60" }, "must be a number of seconds"],
  ])("of %j is refused", async (body, detail) => {
    const answer = await new AdminBench().ask("/v1/drain", { method: "POST", body });
    expect([answer.status, answer.json.errors]).toEqual([400, [{ in: "json", name: "seconds", detail }]]);
  });

  test.each([
    ["POST", "/v1/drain"],
    ["DELETE", "/v1/drain"],
    ["POST", "/v1/reload"],
  ])("%s %s of a program that cannot do it is 501", async (method, path) => {
    const bench = new AdminBench();
    bench.control.broken = new NotOffered("this program cannot do that");
    const answer = await bench.ask(path, { method });
    expect([answer.status, answer.json.detail]).toEqual([501, "this program cannot do that"]);
  });
});

describe("log levels", () => {
  test("are seen and set", async () => {
    const bench = new AdminBench();
    expect((await bench.ask("/v1/log-levels")).json).toEqual({ levels: { parley: "info" } });
    const body = { category: "parley", level: "debug" };
    const set = await bench.ask("/v1/log-levels", { method: "PUT", body });
    expect([set.status, set.json]).toEqual([200, { levels: { parley: "debug" } }]);
  });

  test.each([
    [{ category: "nobody", level: "debug" }, 404, "there is no log category nobody"],
    [{ category: "parley", level: "loud" }, 400, "level must be trace, debug, info, warning or error"],
    [{ category: "par ley", level: "info" }, 400, "category must be a category, such as parley.auth"],
  ])("%j is refused", async (body, status, detail) => {
    const answer = await new AdminBench().ask("/v1/log-levels", { method: "PUT", body });
    expect([answer.status, answer.json.detail]).toEqual([status, detail]);
  });
});

const configuration = `
hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
`;

describe("POST /v1/check", () => {
  const check = (bench: AdminBench, body: string) => bench.ask("/v1/check", { method: "POST", body });

  test("finds nothing wrong in what parley would take", async () => {
    const answer = await check(new AdminBench(), configuration);
    expect([answer.status, answer.json]).toEqual([200, { ok: true, problems: [] }]);
  });

  test("says what is wrong, with line and column", async () => {
    const answer = await check(new AdminBench(), configuration.replace("accounts: main }", "accounts: mian }"));
    expect(answer.json).toEqual({
      ok: false,
      problems: [
        {
          severity: "error",
          line: 4,
          column: 40,
          path: "domains[0].accounts",
          text: "there is no accounts.mian, did you mean main?",
        },
      ],
    });
  });

  test("a text that is no YAML at all is an answer, not a refusal", async () => {
    const answer = await check(new AdminBench(), "a: [");
    expect([answer.status, answer.json.ok]).toEqual([200, false]);
  });

  test.each([
    ["hostname", configuration.replace("hostname: localhost", 'hostname: "${SECRET}"')],
    ["the name of a store", configuration.replace("accounts: main }", 'accounts: "${SECRET}" }')],
    ["a part of a path", `${configuration}\nadmin: { url: "http://127.0.0.1:1", token: "file:/nowhere/\${SECRET}" }`],
    ["an unknown key's value", `${configuration}\nlog: { level: "\${SECRET}" }`],
  ])("shows nobody what an environment variable holds: %s", async (_, text) => {
    const bench = new AdminBench();
    bench.env.SECRET = "pA55 w0rd/of the database";
    const answer = await check(bench, text);
    expect(answer.json.ok).toBe(false);
    expect(answer.text.toLowerCase()).not.toContain("pa55");
    expect(answer.text).toContain("is wrong with the value of its environment variable");
  });

  test("a longer text than any configuration is refused", async () => {
    const answer = await check(new AdminBench(), `# ${"x".repeat(1 << 20)}`);
    expect([answer.status, answer.json.detail]).toEqual([413, "a configuration may have at most 1048576 octets"]);
  });

  test("a token to read does not suffice, for it reads files and variables", async () => {
    const answer = await new AdminBench().ask("/v1/check", {
      method: "POST",
      body: "",
      token: "read-0123456789abcdef",
    });
    expect(answer.status).toBe(403);
  });
});

test("POST /v1/reload says what came of it", async () => {
  const answer = await new AdminBench().ask("/v1/reload", { method: "POST" });
  expect([answer.status, answer.json]).toEqual([
    200,
    { ok: true, problems: [], applied: ["log.level"], needsRestart: [] },
  ]);
});
