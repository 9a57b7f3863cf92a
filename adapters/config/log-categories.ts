/** What belongs together in the log: each may have a level of its own, while parley runs. */

/** How much is written, the most first. */
export const levels = ["trace", "debug", "info", "warning", "error"] as const;
export type Level = (typeof levels)[number];

/** Each stands below `parley`, which is for the rest: `parley.session`. */
export const categories = [
  "session",
  "connection",
  "auth",
  "dial",
  "fault",
  "accounts",
  "operation",
  "records",
  "admin",
] as const;
export type Category = (typeof categories)[number];

/** By the beginning of an event's name; the first that fits. */
const beginnings: readonly (readonly [beginning: string, category: Category])[] = [
  ["session", "session"],
  ["connectionDialed", "dial"],
  ["connection", "connection"],
  ["auth", "auth"],
  ["dial", "dial"],
  ["fault", "fault"],
  ["accounts", "accounts"],
  ["admin", "admin"],
  ["record", "records"],
  ["configuration", "operation"],
  ["certificate", "operation"],
  ["drain", "operation"],
  ["listening", "operation"],
  ["port", "operation"],
  ["worker", "operation"],
  ["operation", "operation"],
];

/** Undefined for what belongs to none: bugs. */
export function categoryOf(event: string): Category | undefined {
  return beginnings.find(([beginning]) => event.startsWith(beginning))?.[1];
}

/** `session` and `parley.session` are the same; undefined when there is no such category. */
export function parseCategory(text: string): Category | "" | undefined {
  const name = text.replace(/^parley\.?/, "");
  return name === "" ? "" : categories.find((category) => category === name);
}
