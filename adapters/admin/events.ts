/**
 * `/v1/events`: what happens, as it happens.
 *
 * Event ids grow by one, so a reader that comes again with Last-Event-ID gets what it has not seen. What is too long
 * ago to be remembered is told as an event of type `missed`, and never passed over in silence.
 */
import { Hono } from "hono";
import type { Control, Occurrence } from "../control/control.ts";
import { documented, taking } from "./documented.ts";
import { type Sender, sendEvents, type Streams } from "./event-stream.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";
import { Problem } from "./problems.ts";
import { eventsQuery, occurrence } from "./schemas.ts";

export function eventRoutes(control: Control, doors: Doors, streams: Streams): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  app.get(
    "/",
    documented({
      tag: "Events",
      summary: "What happens, as it happens",
      about:
        "Server-sent events whose type is that of the occurrence. With Last-Event-ID, or ?after=, also what has happened " +
        "since; an event of type missed says when some of that is forgotten. A reader that is too slow is dropped, and " +
        "may come again.",
      scope: "read",
      answers: { 200: ["Events.", occurrence, "text/event-stream"] },
      problems: { 400: "A parameter or Last-Event-ID makes no sense.", 503: "Too many streams are open." },
    }),
    needs("read", doors),
    taking("query", eventsQuery),
    (context) => {
      const query = context.req.valid("query");
      const types = query.type === undefined ? undefined : new Set(query.type.split(","));
      const after = lastSeen(context.req.header("last-event-id") ?? query.after);
      return sendEvents(context, streams, (sender) => control.events(after, relay(sender, after, types)));
    },
  );
  return app;
}

function lastSeen(id: string | undefined): number | undefined {
  if (id === undefined || id === "") return undefined;
  if (/^\d{1,16}$/.test(id)) return Number(id);
  const detail = "must be the id of an event";
  throw new Problem(400, `Last-Event-ID ${detail}`, { errors: [{ in: "header", name: "last-event-id", detail }] });
}

function relay(
  sender: Sender,
  after: number | undefined,
  types: ReadonlySet<string> | undefined,
): (one: Occurrence) => void {
  // 0 asks for whatever is remembered.
  let last = after === 0 ? undefined : after;
  return (one) => {
    if (last !== undefined && one.id > last + 1) {
      sender.send({ event: "missed", data: JSON.stringify({ after: last, until: one.id }) });
    }
    last = one.id;
    if (types?.has(one.type) === false) return;
    sender.send({ id: String(one.id), event: one.type, data: JSON.stringify(one) });
  };
}
