import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { embedded } from "../../adapters/admin/page/embed.ts";
import { pageFiles } from "../../adapters/admin/page-files.ts";
import { AdminBench } from "../admin/admin-bench.ts";

test("what is served is what stands in adapters/admin/page; otherwise npm run page", () => {
  const committed = readFileSync(new URL("../../adapters/admin/page-files.ts", import.meta.url), "utf8");
  expect(committed).toBe(embedded());
});

test("the page needs no token, and its headers let it load nothing from anywhere else", async () => {
  const bench = new AdminBench();
  const page = await bench.ask("/", { token: undefined });
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*/);
  // Nothing inline, which that policy would forbid, and nothing from elsewhere.
  expect(page.text).not.toMatch(/ style=|<style|<script>| on\w+=|https?:/);
});

test.each(Object.keys(pageFiles).filter((name) => name !== "index.html"))(
  "/page/%s is served as what it is",
  async (name) => {
    const types: Record<string, string> = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
    const bench = new AdminBench();
    const file = await bench.ask(`/page/${name}`, { token: undefined });
    expect(file.status).toBe(200);
    expect(file.headers.get("content-type")).toContain(types[name.split(".").at(-1) ?? ""]);
    const again = await bench.ask(`/page/${name}`, {
      token: undefined,
      headers: { "if-none-match": file.headers.get("etag") ?? "" },
    });
    expect([again.status, again.text]).toEqual([304, ""]);
  },
);
