/** `/v1/accounts`: the users of domains that keep them in SQLite. A password goes in and never comes out. */
import { Hono } from "hono";
import type { Control } from "../control/control.ts";
import type { AccountsDesk } from "./accounts-desk.ts";
import { documented, jsonOnly, taking } from "./documented.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";
import { Problem } from "./problems.ts";
import { account, accountsQuery, listOf, newAccount, newPassword } from "./schemas.ts";

const tag = "Accounts";
const common = {
  404: "There is no such account, or the domain is not ours or not in SQLite.",
  503: "The account store cannot be used just now.",
};

export function accountRoutes(desk: AccountsDesk, control: Control, doors: Doors): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  const unknown = (username: string, domain: string) => new Problem(404, `there is no account ${username}@${domain}`);
  app.get(
    "/",
    documented({
      tag,
      summary: "Accounts, by domain and name",
      scope: "read",
      answers: { 200: ["A page of accounts.", listOf(account)] },
      problems: { 400: "A parameter makes no sense.", ...common },
    }),
    needs("read", doors),
    taking("query", accountsQuery),
    (context) => context.json(desk.list(context.req.valid("query"))),
  );
  app.post(
    "/",
    documented({
      tag,
      summary: "Makes an account",
      scope: "operate",
      answers: { 201: ["The account; Location says where it is.", account] },
      problems: { 400: "The body makes no sense.", 409: "It exists.", 415: "The body is not JSON.", ...common },
    }),
    needs("operate", doors),
    jsonOnly,
    taking("json", newAccount),
    async (context) => {
      const { username, domain, password } = context.req.valid("json");
      const made = desk.add(username, domain, password);
      if (made === undefined) throw new Problem(409, `${username}@${domain} exists; PUT sets a new password`);
      await control.forgetAccount(username, domain);
      context.header("location", `/v1/accounts/${encodeURIComponent(domain)}/${encodeURIComponent(username)}`);
      return context.json(made, 201);
    },
  );
  app.get(
    "/:domain/:username",
    documented({
      tag,
      summary: "One account",
      scope: "read",
      answers: { 200: ["The account.", account] },
      problems: common,
    }),
    needs("read", doors),
    (context) => {
      const { domain, username } = context.req.param();
      const found = desk.find(username, domain.toLowerCase());
      if (found === undefined) throw unknown(username, domain);
      return context.json(found);
    },
  );
  app.put(
    "/:domain/:username",
    documented({
      tag,
      summary: "Sets a new password",
      about: "Sessions that exist go on; the next AUTH needs the new password.",
      scope: "operate",
      answers: { 200: ["The account.", account] },
      problems: { 400: "The body makes no sense.", 415: "The body is not JSON.", ...common },
    }),
    needs("operate", doors),
    jsonOnly,
    taking("json", newPassword),
    async (context) => {
      const { domain: written, username } = context.req.param();
      const domain = written.toLowerCase();
      const changed = desk.setPassword(username, domain, context.req.valid("json").password);
      if (changed === undefined) throw unknown(username, domain);
      await control.forgetAccount(username, domain);
      return context.json(changed);
    },
  );
  app.delete(
    "/:domain/:username",
    documented({
      tag,
      summary: "Removes an account",
      about: "Sessions that exist go on until they end; DELETE /v1/sessions/{id} ends them.",
      scope: "operate",
      answers: { 204: ["It is gone."] },
      problems: common,
    }),
    needs("operate", doors),
    async (context) => {
      const { domain: written, username } = context.req.param();
      const domain = written.toLowerCase();
      if (!desk.remove(username, domain)) throw unknown(username, domain);
      await control.forgetAccount(username, domain);
      return context.body(null, 204);
    },
  );
  return app;
}
