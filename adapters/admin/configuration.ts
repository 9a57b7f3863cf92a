/** `/v1/check` and `/v1/reload`: is a configuration right, and put it to use. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Control } from "../control/control.ts";
import { checkText } from "./check-text.ts";
import { documented } from "./documented.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";
import { Problem } from "./problems.ts";
import { checked, reloaded } from "./schemas.ts";

const tag = "Configuration";
/** A configuration with some thousand users in it. */
const LONGEST = 1 << 20;

/** What a configuration is read with: what relative paths start from, and the variables it may name. */
export interface Surroundings {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function configurationRoutes(control: Control, doors: Doors, around: Surroundings): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  app.post(
    "/check",
    documented({
      tag,
      summary: "Says what is wrong in a configuration, with line and column",
      about:
        "The body is the YAML text itself. Certificates and secrets that it names are read, from the folder of the " +
        "running configuration. Nothing is changed.",
      scope: "operate",
      body: { type: "application/yaml", about: "the configuration" },
      answers: { 200: ["What was found; ok is true when parley would take it.", checked] },
      problems: { 413: `The text is longer than ${LONGEST} octets.` },
    }),
    needs("operate", doors),
    bodyLimit({
      maxSize: LONGEST,
      onError: () => {
        throw new Problem(413, `a configuration may have at most ${LONGEST} octets`);
      },
    }),
    async (context) => context.json(checkText(await context.req.text(), around)),
  );
  app.post(
    "/reload",
    documented({
      tag,
      summary: "Reads the configuration and the certificates again",
      about:
        "What can be applied is applied without losing a connection; keys that need a restart are named. When anything " +
        "is wrong nothing is changed, and ok is false.",
      scope: "operate",
      answers: { 200: ["What came of it.", reloaded] },
      problems: { 501: "This program was started without a configuration that can be read again." },
    }),
    needs("operate", doors),
    async (context) => context.json(await control.reload()),
  );
  return app;
}
