/** What concerns the program as a whole: `/v1/info`, `/v1/drain`, `/v1/log-levels`. */
import { Hono } from "hono";
import type { Control } from "../control/control.ts";
import { documented, jsonOnly, taking } from "./documented.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";
import { Problem } from "./problems.ts";
import { drain, drainOrder, info, levelOrder, logLevels } from "./schemas.ts";

export function operationRoutes(control: Control, doors: Doors): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  app.get(
    "/info",
    documented({
      tag: "Program",
      summary: "What runs here",
      scope: "read",
      answers: { 200: ["Version, listeners, domains and how much there is to do.", info] },
    }),
    needs("read", doors),
    async (context) => context.json(await control.info()),
  );
  app.post(
    "/drain",
    documented({
      tag: "Program",
      summary: "Takes no new sessions, and ends those that are left at a deadline",
      about: "Ready turns false. A second order moves the deadline.",
      scope: "operate",
      answers: { 202: ["It has begun.", drain] },
      problems: { 400: "The body makes no sense.", 415: "The body is not JSON.", 501: "This program cannot drain." },
    }),
    needs("operate", doors),
    jsonOnly,
    taking("json", drainOrder),
    async (context) => context.json(await control.drain(context.req.valid("json").seconds), 202),
  );
  app.delete(
    "/drain",
    documented({
      tag: "Program",
      summary: "Takes new sessions again",
      scope: "operate",
      answers: { 204: ["There is no drain any more."] },
      problems: { 501: "This program cannot drain." },
    }),
    needs("operate", doors),
    async (context) => {
      await control.undrain();
      return context.body(null, 204);
    },
  );
  app.get(
    "/log-levels",
    documented({
      tag: "Program",
      summary: "From which level on each category is logged",
      scope: "read",
      answers: { 200: ["Levels by category.", logLevels] },
      problems: { 501: "Levels cannot be seen here." },
    }),
    needs("read", doors),
    async (context) => context.json({ levels: await control.logLevels() }),
  );
  app.put(
    "/log-levels",
    documented({
      tag: "Program",
      summary: "Sets the level of a category until the next start",
      scope: "operate",
      answers: { 200: ["Levels by category.", logLevels] },
      problems: {
        400: "The body makes no sense.",
        404: "There is no such category.",
        415: "The body is not JSON.",
        501: "Levels cannot be changed here.",
      },
    }),
    needs("operate", doors),
    jsonOnly,
    taking("json", levelOrder),
    async (context) => {
      const { category, level } = context.req.valid("json");
      if (!(await control.setLogLevel(category, level))) throw new Problem(404, `there is no log category ${category}`);
      return context.json({ levels: await control.logLevels() });
    },
  );
  return app;
}
