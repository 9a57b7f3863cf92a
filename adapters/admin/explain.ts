/** `/v1/explain`: why does this session not go through my relay? */
import { Hono } from "hono";
import * as v from "valibot";
import type { Control, Explanation, Info } from "../control/control.ts";
import { documented, taking } from "./documented.ts";
import { type AdminEnvironment, type Doors, needs } from "./guard.ts";
import { explainQuery, explanation } from "./schemas.ts";

const explained = v.pipe(
  v.strictObject({
    text: v.pipe(v.string(), v.description("the answer in a sentence")),
    advice: v.optional(v.pipe(v.string(), v.description("what to do about it"))),
    items: v.pipe(v.array(explanation), v.description("what happened to the last attempts, the latest first")),
    next: v.null(),
  }),
  v.metadata({ ref: "Explained" }),
);

export function explainRoutes(control: Control, doors: Doors): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  app.get(
    "/",
    documented({
      tag: "Explain",
      summary: "What became of the last attempts of a user or an address, in words",
      about: "Answers the question why a session does not go through this relay. Nothing seen is an answer as well.",
      scope: "read",
      answers: { 200: ["What happened, and what to do.", explained] },
      problems: { 400: "Neither user nor address was said." },
    }),
    needs("read", doors),
    taking("query", explainQuery),
    async (context) => {
      const { user, address } = context.req.valid("query");
      const items = await control.explain({
        ...(user !== undefined && { user }),
        ...(address !== undefined && { address }),
      });
      const [latest] = items;
      const summary = latest === undefined ? unseen(await control.info(), user, address) : summed(latest);
      return context.json({ ...summary, items, next: null });
    },
  );
  return app;
}

function summed({ text, advice }: Explanation): { text: string; advice?: string } {
  return advice === undefined ? { text } : { text, advice };
}

/** Nobody came: the most common reason of all, and the one no log shows. */
function unseen({ startedAt, listeners, domains }: Info, user: string | undefined, address: string | undefined) {
  const since = new Date(startedAt).toISOString();
  const where = listeners.map(({ advertised }) => advertised).join(" or ");
  if (address !== undefined) {
    return {
      text: `no connection from ${address} is remembered (parley started ${since})`,
      advice:
        `Is the client set to use this relay (${where}), does that name lead to this machine, and does a firewall or ` +
        "NAT stand between? Behind NAT it comes from another address: ask with user= instead.",
    };
  }
  const [name = "", domain] = (user ?? "").split("@");
  const foreign = domain !== undefined && !domains.includes(domain.toLowerCase());
  return {
    text: `no AUTH of ${user} is remembered (parley started ${since})`,
    advice: foreign
      ? `${domain} is none of our domains (${domains.join(", ")}): AUTH for it is not answered (RFC 4976 §6.2).`
      : `Is ${name}'s client set to use this relay (${where})? If it connects and fails before AUTH, ask with address=.`,
  };
}
