/** `/v1/connections`: every transport that is open, accepted or dialed. */
import { Hono } from "hono";
import type { ConnectionView, Control } from "../control/control.ts";
import { documented, taking } from "./documented.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";
import { pageOf } from "./paging.ts";
import { Problem } from "./problems.ts";
import { connection, connectionsQuery, listOf } from "./schemas.ts";

const tag = "Connections";

export function connectionRoutes(control: Control, doors: Doors): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  app.get(
    "/",
    documented({
      tag,
      summary: "Connections, filtered, sorted and paged",
      scope: "read",
      answers: { 200: ["A page of connections.", listOf(connection)] },
      problems: { 400: "A parameter makes no sense." },
    }),
    needs("read", doors),
    taking("query", connectionsQuery),
    async (context) => {
      const { address, listener, direction, sort, ...paging } = context.req.valid("query");
      const is = (wanted: string | undefined, actual: string | undefined) => wanted === undefined || wanted === actual;
      const found = (await control.connections()).filter(
        (view) => is(address, view.address) && is(listener, view.listener) && is(direction, view.direction),
      );
      const by = sort.replace("-", "");
      // The youngest has opened last.
      const descending = sort.startsWith("-") === (by !== "age");
      return context.json(pageOf(found, (view) => [valueOf(view, by), view.id], descending, paging));
    },
  );
  app.get(
    "/:id",
    documented({
      tag,
      summary: "One connection",
      scope: "read",
      answers: { 200: ["The connection.", connection] },
      problems: { 404: "There is no such connection; it may have closed." },
    }),
    needs("read", doors),
    async (context) => {
      const id = context.req.param("id");
      const found = (await control.connections()).find((view) => view.id === id);
      if (found === undefined) throw unknown(id);
      return context.json(found);
    },
  );
  app.delete(
    "/:id",
    documented({
      tag,
      summary: "Closes a connection",
      about: "With it go the sessions that were authenticated on it; those who sent to them are told.",
      scope: "operate",
      answers: { 204: ["It is closed."] },
      problems: { 404: "There is no such connection; it may have closed." },
    }),
    needs("operate", doors),
    async (context) => {
      if (!(await control.endConnection(context.req.param("id")))) throw unknown(context.req.param("id"));
      return context.body(null, 204);
    },
  );
  return app;
}

function valueOf(view: ConnectionView, by: string): number {
  if (by === "bytes") return view.bytesIn + view.bytesOut;
  return by === "backlog" ? view.backlog : view.openedAt;
}

function unknown(id: string): Problem {
  return new Problem(404, `there is no connection ${id}; it may have closed`);
}
