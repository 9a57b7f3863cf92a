/** Every answer has the shape that the OpenAPI document promises, and every route stands in the document. */
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import * as shapes from "../../adapters/admin/schemas.ts";
import { AdminBench } from "./admin-bench.ts";

const page = shapes.listOf;

describe("answers", () => {
  test.each([
    ["/v1/info", shapes.info],
    ["/v1/sessions", page(shapes.session)],
    ["/v1/sessions/1.1", shapes.session],
    ["/v1/connections", page(shapes.connection)],
    ["/v1/connections/1.3", shapes.connection],
    ["/v1/accounts", page(shapes.account)],
    ["/v1/accounts/example.com/alice", shapes.account],
    ["/v1/log-levels", shapes.logLevels],
    ["/healthz", shapes.health],
    ["/readyz", shapes.health],
  ])("GET %s has its shape", async (path, schema) => {
    const bench = new AdminBench();
    bench.desk.add("alice", "example.com", "hunter2");
    const answer = await bench.ask(path);
    expect(answer.status).toBe(200);
    expect(v.safeParse(schema as v.GenericSchema, answer.json).issues ?? []).toEqual([]);
  });

  test.each([
    ["/v1/nothing", 404],
    ["/v1/sessions?limit=x", 400],
    ["/v1/sessions/9.9", 404],
  ])("the refusal of %s has its shape", async (path, status) => {
    const answer = await new AdminBench().ask(path);
    expect(answer.status).toBe(status);
    expect(v.safeParse(shapes.problem, answer.json).issues ?? []).toEqual([]);
  });
});

describe("/openapi.json", () => {
  test("is OpenAPI 3.1, needs no token, and describes every route there is", async () => {
    const bench = new AdminBench();
    const answer = await bench.ask("/openapi.json", { token: undefined });
    expect(answer.status).toBe(200);
    expect(answer.json.openapi).toMatch(/^3\.1\./);
    const described = Object.entries(answer.json.paths as object).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const there = bench.app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`)
      // What a browser loads is no API.
      .filter((route) => !/\/(?:openapi\.json|docs|docs\.css|page\/.*)$/.test(route) && !route.endsWith(" /"));
    expect(described.sort()).toEqual([...new Set(there)].sort());
  });

  test("names what each route may be refused with, and the scope it needs", async () => {
    const { json } = await new AdminBench().ask("/openapi.json");
    const end = json.paths["/v1/sessions/{id}"].delete;
    expect(end.security).toEqual([{ token: ["operate"] }]);
    expect(Object.keys(end.responses)).toEqual(["204", "401", "403", "404", "429"]);
    expect(end.responses[404].content["application/problem+json"].schema).toEqual({
      $ref: "#/components/schemas/Problem",
    });
    expect(json.paths["/healthz"].get.security).toEqual([]);
  });

  test("every reference in it leads somewhere", async () => {
    const { text, json } = await new AdminBench().ask("/openapi.json");
    const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name as string);
    expect(references.length).toBeGreaterThan(20);
    for (const name of references) expect(json.components.schemas).toHaveProperty(name);
  });
});

describe("/docs", () => {
  test("shows every operation and shape, and loads nothing from anywhere else", async () => {
    const bench = new AdminBench();
    const page = await bench.ask("/docs", { token: undefined });
    expect(page.headers.get("content-type")).toContain("text/html");
    const { json } = await bench.ask("/openapi.json");
    for (const path of Object.keys(json.paths as object)) expect(page.text).toContain(`<code>${path}</code>`);
    for (const name of Object.keys(json.components.schemas as object)) expect(page.text).toContain(`id="${name}"`);
    expect(page.text).toContain("age: the youngest first; bytes: the quietest first; a minus turns it round");
    expect([...page.text.matchAll(/(?:src|href)="(?!#|\/)/g)]).toEqual([]);
    const links = [...page.text.matchAll(/href="#([^"]+)"/g)].map(([, anchor]) => anchor as string);
    for (const anchor of links) expect(page.text).toContain(`id="${anchor}"`);
    expect((await bench.ask("/docs.css")).headers.get("content-type")).toContain("text/css");
  });
});
