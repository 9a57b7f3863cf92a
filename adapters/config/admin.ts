/**
 * `admin`: where the admin API listens, and who may use it.
 *
 * Its tokens are worth as much as a password for the whole relay, so they never cross a network without TLS.
 */
import { isIP } from "node:net";
import { classify } from "../shared/egress.ts";
import { parseHttpUrl } from "./addresses.ts";
import { type CertificateReader, covers } from "./certificates.ts";
import type { Context } from "./complaints.ts";
import type { Path } from "./locate.ts";
import { readSecret } from "./references.ts";
import type { Written } from "./schema.ts";
import type { AdminSettings } from "./settings.ts";

/** A token shorter than this can be guessed by somebody patient. */
const SHORT_TOKEN = 16;

export function buildAdmin(written: Written, reader: CertificateReader, context: Context): AdminSettings | undefined {
  const { admin } = written;
  if (admin === undefined) return undefined;
  const { complaints } = context;
  const url = parseHttpUrl(admin.url);
  if (url === undefined) {
    const must = "must be http://ADDRESS:PORT or https://ADDRESS:PORT";
    complaints.error(["admin", "url"], `${must}, found ${admin.url}`);
    return undefined;
  }
  const { secure, host, port } = url;
  if (!secure && !isLoopback(host)) {
    complaints.error(
      ["admin", "url"],
      `${host} is not loopback, and tokens would cross the network in the clear: use https:// with admin.tls, or http://127.0.0.1`,
    );
  }
  if (secure && admin.tls === undefined) complaints.keyError(["admin", "tls"], "missing; https:// needs { cert, key }");
  if (!secure && admin.tls !== undefined) complaints.keyError(["admin", "tls"], "http:// has no TLS; https:// has");
  const pair = secure && admin.tls !== undefined ? reader.pair(admin.tls, ["admin", "tls"]) : undefined;
  const names = [...new Set([...admin.names, written.hostname, ...(isIP(host) === 0 ? [host] : [])])];
  for (const [index, name] of admin.names.entries()) {
    if (pair === undefined || covers(pair.certificate, name)) continue;
    complaints.warning(["admin", "names", index], `the certificate of admin.tls does not cover ${name}`);
  }
  return {
    host,
    port,
    ...(pair === undefined ? {} : { tls: { cert: pair.cert, key: pair.key } }),
    tokens: buildTokens(written, context),
    names: names.map((name) => name.toLowerCase()),
    openMetrics: admin.metrics === "open",
  };
}

/** `token` is one named admin that may do everything; `tokens` are for those who may not, or to tell people apart. */
function buildTokens({ admin }: Written, { folder, complaints }: Context): AdminSettings["tokens"] {
  if (admin === undefined) return [];
  const seen = new Set(["admin"]);
  for (const [index, { name }] of admin.tokens.entries()) {
    if (seen.has(name)) complaints.error(["admin", "tokens", index, "name"], `${name} is the name of another token`);
    seen.add(name);
  }
  const single = admin.token === undefined ? [] : [{ name: "admin", token: admin.token, scopes: ["operate" as const] }];
  const all = [
    ...single.map((one) => ({ ...one, path: ["admin", "token"] as Path })),
    ...admin.tokens.map((one, index) => ({ ...one, path: ["admin", "tokens", index, "token"] as Path })),
  ];
  return all.flatMap(({ name, scopes, token: written, path }) => {
    const token = readSecret(written, folder, complaints, path);
    // A variable that is not set has been complained about.
    if (token === undefined || token.includes("${")) return [];
    if (token.length < SHORT_TOKEN)
      complaints.warning(path, `is short enough to guess; take ${SHORT_TOKEN} random letters`);
    // What an Authorization header can carry (RFC 6750 §2.1).
    if (!/^[\w.~+/-]+=*$/.test(token))
      complaints.error(path, "may have letters, digits and -._~+/ only, and = at its end");
    return [{ name, token, scopes }];
  });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || (isIP(host) !== 0 && classify(host) === "loopback");
}
