/**
 * `/healthz` and `/readyz`, for whoever starts programs and balances load. No token: they say one word.
 *
 * Health is about restarting and stays good during a drain, which may last for hours; readiness is about sending clients
 * here, and ends when the drain begins.
 */
import { Hono } from "hono";
import type { Control } from "../control/control.ts";
import { documented } from "./documented.ts";
import type { AdminEnvironment } from "./guard.ts";
import { health } from "./schemas.ts";

/** @param stopping  is the program on its way out? */
export function healthRoutes(control: Control, stopping: () => boolean): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  app.get(
    "/healthz",
    documented({
      tag: "Health",
      summary: "Does it run?",
      answers: { 200: ["It does.", health], 503: ["It is about to end.", health] },
    }),
    (context) => (stopping() ? context.json({ status: "stopping" }, 503) : context.json({ status: "ok" })),
  );
  app.get(
    "/readyz",
    documented({
      tag: "Health",
      summary: "Should clients be sent here?",
      answers: { 200: ["They should.", health], 503: ["It drains or is about to end.", health] },
    }),
    async (context) => {
      if (stopping()) return context.json({ status: "stopping" }, 503);
      const { drain } = await control.info();
      return drain === undefined ? context.json({ status: "ok" }) : context.json({ status: "draining" }, 503);
    },
  );
  return app;
}
