/** `webhooks`: who is told what happens, and with which secret that is signed. */
import { isIP } from "node:net";
import { classify } from "../shared/egress.ts";
import type { Context } from "./complaints.ts";
import type { Path } from "./locate.ts";
import { readSecret } from "./references.ts";
import type { Written } from "./schema.ts";
import type { WebhookSettings } from "./settings.ts";

/** A secret shorter than this can be found by somebody who has a signature. */
const SHORT_SECRET = 16;

export function buildWebhooks({ webhooks }: Written, context: Context): WebhookSettings[] {
  const names = new Set<string>();
  return webhooks.flatMap((webhook, index) => buildWebhook(webhook, ["webhooks", index], names, context) ?? []);
}

/** @param names  of those before it */
export function buildWebhook(
  { name: written, url, secret, events }: Pick<Written["webhooks"][number], "name" | "url" | "secret" | "events">,
  path: Path,
  names: Set<string>,
  { folder, complaints }: Context,
): WebhookSettings | undefined {
  const target = parse(url);
  if (target === undefined) {
    complaints.error([...path, "url"], "must be https://HOST/PATH or http://HOST/PATH, without user or password");
  } else if (target.protocol === "http:" && !isLoopback(target.hostname)) {
    complaints.warning([...path, "url"], "names of users cross the network in the clear; https:// hides them");
  }
  // Its host: what people would call it.
  const name = written ?? (target?.hostname.replace(/[^\w-]/g, "-").slice(0, 64) || "webhook");
  if (names.has(name)) {
    complaints.error(written === undefined ? path : [...path, "name"], `needs a name; there is another ${name}`);
  }
  names.add(name);
  const key = readSecret(secret, folder, complaints, [...path, "secret"]);
  if (key !== undefined && key.length < SHORT_SECRET) {
    complaints.warning([...path, "secret"], `is short enough to guess; take ${SHORT_SECRET} random letters`);
  }
  if (target === undefined || key === undefined) return undefined;
  return { name, url: target.href, secret: key, ...(events !== undefined && { events }) };
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text);
    const known = ["http:", "https:"].includes(url.protocol) && url.username === "" && url.password === "";
    return known ? url : undefined;
  } catch {
    return undefined;
  }
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || (isIP(host) !== 0 && classify(host) === "loopback");
}
