/** `records`: where it is kept what sessions there were. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { databaseServer, tableName } from "./accounts-schema.ts";
import type { Context } from "./complaints.ts";
import { buildDatabase } from "./databases.ts";
import type { Path } from "./locate.ts";
import type { Written } from "./schema.ts";
import type { RecordSettings } from "./settings.ts";
import { alternatives, found, matching, secret, section, table, text, whole } from "./shapes.ts";
import { buildWebhook } from "./webhooks.ts";

const name = v.optional(matching(/^[\w-]{1,64}$/, "a short name of letters, digits and dashes"));
const TABLE = "parley_sessions";

const database = <const Type extends string>(type: Type) =>
  table({ type: v.literal(type), name, ...databaseServer(), table: v.optional(tableName(), TABLE) });

const destinations = [
  table({
    type: v.literal("file"),
    name,
    path: text(),
    rotate: section({
      bytes: v.optional(whole(4096, 2 ** 40), 100 * 2 ** 20),
      hours: v.optional(whole(1, 24 * 366), 24),
      keep: v.optional(whole(0, 10_000), 30),
    }),
  }),
  table({
    type: v.literal("sqlite"),
    name,
    path: text(),
    table: v.optional(matching(/^[A-Za-z_]\w{0,62}$/, "the name of a table"), TABLE),
  }),
  database("postgres"),
  database("mysql"),
  table({ type: v.literal("webhook"), name, url: text(), secret: secret() }),
] as const;

const types = ["file", "sqlite", "postgres", "mysql", "webhook"];

export const recordDestination = v.variant("type", destinations, (issue) => {
  const input: unknown = issue.input; // of the key `type`, unless there is no map to hold one
  return issue.expected === "Object"
    ? `must be a map of keys, ${found(input)}`
    : `must be ${alternatives(types)}, ${found(input)}`;
});

type WrittenRecords = Written["records"][number];

/** Each has a name, by which what waits for it is found again after a restart. */
export function buildRecords({ records }: Written, context: Context): RecordSettings[] {
  const names = new Set<string>();
  return records.flatMap((written, index): RecordSettings[] => {
    const path = ["records", index];
    if (written.type === "webhook") {
      const webhook = buildWebhook(written, path, names, context);
      return webhook === undefined ? [] : [{ type: "webhook", ...webhook }];
    }
    const called = written.name ?? written.type;
    if (names.has(called)) context.complaints.error(path, `needs a name; there is another ${called}`);
    names.add(called);
    return build(written, called, path, context);
  });
}

function build(
  written: Exclude<WrittenRecords, { type: "webhook" }>,
  called: string,
  path: Path,
  context: Context,
): RecordSettings[] {
  const { folder, complaints } = context;
  if (written.type === "postgres" || written.type === "mysql") {
    // Of accounts it needs the server alone.
    const accounts = { username: "username", domain: "domain", useDomain: false, password: "password" } as const;
    const cache = { seconds: 0, negativeSeconds: 0, entries: 1 };
    const built = buildDatabase({ ...written, ...accounts, connections: 1, cache }, path, context);
    return built === undefined ? [] : [{ type: written.type, name: called, database: built }];
  }
  const file = resolve(folder, written.path);
  // The file itself is made when it is wanted.
  if (!existsSync(dirname(file))) complaints.error([...path, "path"], `there is no folder ${dirname(file)}`);
  return written.type === "file"
    ? [{ type: "file", name: called, path: file, rotate: written.rotate }]
    : [{ type: "sqlite", name: called, path: file, table: written.table }];
}
