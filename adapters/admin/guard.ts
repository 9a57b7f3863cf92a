/**
 * What stands before every route: who may speak to us at all, and with which token.
 *
 * A browser on the operator's machine can reach a loopback address on behalf of any page it shows. Two things keep such
 * pages out. A page that has made its own name resolve to our address (DNS rebinding) still sends that name in Host,
 * so a name that is not ours is refused; an address as Host cannot have been rebound. And a request with an Origin that
 * is not us is refused; there is no CORS, and no cookie that a browser would add by itself.
 */
import type { Context, MiddlewareHandler } from "hono";
import { isIP } from "node:net";
import { Problem } from "./problems.ts";
import type { Bearer, Failures, Scope, Tokens } from "./tokens.ts";

/** What our routes know of a request besides itself. */
export interface AdminEnvironment {
  // node:http's request; absent where a test asks the app itself.
  Bindings: { readonly incoming?: { readonly socket: RequestSocket } };
  Variables: { bearer: Bearer };
}

interface RequestSocket {
  readonly remoteAddress?: string | undefined;
  destroy?(): void;
}

export type AdminContext = Context<AdminEnvironment>;

/** @param names  host names by which we are reached, lower case, besides `localhost` and every address */
export function onlyOurNames(names: ReadonlySet<string>): MiddlewareHandler<AdminEnvironment> {
  return async (context, next) => {
    const host = context.req.header("host") ?? new URL(context.req.url).host;
    const name = hostOf(host);
    if (name === undefined || !(isIP(name) !== 0 || name === "localhost" || names.has(name))) {
      throw new Problem(421, `this is not ${host}: add the name to admin.names if it should be`);
    }
    const origin = context.req.header("origin");
    if (origin !== undefined && hostOfOrigin(origin) !== host.toLowerCase()) {
      throw new Problem(403, "pages of other origins may not use this API");
    }
    await next();
  };
}

/** Without port and brackets, lower case. */
function hostOf(host: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^:/?#@[\]\s]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (bracketed ?? plain)?.toLowerCase().replace(/\.$/, "");
}

function hostOfOrigin(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined; // "null", from a page without an origin
  }
}

export interface Doors {
  readonly tokens: Tokens;
  readonly failures: Failures;
  /** Told of each wrong token. */
  readonly refused: (address: string, why: string) => void;
}

/** Lets in who has a token for this scope. */
export function needs(scope: Scope, { tokens, failures, refused }: Doors): MiddlewareHandler<AdminEnvironment> {
  return async (context, next) => {
    const address = addressOf(context);
    const wait = failures.wait(address);
    if (wait > 0) {
      throw new Problem(429, `too many wrong tokens from ${address}; wait ${wait} s`, {
        headers: { "retry-after": String(wait) },
      });
    }
    if (tokens.none) throw new Problem(403, "the configuration has no admin.token, so nobody may do this");
    const [, presented] = /^Bearer +(\S+) *$/i.exec(context.req.header("authorization") ?? "") ?? [];
    if (presented === undefined) {
      throw new Problem(401, "a token is needed: Authorization: Bearer TOKEN", { headers: challenge() });
    }
    const bearer = tokens.find(presented);
    if (bearer === undefined) {
      failures.add(address);
      refused(address, "wrong token");
      throw new Problem(401, "this is no token of ours", { headers: challenge("invalid_token") });
    }
    if (!bearer.may(scope)) {
      refused(address, `${bearer.name} may not ${scope}`);
      throw new Problem(403, `the token ${bearer.name} is not for this: it needs the scope ${scope}`, {
        headers: challenge("insufficient_scope", scope),
      });
    }
    context.set("bearer", bearer);
    await next();
  };
}

/** RFC 6750 §3. */
function challenge(error?: string, scope?: string): Record<string, string> {
  const more = [error === undefined ? "" : `, error="${error}"`, scope === undefined ? "" : `, scope="${scope}"`];
  return { "www-authenticate": `Bearer realm="parley"${more.join("")}` };
}

export function addressOf(context: AdminContext): string {
  return context.env?.incoming?.socket.remoteAddress ?? "unknown";
}
