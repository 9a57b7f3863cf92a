/**
 * What the admin listener answers, as a Hono app that any runtime can serve.
 *
 * Everything comes from `Control` and is plain data. Here is what all routes share: who may speak to us, what a refusal
 * looks like, and the headers that keep a browser from doing more than it should with an answer.
 */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { secureHeaders } from "hono/secure-headers";
import type { Control } from "../control/control.ts";
import { NotOffered } from "../control/not-offered.ts";
import { accountRoutes } from "./accounts.ts";
import type { AccountsDesk } from "./accounts-desk.ts";
import { configurationRoutes, type Surroundings } from "./configuration.ts";
import { connectionRoutes } from "./connections.ts";
import { documentRoutes } from "./document.ts";
import { Streams } from "./event-stream.ts";
import { eventRoutes } from "./events.ts";
import { explainRoutes } from "./explain.ts";
import { addressOf, type AdminEnvironment, onlyOurNames } from "./guard.ts";
import { healthRoutes } from "./health.ts";
import { metricsRoutes } from "./metrics.ts";
import { operationRoutes } from "./operations.ts";
import { answer, Problem } from "./problems.ts";
import { pageRoutes } from "./page.ts";
import { sessionRoutes } from "./sessions.ts";
import { Failures, Tokens, type TokenSettings } from "./tokens.ts";

export interface AdminOptions {
  readonly control: Control;
  readonly accounts: AccountsDesk;
  readonly configuration: Surroundings;
  readonly tokens: readonly TokenSettings[];
  /** Host names by which the admin listener is reached, lower case. */
  readonly names: ReadonlySet<string>;
  readonly openMetrics: boolean;
  readonly version: string;
  /** Is the program on its way out? */
  readonly stopping: () => boolean;
  /** One line for each thing an operator did or was refused, and for bugs of ours. */
  readonly log: (level: "info" | "warning" | "error", event: string, text: string, fields: LogFields) => void;
  readonly now?: () => number;
}

type LogFields = Readonly<Record<string, string | number | boolean>>;

/** The longest body of a request, a configuration apart. */
const LONGEST_BODY = 64 * 1024;
const REDUCED = /^\/v1\/check$/;

export type AdminApp = Hono<AdminEnvironment>;

export function makeAdminApp(options: AdminOptions): AdminApp {
  const { control } = options;
  const app = new Hono<AdminEnvironment>();
  const doors = {
    tokens: new Tokens(options.tokens),
    failures: new Failures(options.now ?? Date.now),
    refused: (address: string, why: string) =>
      options.log("warning", "adminRefused", `admin: ${address} refused: ${why}`, { address, why }),
  };
  const streams = new Streams();

  app.use(headers);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (context, methods) =>
        answer(
          context,
          new Problem(405, `${context.req.path} takes ${methods.join(", ")}`, {
            headers: { allow: methods.join(", ") },
          }),
        ),
    }),
  );
  app.use(onlyOurNames(options.names));
  const limited = bodyLimit({
    maxSize: LONGEST_BODY,
    onError: () => {
      throw new Problem(413, `a request may have at most ${LONGEST_BODY} octets`);
    },
  });
  app.use((context, next) => (REDUCED.test(context.req.path) ? next() : limited(context, next)));
  app.use("/v1/*", async (context, next) => {
    await next();
    context.header("cache-control", "no-store");
    // What was done, by whom; looking is not worth a line.
    if (["GET", "HEAD"].includes(context.req.method) || context.get("bearer") === undefined) return;
    const [method, path, status] = [context.req.method, context.req.path, context.res.status];
    const [token, address] = [context.get("bearer").name, addressOf(context)];
    options.log("info", "adminAction", `admin: ${token} from ${address}: ${method} ${path} ${status}`, {
      token,
      address,
      method,
      path,
      status,
    });
  });

  app.route("/", healthRoutes(control, options.stopping));
  app.route("/", metricsRoutes(control, doors, options.openMetrics));
  app.route("/v1", operationRoutes(control, doors));
  app.route("/v1/sessions", sessionRoutes(control, doors, streams));
  app.route("/v1/connections", connectionRoutes(control, doors));
  app.route("/v1/explain", explainRoutes(control, doors));
  app.route("/v1/events", eventRoutes(control, doors, streams));
  app.route("/v1/accounts", accountRoutes(options.accounts, control, doors));
  app.route("/v1", configurationRoutes(control, doors, options.configuration));
  app.route("/", pageRoutes());
  app.route("/", documentRoutes(app, options.version));

  app.notFound((context) =>
    answer(context, new Problem(404, "there is nothing at this path; /docs says what there is")),
  );
  app.onError((error, context) => {
    if (error instanceof Problem) return answer(context, error);
    if (error instanceof NotOffered) return answer(context, new Problem(501, error.message));
    if (error instanceof HTTPException) return answer(context, new Problem(error.status, error.message));
    options.log("error", "bug", `a bug of ours: ${error.stack ?? String(error)}`, { path: context.req.path });
    return answer(context, new Problem(500, "a bug of ours; the log says more"));
  });
  return app;
}

/** Nothing but what we serve ourselves is loaded, framed or told where somebody came from. */
const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  // An admin name may share its domain with services that have no TLS.
  strictTransportSecurity: false,
});
