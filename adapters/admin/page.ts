/**
 * `/`: the page for people, which is a client of this API like any other.
 *
 * Its files hold nothing but the page itself, so they need no token; what it shows it asks for with the token that
 * somebody types in. It loads nothing from anywhere else, and the headers of the app let it load nothing.
 */
import { Hono } from "hono";
import { etag } from "hono/etag";
import type { AdminEnvironment } from "./guard.ts";
import { pageFiles } from "./page-files.ts";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

export function pageRoutes(): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  const texts = new Map(Object.entries(pageFiles).map(([name, lines]) => [name, `${lines.join("\n")}\n`]));
  for (const [name, text] of texts) {
    const path = name === "index.html" ? "/" : `/page/${name}`;
    const type = types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    // An upgrade brings another page: a browser asks each time, and hears mostly that nothing has changed.
    app.get(path, etag(), (context) => context.body(text, 200, { "content-type": type, "cache-control": "no-cache" }));
  }
  return app;
}
