/** `/metrics`, as Prometheus reads it (text format 0.0.4). */
import { Hono } from "hono";
import { AggregatorRegistry, Registry } from "prom-client";
import type { Control } from "../control/control.ts";
import { documented } from "./documented.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";

/** @param open  anybody who reaches the admin address may read it (`admin.metrics: open`) */
export function metricsRoutes(control: Control, doors: Doors, open: boolean): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  const described = documented({
    tag: "Metrics",
    summary: "Metrics for Prometheus",
    ...(open ? {} : { scope: "read" as const }),
    answers: { 200: ["Families of metrics as text."] },
  });
  app.get("/metrics", described, ...(open ? [] : [needs("read", doors)]), async (context) => {
    // Workers' families have been put together already; aggregating one list makes a registry that can write it.
    const families = (await control.metrics()) as never;
    const registry = AggregatorRegistry.aggregate([families]);
    return context.body(await registry.metrics(), 200, {
      "content-type": Registry.PROMETHEUS_CONTENT_TYPE,
      "cache-control": "no-store",
    });
  });
  return app;
}
