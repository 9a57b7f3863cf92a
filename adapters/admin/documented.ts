/**
 * A route's entry in the OpenAPI document, and the check of what comes in by it: one declaration for both.
 */
import type { MiddlewareHandler } from "hono";
import { describeRoute, resolver, validator } from "hono-openapi";
import type * as v from "valibot";
import { type Misfit, Problem } from "./problems.ts";
import { problem } from "./schemas.ts";
import type { Scope } from "./tokens.ts";

export interface Description {
  readonly tag: string;
  readonly summary: string;
  readonly about?: string;
  /** Absent: anybody may. */
  readonly scope?: Scope;
  /** What a success brings; without a schema, no body. */
  readonly answers: Readonly<Record<number, readonly [text: string, schema?: v.GenericSchema, type?: string]>>;
  /** What may go wrong besides what every route of its kind has. */
  readonly problems?: Readonly<Record<number, string>>;
  /** A body that is not JSON. */
  readonly body?: { readonly type: string; readonly about: string };
}

export function documented({ tag, summary, about, scope, answers, problems, body }: Description): MiddlewareHandler {
  const wrong = {
    ...(scope !== undefined && {
      401: "No token, or a wrong one.",
      403: `The token lacks the scope ${scope}.`,
      429: "Too many wrong tokens from this address; Retry-After says how long.",
    }),
    ...problems,
  };
  return describeRoute({
    tags: [tag],
    summary,
    ...(about !== undefined && { description: about }),
    security: scope === undefined ? [] : [{ token: [scope] }],
    ...(body !== undefined && {
      requestBody: {
        required: true,
        description: body.about,
        content: { [body.type]: { schema: { type: "string" as const } } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, [description, schema, type = "application/json"]]) => [
          status,
          { description, ...(schema !== undefined && { content: { [type]: { schema: resolver(schema) } } }) },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(wrong).map(([status, description]) => [
          status,
          { description, content: { "application/problem+json": { schema: resolver(problem) } } },
        ]),
      ),
    },
  });
}

type Target = "query" | "json";

/** Checks a part of the request against a schema; `context.req.valid` then has it. @throws Problem 400 with the places */
export function taking<const S extends v.GenericSchema, const T extends Target>(target: T, schema: S) {
  return validator(target, schema, (result) => {
    if (result.success) return;
    const errors = result.error.map((issue) => misfit(target, issue as v.BaseIssue<unknown>));
    const [first] = errors;
    const detail =
      first === undefined
        ? "the request makes no sense"
        : first.name === ""
          ? first.detail
          : `${first.name} ${first.detail}`;
    throw new Problem(400, detail, { errors });
  });
}

/** Never repeats what was sent: it may be a password. */
function misfit(target: Target, issue: v.BaseIssue<unknown>): Misfit {
  const name = (issue.path ?? [])
    .map(({ key }) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
  return { in: target, name, detail: wordsFor(issue) };
}

function wordsFor({ message, expected, type }: v.BaseIssue<unknown>): string {
  if (type !== "strict_object") return message;
  return expected === "never"
    ? "is no key of this request"
    : expected === "Object"
      ? "must be a JSON object"
      : "is missing";
}

/** A body that is there must say that it is JSON; a browser's form cannot. */
export const jsonOnly: MiddlewareHandler = async (context, next) => {
  const type = context.req.header("content-type");
  const length = context.req.header("content-length");
  const empty = length === "0" || (length === undefined && context.req.header("transfer-encoding") === undefined);
  if (type === undefined ? !empty : !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new Problem(415, "send JSON, and say so: content-type: application/json");
  }
  await next();
};
