/**
 * The embedded default: a data folder in which everything `parley serve` needs has been made.
 *
 * Its configuration is an ordinary one, with comments, so that people grow it instead of starting over. It is written
 * last: a folder that has one is finished and is never touched again.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { SqliteAccounts } from "../accounts/sqlite.ts";
import { makeAuthority, makeCertificate } from "../shared/certificate-maker.ts";
import { CONFIGURATION } from "./configuration.ts";
import { makePassword } from "./password.ts";
import { Refusal } from "./terminal.ts";

/** What the URIs of the embedded default name: reachable and certified without asking anybody's DNS. */
export const DEFAULT_HOST = "localhost";
const DAYS = 3650;

export interface TestUser {
  readonly username: string;
  readonly password: string;
}

export interface Ports {
  readonly port: number;
  readonly adminPort: number;
}

/** Makes the folder, unless it is there; answers the users made in it, whose passwords nobody can look up later. */
export async function firstStart(folder: string, ports: Ports): Promise<TestUser[] | undefined> {
  if (existsSync(join(folder, CONFIGURATION))) return undefined;
  makeFolder(folder);
  await makeCertificates(folder);
  writeFileSync(join(folder, "admin.token"), `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
  const users = ["alice", "bob"].map((username) => ({ username, password: makePassword() }));
  const accounts = new SqliteAccounts(join(folder, "users.db"));
  for (const { username, password } of users) accounts.add(username, DEFAULT_HOST, password);
  accounts.close();
  const unfinished = join(folder, `${CONFIGURATION}.new`);
  writeFileSync(unfinished, configuration(ports), { mode: 0o600 });
  renameSync(unfinished, join(folder, CONFIGURATION));
  return users;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    if (readdirSync(folder).length === 0) return;
  } catch (error) {
    throw new Refusal(`cannot make ${folder}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new Refusal(`${folder} has no ${CONFIGURATION} and is not empty: name another folder with --data, or empty it`);
}

async function makeCertificates(folder: string): Promise<void> {
  const authority = await makeAuthority({ name: `parley on ${hostname()}`, days: DAYS });
  const names = [DEFAULT_HOST, ...(certifiable(hostname()) ? [hostname().toLowerCase()] : []), "127.0.0.1", "::1"];
  const relay = await makeCertificate({ authority, names: [...new Set(names)], days: DAYS });
  for (const [name, pair] of [
    ["ca", authority],
    ["relay", relay],
  ] as const) {
    writeFileSync(join(folder, `${name}.crt`), pair.cert);
    writeFileSync(join(folder, `${name}.key`), pair.key, { mode: 0o600 });
  }
}

/** A machine may be called anything; a certificate's dNSName may not. */
function certifiable(name: string): boolean {
  return /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(name);
}

/** `::` takes IPv4 as well, but a machine without IPv6 does not have it. */
function allAddresses(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.some(({ family }) => family === "IPv6") ? "[::]" : "0.0.0.0";
}

function configuration({ port, adminPort }: Ports): string {
  return `# parley's configuration. Written by the first "parley serve" and never changed by parley again: it is yours.
# "parley check" says what is wrong in it. Paths start from this folder.

# The name in the URIs that clients are given. They connect there, so it must lead to this machine, and the
# certificate must be for it. To be reached from elsewhere: put this machine's name here and below domains, give
# listeners a certificate for it (the one here is for localhost and this machine's own name, and signed by ca.crt,
# which clients must then trust), and add users for that domain.
hostname: ${DEFAULT_HOST}

listeners:
  - name: public
    url: "msrps://${allAddresses()}:${port}"
    tls: { cert: relay.crt, key: relay.key }

# Whom clients may authenticate for. Several domains can have accounts and certificates of their own:
#   - { name: example.com, accounts: main, tls: { cert: example.crt, key: example.key } }
domains:
  - { name: ${DEFAULT_HOST}, accounts: main }

# "parley user add|passwd|remove|list" changes these.
accounts:
  main: { type: sqlite, path: users.db }

# Connections we open, to the relay or client that a message names next. Two clients of this relay need none.
# allow: public, private, loopback, any, a network such as 10.0.0.0/8, or a name such as "*.example.net".
outgoing:
  allow: [public]

admin: { url: "http://127.0.0.1:${adminPort}", token: "file:admin.token" }

log: { level: info, format: pretty }
`;
}
