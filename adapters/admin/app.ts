/** What the admin listener answers, as a Hono app that any runtime can serve. */
import { Hono } from "hono";

/** What admin may ask of the running program: snapshots, never live objects. */
export interface AdminView {
  /** Is the program on its way out? Whoever balances load should send nobody here any more. */
  stopping(): boolean;
}

export function makeAdminApp(view: AdminView): Hono {
  const app = new Hono();
  app.get("/healthz", (context) => {
    const stopping = view.stopping();
    return context.json({ status: stopping ? "stopping" : "ok" }, stopping ? 503 : 200);
  });
  app.notFound(() => problem(404, "Not Found", "there is nothing at this path"));
  app.onError(() => problem(500, "Internal Server Error", "a bug of ours; the log says more"));
  return app;
}

/** RFC 9457. */
function problem(status: number, title: string, detail: string): Response {
  const body = JSON.stringify({ type: "about:blank", title, status, detail });
  return new Response(body, { status, headers: { "content-type": "application/problem+json" } });
}
