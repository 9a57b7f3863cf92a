/** `/v1/sessions`: who is connected through us, what went through, its end, and a look at its frames. */
import { Hono } from "hono";
import type { Control, SessionView } from "../control/control.ts";
import { documented, taking } from "./documented.ts";
import { sendEvents, type Streams } from "./event-stream.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";
import { pageOf } from "./paging.ts";
import { Problem } from "./problems.ts";
import { listOf, session, sessionsQuery, traceQuery, tracedFrame } from "./schemas.ts";

const tag = "Sessions";
const noSuch = { 404: "There is no such session; it may have ended." };

export function sessionRoutes(control: Control, doors: Doors, streams: Streams): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  app.get(
    "/",
    documented({
      tag,
      summary: "Sessions, filtered, sorted and paged",
      scope: "read",
      answers: { 200: ["A page of sessions.", listOf(session)] },
      problems: { 400: "A parameter makes no sense." },
    }),
    needs("read", doors),
    taking("query", sessionsQuery),
    async (context) => {
      const query = context.req.valid("query");
      const found = (await control.sessions()).filter((view) => fits(view, query));
      const bytes = query.sort.endsWith("bytes");
      // The youngest has started last.
      const descending = query.sort.startsWith("-") === bytes;
      const value = (view: SessionView) => (bytes ? view.traffic.bytesIn + view.traffic.bytesOut : view.startedAt);
      return context.json(pageOf(found, (view) => [value(view), view.id], descending, query));
    },
  );
  app.get(
    "/:id",
    documented({
      tag,
      summary: "One session",
      scope: "read",
      answers: { 200: ["The session.", session] },
      problems: noSuch,
    }),
    needs("read", doors),
    async (context) => context.json(await find(control, context.req.param("id"))),
  );
  app.delete(
    "/:id",
    documented({
      tag,
      summary: "Ends a session",
      about: "As if it had expired. Its holder's connection is closed when nothing else uses it.",
      scope: "operate",
      answers: { 204: ["It has ended."] },
      problems: noSuch,
    }),
    needs("operate", doors),
    async (context) => {
      if (!(await control.endSession(context.req.param("id")))) throw unknown(context.req.param("id"));
      return context.body(null, 204);
    },
  );
  app.get(
    "/:id/trace",
    documented({
      tag,
      summary: "The heads of a session's frames as they pass",
      about:
        "Server-sent events of type frame, for a limited time; then one of type end. Never a body, and never the " +
        "session-ids of URIs we handed out. Needs operate, because it shows who writes to whom, and when.",
      scope: "operate",
      answers: { 200: ["Events.", tracedFrame, "text/event-stream"] },
      problems: { ...noSuch, 400: "A parameter makes no sense.", 503: "Too many streams are open." },
    }),
    needs("operate", doors),
    taking("query", traceQuery),
    async (context) => {
      const id = context.req.param("id");
      const { seconds } = context.req.valid("query");
      await find(control, id);
      return sendEvents(context, streams, (sender) => {
        const end = (why: string) => sender.finish({ event: "end", data: JSON.stringify({ why }) });
        const timer = setTimeout(() => end("the time is over"), seconds * 1000);
        const unfollow = control.events(undefined, ({ type, fields }) => {
          if (type === "sessionEnded" && fields.session === id) end("the session has ended");
        });
        const started = control.trace(id, seconds, (frame) =>
          sender.send({ event: "frame", data: JSON.stringify(frame) }),
        );
        started.then(
          (stop) => stop === undefined && end("the session has ended, or too many are followed already"),
          () => end("a bug of ours; the log says more"),
        );
        return () => {
          clearTimeout(timer);
          unfollow();
          void started.then((stop) => stop?.());
        };
      });
    },
  );
  return app;
}

async function find(control: Control, id: string): Promise<SessionView> {
  const found = (await control.sessions()).find((view) => view.id === id);
  if (found === undefined) throw unknown(id);
  return found;
}

function unknown(id: string): Problem {
  return new Problem(404, `there is no session ${id}; it may have ended`);
}

interface Wanted {
  readonly user?: string | undefined;
  readonly domain?: string | undefined;
  readonly peer?: string | undefined;
  readonly address?: string | undefined;
  readonly listener?: string | undefined;
  readonly search?: string | undefined;
}

function fits(view: SessionView, { user, domain, peer, address, listener, search }: Wanted): boolean {
  const is = (wanted: string | undefined, actual: string) => wanted === undefined || wanted === actual;
  return (
    is(user, view.user) &&
    is(domain?.toLowerCase(), view.domain) &&
    is(address, view.address) &&
    is(listener, view.listener) &&
    (peer === undefined || view.peers.some((known) => isPeer(peer.toLowerCase(), known))) &&
    (search === undefined || mentions(view, search.toLowerCase()))
  );
}

/** `peer.example.com` means it on any port. */
function isPeer(wanted: string, known: string): boolean {
  return known === wanted || known.replace(/:\d+$/, "") === wanted;
}

function mentions({ user, domain, address, peers }: SessionView, letters: string): boolean {
  return [`${user}@${domain}`, address, ...peers].some((text) => text.toLowerCase().includes(letters));
}
