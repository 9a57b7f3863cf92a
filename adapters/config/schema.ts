/**
 * The keys of a configuration, their types and their defaults: the operator's reference, in code.
 *
 * What one key alone can get wrong is found here; what needs other keys, files or the clock is in `load.ts`.
 */
import * as v from "valibot";
import { accounts } from "./accounts-schema.ts";
import { hostPattern, parseListenUrl, schemeOf } from "./addresses.ts";
import { categories, type Category, type Level, levels } from "./log-categories.ts";
import { recordDestination } from "./records.ts";
import { found, listOf, matching, named, oneOf, section, secret, table, text, whole, yesNo, zeroOr } from "./shapes.ts";

const YEAR = 366 * 86_400;
const TERA = 1e12;
/** More processes than machines have cores. */
const MOST_WORKERS = 256;

const host = () => v.pipe(matching(hostPattern, "a host name or address"), v.toLowerCase());
const algorithms = () => listOf(oneOf("MD5", "SHA-256", "SHA-512-256"), 1);
/** Both are paths of PEM files, relative to the configuration. */
const keyPair = () => table({ cert: text(), key: text() });

const listenUrl = () =>
  v.pipe(
    text(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const scheme = schemeOf(dataset.value);
      const later = scheme === "ws" || scheme === "wss";
      if (later) addIssue({ message: `${scheme} listeners are not supported yet` });
      else if (parseListenUrl(dataset.value) === undefined)
        addIssue({ message: `must be msrp://ADDRESS:PORT or msrps://ADDRESS:PORT, ${found(dataset.value)}` });
    }),
  );

/** 0 lets the system choose. */
const port = () => whole(0, 65_535);

const listener = table({
  name: matching(/^[\w.-]{1,64}$/, "a short name of letters, digits, dots and dashes"),
  url: listenUrl(),
  tls: v.optional(keyPair()),
  auth: v.optional(oneOf("insecure")),
  advertise: v.optional(listenUrl()),
  workerPorts: v.optional(port()),
  reusePort: v.optional(yesNo()),
  proxyProtocol: v.optional(
    v.union([v.boolean(), table({ from: listOf(text(), 1) })], "must be true, or { from: [addresses of the proxies] }"),
  ),
});

const domain = table({
  name: host(),
  accounts: text(),
  tls: v.optional(keyPair()),
  algorithms: v.optional(algorithms()),
});

/** In texts `*` stands for anything. Without any condition it is about everybody. */
const rule = table({
  action: oneOf("allow", "deny"),
  user: v.optional(text()),
  domain: v.optional(text()),
  peer: v.optional(text()),
  contentType: v.optional(matching(/^[^;\s]+$/, "a media type without parameters, such as image/*")),
  largerThan: v.optional(whole(0, TERA)),
});

const policy = section({
  rules: v.optional(listOf(rule), []),
  decision: v.optional(
    table({
      url: text(),
      token: v.optional(secret()),
      seconds: v.optional(whole(1, 20), 2),
      otherwise: oneOf("allow", "deny"),
    }),
  ),
});

const expires = section({
  min: v.optional(whole(1, YEAR), 60),
  default: v.optional(whole(1, YEAR), 86_400),
  max: v.optional(whole(1, YEAR), 604_800),
});

const auth = section({
  algorithms: v.optional(algorithms(), ["MD5", "SHA-256"]),
  nonceSeconds: v.optional(whole(5, 86_400), 300),
  expires,
  maxFailures: v.optional(whole(1, 100), 3),
});

const outgoing = section({
  tls: section({
    ca: v.optional(listOf(text()), []),
    system: v.optional(yesNo(), true),
    cert: v.optional(text()),
    key: v.optional(text()),
  }),
  plain: v.optional(yesNo(), false),
  allow: v.optional(listOf(text()), ["public"]),
  from: v.optional(listOf(table({ to: text(), address: v.optional(text()), listener: v.optional(text()) })), []),
  chunkBytes: v.optional(
    listOf(table({ to: matching(/^[\w*.:-]+$/, "a host name, * for any labels"), bytes: whole(256, 1 << 30) })),
    [],
  ),
});

const admin = table({
  url: text(),
  token: v.optional(secret()),
  tokens: v.optional(
    listOf(
      table({
        name: matching(/^[\w.-]{1,64}$/, "a short name of letters, digits, dots and dashes"),
        token: secret(),
        scopes: listOf(oneOf("read", "operate"), 1),
      }),
    ),
    [],
  ),
  tls: v.optional(keyPair()),
  names: v.optional(listOf(host()), []),
  metrics: v.optional(oneOf("token", "open"), "token"),
});

const webhook = table({
  name: v.optional(matching(/^[\w-]{1,64}$/, "a short name of letters, digits and dashes")),
  url: text(),
  secret: secret(),
  events: v.optional(listOf(matching(/^[a-zA-Z]{1,64}$/, "the type of an event, such as sessionEnded"), 1)),
});

/** A level for each category of the log. */
const levelsOf = Object.fromEntries(categories.map((name) => [name, v.optional(oneOf(...levels))])) as {
  [name in Category]: v.OptionalSchema<ReturnType<typeof oneOf<Level>>, undefined>;
};

export const schema = table({
  hostname: host(),
  data: v.optional(text()),
  workers: v.optional(
    v.union(
      [v.literal("auto"), whole(1, MOST_WORKERS)],
      ({ input }) => `must be auto or a whole number from 1 to ${MOST_WORKERS}, ${found(input)}`,
    ),
    1,
  ),
  listeners: listOf(listener, 1),
  domains: listOf(domain, 1),
  accounts: named(accounts),
  auth,
  outgoing,
  forwarding: section({
    unknownMethods: v.optional(oneOf("forward", "refuse"), "forward"),
    chunkBytes: v.optional(zeroOr(256, 1 << 30), 0),
  }),
  policy,
  relays: section({ names: v.optional(listOf(matching(hostPattern, "a host name, * for its first label")), []) }),
  limits: section({
    connections: v.optional(whole(1, 1_000_000), 20_000),
    connectionsPerAddress: v.optional(whole(1, 1_000_000), 100),
    connectionsPerSecondPerAddress: v.optional(zeroOr(1, 1_000_000), 0),
    memoryMegabytes: v.optional(zeroOr(64, 1 << 24), 0),
    sessionsPerUser: v.optional(whole(1, 100_000), 50),
    sessionsPerDomain: v.optional(zeroOr(1, 10_000_000), 0),
    sessions: v.optional(zeroOr(1, 10_000_000), 0),
    authFailuresPerAddress: v.optional(zeroOr(1, 1_000_000), 50),
    authFailuresPerUser: v.optional(zeroOr(1, 1_000_000), 10),
    authPauseSeconds: v.optional(whole(1, 86_400), 300),
    messageBytes: v.optional(zeroOr(1024, TERA), 0),
    fileBytes: v.optional(zeroOr(1024, TERA), 0),
    bytesPerSecondPerSession: v.optional(zeroOr(1024, 1 << 30), 0),
    bytesPerSecondPerUser: v.optional(zeroOr(1024, 1 << 30), 0),
    bytesPerSecondPerDomain: v.optional(zeroOr(1024, TERA), 0),
    bytesPerSecond: v.optional(zeroOr(1024, TERA), 0),
    idleSeconds: v.optional(whole(1, YEAR), 3600),
    sessionIdleSeconds: v.optional(zeroOr(60, YEAR), 0),
    sessionMaxSeconds: v.optional(zeroOr(60, YEAR), 0),
    headerBytes: v.optional(whole(1024, 1 << 16), 16_384),
  }),
  admin: v.optional(admin),
  drain: section({ seconds: v.optional(whole(0, 86_400), 60) }),
  webhooks: v.optional(listOf(webhook), []),
  records: v.optional(listOf(recordDestination), []),
  log: section({
    level: v.optional(oneOf(...levels), "info"),
    levels: v.optional(table(levelsOf), {}),
    hash: section({ addresses: v.optional(yesNo(), false), users: v.optional(yesNo(), false) }),
    format: v.optional(oneOf("json", "pretty"), "json"),
  }),
});

/** A configuration as written, with its defaults: paths still relative, secrets still references. */
export type Written = v.InferOutput<typeof schema>;
