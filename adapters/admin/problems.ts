/**
 * What an admin request gets when it cannot be done: a problem document (RFC 9457), with words that say what to do.
 *
 * `type` is `about:blank` everywhere, so `title` is the phrase of the status, as §4.2.1 there wants it; programs look at
 * `status`, and at `errors` for the place in their request.
 */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** One thing wrong with a request. */
export interface Misfit {
  /** Which part of the request. */
  readonly in: "query" | "path" | "json" | "header";
  /** The parameter, or the key in the body: `items[0].name`. */
  readonly name: string;
  readonly detail: string;
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** Thrown by handlers; the app's error handler makes the answer of it. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly Misfit[];

  constructor(
    status: number,
    detail: string,
    { headers = {}, errors = [] }: { headers?: Readonly<Record<string, string>>; errors?: readonly Misfit[] } = {},
  ) {
    super(detail);
    this.status = status;
    this.headers = headers;
    this.errors = errors;
  }
}

/** The answer that a problem is. */
export function answer(context: Context, { status, message, headers, errors }: Problem): Response {
  const title = titles[status] ?? "Error";
  const document = { type: "about:blank", title, status, detail: message, ...(errors.length > 0 && { errors }) };
  return context.body(JSON.stringify(document), status as ContentfulStatusCode, {
    ...headers,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
}
