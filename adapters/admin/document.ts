/**
 * `/openapi.json`, and the same to read at `/docs`: made on this machine, with nothing from anywhere else.
 *
 * Both need no token: they say what there is, and nothing of what goes on.
 */
import { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import { documentCss } from "./document-css.ts";
import { type OpenApi, pageFor } from "./document-page.ts";
import type { AdminEnvironment } from "./guard.ts";

const about = `The admin API of parley, an MSRP relay. All but health, these pages and (if so configured) metrics need a
token: Authorization: Bearer TOKEN, with the scope read or operate. Refusals are problem documents (RFC 9457). Lists are
pages: next is the cursor of the next one. Times are Unix milliseconds.`;

/** @param app  whose routes are described; those added later count as well */
export function documentRoutes(app: Hono<AdminEnvironment>, version: string): Hono<AdminEnvironment> {
  let made: Promise<OpenApi> | undefined;
  const document = () => (made ??= generate(app, version));
  const routes = new Hono<AdminEnvironment>();
  routes.get("/openapi.json", async (context) => context.json(await document()));
  routes.get("/docs", async (context) => context.html(pageFor(await document())));
  routes.get("/docs.css", (context) => context.body(documentCss, 200, { "content-type": "text/css; charset=utf-8" }));
  return routes;
}

async function generate(app: Hono<AdminEnvironment>, version: string): Promise<OpenApi> {
  const document = await generateSpecs(app, {
    documentation: {
      info: { title: "parley admin API", version, description: about.replaceAll("\n", " ") },
      tags: [
        "Sessions",
        "Connections",
        "Explain",
        "Events",
        "Accounts",
        "Configuration",
        "Program",
        "Health",
        "Metrics",
      ].map((name) => ({ name })),
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    },
    // Our refusals are problem documents, and each route lists its own.
    defaultValidationErrorResponse: false,
  });
  return document as unknown as OpenApi;
}
