/**
 * What the admin API takes and answers, as valibot schemas: requests are checked against them, and the OpenAPI document
 * is made from them. The answers have the shapes of `control.ts`; a test holds real answers against these schemas.
 */
import * as v from "valibot";

const count = () => v.pipe(v.number(), v.integer(), v.minValue(0));
const time = (text: string) => v.pipe(v.number(), v.description(`${text}, in Unix milliseconds`));

export const traffic = v.pipe(
  v.strictObject({
    bytesIn: count(),
    bytesOut: count(),
    messagesIn: count(),
    messagesOut: count(),
    filesIn: count(),
    filesOut: count(),
    reportsIn: count(),
    reportsOut: count(),
  }),
  v.description(
    "What went through, as the session's holder sees it: out is what the holder sent. Octets are those of bodies.",
  ),
  v.metadata({ ref: "Traffic" }),
);

export const session = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.description("WORKER.NUMBER; the log calls it session")),
    user: v.string(),
    domain: v.string(),
    connection: v.pipe(v.string(), v.description("the connection its holder authenticated on")),
    listener: v.string(),
    address: v.string(),
    port: count(),
    secure: v.boolean(),
    relay: v.optional(v.pipe(v.string(), v.description("the relay that brought it, if it is not the client's own"))),
    peers: v.pipe(
      v.array(v.string()),
      v.description("hosts of those who exchange messages with its holder, the latest last"),
    ),
    startedAt: time("when it was granted"),
    expiresAt: time("when it ends by itself"),
    usedAt: time("when a frame last went through"),
    traffic,
  }),
  v.metadata({ ref: "Session" }),
);

export const connection = v.pipe(
  v.strictObject({
    id: v.string(),
    direction: v.picklist(["accepted", "dialed"]),
    listener: v.optional(v.string()),
    hop: v.optional(v.pipe(v.string(), v.description("where a dialed one should lead"))),
    address: v.string(),
    port: count(),
    secure: v.boolean(),
    tls: v.optional(v.string()),
    names: v.pipe(v.array(v.string()), v.description("what a verified certificate proved")),
    openedAt: time("when it was opened"),
    usedAt: time("when octets last came"),
    bytesIn: count(),
    bytesOut: count(),
    backlog: v.pipe(count(), v.description("octets waiting for the kernel")),
    sessions: count(),
    transactions: count(),
    held: v.pipe(v.boolean(), v.description("not read from just now, because somebody it sends to is slow")),
  }),
  v.metadata({ ref: "Connection" }),
);

export const explanation = v.pipe(
  v.strictObject({
    at: time("when it happened"),
    address: v.pipe(v.string(), v.description("who came, or for a next hop where we tried to connect")),
    user: v.optional(v.string()),
    domain: v.optional(v.string()),
    code: v.pipe(v.string(), v.description("a fault code, why a dial failed, why a connection was refused, or OK")),
    text: v.string(),
    advice: v.optional(v.string()),
  }),
  v.metadata({ ref: "Explanation" }),
);

export const occurrence = v.pipe(
  v.strictObject({
    id: v.pipe(v.number(), v.description("grows by one; what Last-Event-ID names")),
    at: time("when it happened"),
    type: v.pipe(v.string(), v.description("sessionStarted, sessionEnded, fault, connectionRefused …")),
    text: v.string(),
    fields: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  }),
  v.metadata({ ref: "Occurrence" }),
);

export const tracedFrame = v.pipe(
  v.strictObject({
    at: time("when it passed"),
    session: v.string(),
    direction: v.pipe(v.picklist(["in", "out"]), v.description("as the relay sees it")),
    connection: v.string(),
    head: v.pipe(v.string(), v.description("start line and headers, without the session-ids of URIs we handed out")),
    bodyBytes: count(),
  }),
  v.metadata({ ref: "TracedFrame" }),
);

export const drain = v.pipe(
  v.strictObject({ since: time("since when"), deadline: time("when the sessions that are left are ended") }),
  v.metadata({ ref: "Drain" }),
);

export const info = v.pipe(
  v.strictObject({
    version: v.string(),
    runtime: v.string(),
    hostname: v.string(),
    startedAt: time("when the program started"),
    workers: count(),
    listeners: v.array(v.strictObject({ name: v.string(), url: v.string(), advertised: v.string() })),
    domains: v.array(v.string()),
    sessions: count(),
    connections: count(),
    drain: v.optional(drain),
  }),
  v.metadata({ ref: "Info" }),
);

export const account = v.pipe(
  v.strictObject({
    username: v.string(),
    domain: v.string(),
    changed: v.pipe(v.string(), v.description("when the password was last set, ISO 8601 in UTC")),
  }),
  v.metadata({ ref: "Account" }),
);

export const configurationProblem = v.pipe(
  v.strictObject({
    severity: v.picklist(["error", "warning"]),
    line: v.optional(count()),
    column: v.optional(count()),
    path: v.pipe(v.string(), v.description("the key: listeners[0].tls.cert")),
    text: v.string(),
  }),
  v.metadata({ ref: "ConfigurationProblem" }),
);

export const checked = v.pipe(
  v.strictObject({ ok: v.boolean(), problems: v.array(configurationProblem) }),
  v.metadata({ ref: "Checked" }),
);

export const reloaded = v.pipe(
  v.strictObject({
    ok: v.pipe(v.boolean(), v.description("false: the configuration is wrong, and nothing was changed")),
    problems: v.array(v.string()),
    applied: v.pipe(v.array(v.string()), v.description("keys that hold from now on")),
    needsRestart: v.pipe(v.array(v.string()), v.description("keys that differ from what runs and need a restart")),
  }),
  v.metadata({ ref: "Reloaded" }),
);

export const logLevels = v.pipe(
  v.strictObject({ levels: v.pipe(v.record(v.string(), v.string()), v.description("level by category")) }),
  v.metadata({ ref: "LogLevels" }),
);

export const health = v.pipe(
  v.strictObject({ status: v.picklist(["ok", "draining", "stopping"]) }),
  v.metadata({ ref: "Health" }),
);

/** What every refusal looks like (RFC 9457). */
export const problem = v.pipe(
  v.strictObject({
    type: v.string(),
    title: v.string(),
    status: count(),
    detail: v.string(),
    errors: v.optional(
      v.pipe(
        v.array(v.strictObject({ in: v.string(), name: v.string(), detail: v.string() })),
        v.description("the places of a request that are wrong"),
      ),
    ),
  }),
  v.metadata({ ref: "Problem" }),
);

/** A list, a page at a time. */
export function listOf<const S extends v.GenericSchema>(item: S) {
  const next = v.pipe(v.nullable(v.string()), v.description("what ?cursor= takes for the next page; null on the last"));
  return v.strictObject({ items: v.array(item), next });
}

// What requests may say.

const whole = (text: string, least: number, most: number, usual: number) =>
  v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,9}$/, "must be a whole number"),
      v.transform(Number),
      v.minValue(least, `must be at least ${least}`),
      v.maxValue(most, `must be at most ${most}`),
      v.description(text),
    ),
    String(usual),
  );
const word = (text: string) =>
  v.optional(v.pipe(v.string(), v.nonEmpty("must not be empty"), v.maxLength(256), v.description(text)));

export const paging = {
  limit: whole("items on a page, 1 to 1000", 1, 1000, 100),
  cursor: word("next of the page before"),
};

export const sessionsQuery = v.strictObject({
  user: word("of this user"),
  domain: word("of this domain"),
  peer: word("that exchange messages with this host, or host:port"),
  address: word("whose holder is at this address"),
  listener: word("that came in on this listener"),
  search: word("with these letters in user, domain, address or a peer"),
  sort: v.optional(
    v.pipe(
      v.picklist(["age", "-age", "bytes", "-bytes"], "must be age, -age, bytes or -bytes"),
      v.description("age: the youngest first; bytes: the quietest first; a minus turns it round"),
    ),
    "age",
  ),
  ...paging,
});

export const connectionsQuery = v.strictObject({
  address: word("with this address"),
  listener: word("that came in on this listener"),
  direction: v.optional(v.picklist(["accepted", "dialed"], "must be accepted or dialed")),
  sort: v.optional(
    v.picklist(["age", "-age", "bytes", "-bytes", "backlog", "-backlog"], "must be age, bytes or backlog, or -…"),
    "age",
  ),
  ...paging,
});

export const explainQuery = v.pipe(
  v.strictObject({
    user: word("alice, or alice@example.com"),
    address: word("an IP address"),
  }),
  v.check(({ user, address }) => user !== undefined || address !== undefined, "say user or address"),
);

export const traceQuery = v.strictObject({ seconds: whole("how long to look, 1 to 3600", 1, 3600, 60) });
export const eventsQuery = v.strictObject({
  type: word("only these types, with commas between them"),
  after: v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,16}$/, "must be the id of an event"), v.description("as Last-Event-ID")),
  ),
});

const domainName = v.pipe(v.string("must be text"), v.nonEmpty("must not be empty"), v.maxLength(253), v.toLowerCase());
// A colon would make `a:b` + `c` and `a` + `b:c` the same to Digest (RFC 7616 §3.4.4).
const username = v.pipe(
  v.string("must be text"),
  v.regex(/^[^\p{Cc}:"\\]{1,128}$/u, 'must be 1 to 128 characters without : " \\'),
);
const password = v.pipe(
  v.string("must be text"),
  v.minLength(1, "must not be empty"),
  v.maxLength(1024, "must be at most 1024 characters"),
);
export const newAccount = v.strictObject({ username, domain: domainName, password });
export const newPassword = v.strictObject({ password });
export const accountsQuery = v.strictObject({ domain: word("of this domain"), ...paging });

export const drainOrder = v.strictObject({
  seconds: v.optional(
    v.pipe(
      v.number("must be a number of seconds"),
      v.integer("must be whole"),
      v.minValue(0, "must be at least 0"),
      v.maxValue(604_800, "must be at most 604800, a week"),
      v.description("until the sessions that are left are ended; drain.seconds of the configuration when left out"),
    ),
  ),
});

export const levelOrder = v.strictObject({
  category: v.pipe(v.string("must be text"), v.regex(/^[\w.-]{0,128}$/, "must be a category, such as parley.auth")),
  level: v.picklist(["trace", "debug", "info", "warning", "error"], "must be trace, debug, info, warning or error"),
});
