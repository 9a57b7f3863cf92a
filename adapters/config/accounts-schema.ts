/** The keys of `accounts`: one shape for each type of store. */
import * as v from "valibot";
import type { DigestAlgorithm } from "../../core/mod.ts";
import { isHash, notHash } from "../accounts/hashes.ts";
import { alternatives, found, listOf, matching, named, secret, section, table, text, whole, yesNo } from "./shapes.ts";

/** The digits themselves, or `file:` and where they stand; the file's content is looked at when it is read. */
const hash = (algorithm: DigestAlgorithm) => {
  const message = notHash(algorithm);
  return v.pipe(
    v.string(message),
    v.check((value) => value.startsWith("file:") || isHash(value, algorithm), message),
  );
};

/** A bare hash is MD5, which is what other servers' tables hold. `file:` and `${NAME}` work in the password. */
const user = v.pipe(
  table({
    password: v.optional(secret()),
    ha1: v.optional(
      v.union(
        [
          hash("MD5"),
          table({
            MD5: v.optional(hash("MD5")),
            "SHA-256": v.optional(hash("SHA-256")),
            "SHA-512-256": v.optional(hash("SHA-512-256")),
          }),
        ],
        "must be 32 hexadecimal digits (MD5), or a map of MD5, SHA-256 and SHA-512-256",
      ),
    ),
  }),
  v.check((value) => (value.password === undefined) !== (value.ha1 === undefined), "needs either password or ha1"),
);

/** A name that needs no thought to be quoted, in any database. */
const identifier = () => matching(/^[A-Za-z_][\w$]{0,62}$/, "a name of letters, digits and _");

const cache = section({
  seconds: v.optional(whole(0, 86_400), 30),
  negativeSeconds: v.optional(whole(0, 3600), 5),
  entries: v.optional(whole(1, 1_000_000), 10_000),
});

/** How a database server is reached, and with how much patience. */
export const databaseServer = () => ({
  url: secret(),
  urlPassword: v.optional(secret()),
  tls: v.optional(
    v.union(
      [yesNo(), table({ ca: v.optional(listOf(text(), 1)), cert: v.optional(text()), key: v.optional(text()) })],
      "must be true, false, or a map of ca, cert and key",
    ),
  ),
  connectSeconds: v.optional(whole(1, 4), 2),
  querySeconds: v.optional(whole(1, 4), 2),
});

export const tableName = () =>
  matching(/^[A-Za-z_][\w$]{0,62}(\.[A-Za-z_][\w$]{0,62})?$/, "the name of a table, or SCHEMA.TABLE");

/** Without any of password and the hashes, the columns `password` and `ha1` are read, as OpenSIPS and Kamailio have them. */
const database = <const Type extends string>(type: Type) =>
  table({
    type: v.literal(type),
    ...databaseServer(),
    table: v.optional(tableName(), "subscriber"),
    username: v.optional(identifier(), "username"),
    domain: v.optional(identifier(), "domain"),
    useDomain: v.optional(yesNo(), true),
    password: v.optional(identifier()),
    ha1: v.optional(identifier()),
    ha1Sha256: v.optional(identifier()),
    ha1Sha512256: v.optional(identifier()),
    connections: v.optional(whole(1, 100), 8),
    cache,
  });

const stores = [
  table({ type: v.literal("sqlite"), path: v.optional(text()) }),
  table({ type: v.literal("static"), users: named(user) }),
  database("postgres"),
  database("mysql"),
  table({
    type: v.literal("http"),
    url: text(),
    token: v.optional(secret()),
    seconds: v.optional(whole(1, 4), 2),
    retries: v.optional(whole(0, 3), 1),
    cache,
  }),
  table({ type: v.literal("shared-secret"), secret: v.optional(secret()), secrets: v.optional(listOf(secret(), 1)) }),
] as const;

const types = ["sqlite", "static", "postgres", "mysql", "http", "shared-secret"];

export const accounts = v.variant("type", stores, (issue) => {
  const input: unknown = issue.input; // of the key `type`, unless there is no map to hold one
  return issue.expected === "Object"
    ? `must be a map of keys, ${found(input)}`
    : `must be ${alternatives(types)}, ${found(input)}`;
});
