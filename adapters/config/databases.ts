/**
 * Accounts that are asked for elsewhere, a database or an HTTP service, as written.
 *
 * Nothing insecure is on by default: whoever is not on this machine is spoken to over TLS and has to prove its name. No
 * complaint repeats a URL, since it may hold a password.
 */
import { isIP } from "node:net";
import type { Columns, DatabaseSettings, HttpSettings } from "../accounts/store.ts";
import { classify } from "../shared/egress.ts";
import { withoutBrackets } from "./addresses.ts";
import { CertificateReader } from "./certificates.ts";
import type { Complaints, Context } from "./complaints.ts";
import type { Path } from "./locate.ts";
import { readSecret } from "./references.ts";
import type { Written } from "./schema.ts";

type WrittenStore = Written["accounts"][string];
type WrittenDatabase = Extract<WrittenStore, { type: "postgres" | "mysql" }>;
type WrittenHttp = Extract<WrittenStore, { type: "http" }>;

const kinds = {
  postgres: { schemes: ["postgres:", "postgresql:"], port: 5432 },
  mysql: { schemes: ["mysql:", "mariadb:"], port: 3306 },
} as const;

export function buildDatabase(store: WrittenDatabase, path: Path, context: Context): DatabaseSettings | undefined {
  const { folder, complaints } = context;
  const written = readSecret(store.url, folder, complaints, [...path, "url"]);
  const at = written === undefined ? undefined : readUrl(store.type, written);
  if (typeof at === "string") complaints.error([...path, "url"], at);
  const apart =
    store.urlPassword === undefined
      ? undefined
      : readSecret(store.urlPassword, folder, complaints, [...path, "urlPassword"]);
  if (at === undefined || typeof at === "string") return undefined;
  if (apart !== undefined && at.password !== undefined) {
    complaints.error([...path, "urlPassword"], "url has a password already");
  }
  const password = apart ?? at.password;
  const tls = buildTls(store, at.server, path, context);
  return {
    type: store.type,
    server: at.server,
    user: at.user,
    ...(password === undefined ? {} : { password }),
    database: at.database,
    ...(tls === undefined ? {} : { tls }),
    table: store.table.split("."),
    columns: columnsOf(store),
    connections: store.connections,
    connectSeconds: store.connectSeconds,
    querySeconds: store.querySeconds,
    cache: store.cache,
  };
}

/** The columns that are named; without any for password or hashes, those of OpenSIPS and Kamailio. */
export function columnsOf(store: WrittenDatabase): Columns {
  const { username, password, ha1: MD5, ha1Sha256, ha1Sha512256 } = store;
  const none = [password, MD5, ha1Sha256, ha1Sha512256].every((column) => column === undefined);
  const domain = store.useDomain ? { domain: store.domain } : {};
  if (none) return { username, ...domain, password: "password", ha1: { MD5: "ha1" } };
  const ha1 = {
    ...(MD5 === undefined ? {} : { MD5 }),
    ...(ha1Sha256 === undefined ? {} : { "SHA-256": ha1Sha256 }),
    ...(ha1Sha512256 === undefined ? {} : { "SHA-512-256": ha1Sha512256 }),
  };
  return { username, ...domain, ...(password === undefined ? {} : { password }), ha1 };
}

type DatabaseUrl = Pick<DatabaseSettings, "server" | "user" | "password" | "database">;

/** `postgres://user:password@host:port/database`; else what is wrong. The host may be the path of a socket, with %2F for /. */
function readUrl(type: "postgres" | "mysql", text: string): DatabaseUrl | string {
  const { schemes, port } = kinds[type];
  const example = `must be ${schemes[0]}//USER:PASSWORD@HOST/DATABASE`;
  const url = URL.parse(text);
  if (url === null || !(schemes as readonly string[]).includes(url.protocol)) {
    return `${example}; what is neither letter nor digit in a password is written as %XX, or goes into urlPassword`;
  }
  const [user = "", password = "", host = "", database = "", strange] = decoded(url);
  if (strange !== undefined) return "has a % that is not followed by two hexadecimal digits";
  if (user === "") return `has no user; ${example}`;
  if (host === "") return `has no host; ${example}`;
  if (database === "" || database.includes("/")) return `names no database; ${example}`;
  if (url.search !== "" || url.hash !== "") {
    return `ends in ${url.search === "" ? "#" : "?"}…, which is not understood here; tls and time-outs are keys of their own`;
  }
  const server = { host: withoutBrackets(host), port: Number(url.port === "" ? port : url.port) };
  return { server, user, ...(password === "" ? {} : { password }), database };
}

/** User, password, host and path; a fifth where that could not be done. */
function decoded({ username, password, hostname, pathname }: URL): string[] {
  try {
    return [username, password, hostname, pathname.slice(1)].map(decodeURIComponent);
  } catch {
    return ["", "", "", "", "strange"];
  }
}

function buildTls(
  store: WrittenDatabase,
  { host }: DatabaseSettings["server"],
  path: Path,
  context: Context,
): DatabaseSettings["tls"] {
  const { complaints } = context;
  const here = isHere(host);
  const written = store.tls ?? !here;
  if (written === false) {
    if (!here) complaints.warning([...path, "tls"], `what ${host} says of passwords can be read on the way`);
    return undefined;
  }
  if (host.startsWith("/")) {
    complaints.error([...path, "tls"], "there is no TLS on a socket of this machine");
    return undefined;
  }
  if (store.type === "mysql" && isIP(host) !== 0) {
    const text = `over TLS the server needs a name that its certificate proves, and ${host} is an address`;
    complaints.error([...path, "url"], text);
  }
  const reader = new CertificateReader(context);
  const { ca = [], cert, key } = written === true ? {} : written;
  if ((cert === undefined) !== (key === undefined)) {
    complaints.error([...path, "tls"], "cert and key need each other");
  }
  const own = cert === undefined || key === undefined ? undefined : reader.pair({ cert, key }, [...path, "tls"]);
  return {
    ca: ca.map((file, index) => reader.authority(file, [...path, "tls", "ca", index]) ?? ""),
    ...(own === undefined ? {} : { own: { cert: own.cert, key: own.key } }),
  };
}

export function buildHttp(store: WrittenHttp, path: Path, { folder, complaints }: Context): HttpSettings | undefined {
  const { seconds, retries, cache } = store;
  const service = readService(store.url, store.token, path, folder, complaints);
  return service === undefined ? undefined : { type: "http", ...service, seconds, retries, cache };
}

/** `url` and `token` of an HTTP service. */
export function readService(
  writtenUrl: string,
  writtenToken: string | undefined,
  path: Path,
  folder: string,
  complaints: Complaints,
): { readonly url: string; readonly token?: string } | undefined {
  const url = URL.parse(writtenUrl);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    complaints.error([...path, "url"], "must be https://HOST/PATH");
    return undefined;
  }
  if (url.username !== "" || url.password !== "") complaints.error([...path, "url"], "has a password; use token");
  if (url.protocol === "http:" && !isHere(withoutBrackets(url.hostname))) {
    complaints.warning([...path, "url"], `what is asked of ${url.hostname} can be read on the way; use https`);
  }
  const token =
    writtenToken === undefined ? undefined : readSecret(writtenToken, folder, complaints, [...path, "token"]);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    complaints.error([...path, "token"], "has characters that a header cannot have");
  }
  return { url: url.href, ...(token === undefined ? {} : { token }) };
}

function isHere(host: string): boolean {
  return host === "localhost" || host.startsWith("/") || classify(host) === "loopback";
}
