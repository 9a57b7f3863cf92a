/**
 * What another configuration changes, key by key as an operator writes them, and what of it can be had without a restart.
 *
 * A key that is not in the table below needs one: what nobody has thought about is not changed under open sessions.
 */
import { isDeepStrictEqual } from "node:util";
import type { Written } from "../config/schema.ts";

export interface Differences {
  /** Keys that differ and can be applied, `limits.connections`. */
  readonly applicable: readonly string[];
  /** Keys that differ and are read at the start only. */
  readonly needsRestart: readonly string[];
  /** The new configuration, with what needs a restart left as it runs. */
  readonly next: Written;
}

/** What takes effect while sessions go on. */
const APPLICABLE: ReadonlySet<string> = new Set([
  "domains",
  "accounts",
  "auth",
  "outgoing",
  "forwarding",
  "relays",
  "limits",
  "drain",
  "log",
]);

/** Both with the defaults of what was not written. */
export function differences(running: Written, wanted: Written): Differences {
  const applicable: string[] = [];
  const needsRestart: string[] = [];
  const next: Record<string, unknown> = { ...wanted };
  const [before, after] = [running as Record<string, unknown>, wanted as Record<string, unknown>];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key === "listeners") {
      const { changed, same, listeners } = compareListeners(running.listeners, wanted.listeners);
      applicable.push(...changed);
      if (!same) needsRestart.push("listeners");
      next.listeners = listeners;
      continue;
    }
    const differing = differingKeys(key, before[key], after[key]);
    if (APPLICABLE.has(key)) {
      applicable.push(...differing);
      continue;
    }
    needsRestart.push(...differing);
    next[key] = before[key];
    if (before[key] === undefined) delete next[key];
  }
  return { applicable, needsRestart, next: next as Written };
}

/** The key itself, or, of a map that was and is there, those of its keys that differ. */
function differingKeys(key: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isMap(before) || !isMap(after)) return [key];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((name) => !isDeepStrictEqual(before[name], after[name])).map((name) => `${key}.${name}`);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Listeners = Written["listeners"];

/** Which files a listener's certificate comes from can change as it runs; everything else about it cannot. */
function compareListeners(running: Listeners, wanted: Listeners) {
  const changed: string[] = [];
  const listeners = running.map((listener, index) => {
    const other = wanted.find(({ name }) => name === listener.name);
    if (other?.tls === undefined || listener.tls === undefined) return listener;
    if (!isDeepStrictEqual(other.tls, listener.tls)) changed.push(`listeners[${index}].tls`);
    return { ...listener, tls: other.tls };
  });
  return { changed, same: isDeepStrictEqual(listeners, wanted), listeners };
}
