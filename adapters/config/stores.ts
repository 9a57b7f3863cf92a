/** Account stores as written, with their secrets read. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Credential, DigestAlgorithm } from "../../core/mod.ts";
import type { Complaints, Context } from "./complaints.ts";
import { buildDatabase, buildHttp, columnsOf } from "./databases.ts";
import type { Path } from "./locate.ts";
import { algorithms, isHash, notHash } from "../accounts/hashes.ts";
import { readSecret } from "./references.ts";
import type { Written } from "./schema.ts";
import type { StoreSettings } from "../accounts/store.ts";

type WrittenStore = Written["accounts"][string];
type WrittenSharedSecret = Extract<WrittenStore, { type: "shared-secret" }>;
type WrittenUser = Extract<WrittenStore, { type: "static" }>["users"][string];

/** Of a secret that makes credentials: a stranger may try as many as he likes, without asking us. */
const SHORTEST_SECRET = 16;

/** @param data  where `users.db` is kept when no path says otherwise */
export function buildStore(store: WrittenStore, path: Path, data: string, context: Context): StoreSettings | undefined {
  const { folder, complaints } = context;
  if (store.type === "sqlite") {
    const file = store.path === undefined ? resolve(data, "users.db") : resolve(folder, store.path);
    // The file itself is made when it is wanted.
    if (!existsSync(dirname(file))) complaints.error([...path, "path"], `there is no folder ${dirname(file)}`);
    return { type: "sqlite", path: file };
  }
  if (store.type === "postgres" || store.type === "mysql") return buildDatabase(store, path, context);
  if (store.type === "http") return buildHttp(store, path, context);
  if (store.type === "shared-secret") return buildSharedSecret(store, path, context);
  const users = new Map<string, Credential>();
  for (const [name, user] of Object.entries(store.users)) {
    const credential = readCredential(user, [...path, "users", name], folder, complaints);
    if (credential !== undefined) users.set(name, credential);
  }
  return { type: "static", users };
}

function buildSharedSecret(store: WrittenSharedSecret, path: Path, { folder, complaints }: Context): StoreSettings {
  if ((store.secret === undefined) === (store.secrets === undefined)) {
    complaints.error(path, "needs either secret or secrets, the newest first");
  }
  const written = store.secrets ?? (store.secret === undefined ? [] : [store.secret]);
  const secrets = written.map((secret, index) => {
    const where = store.secrets === undefined ? [...path, "secret"] : [...path, "secrets", index];
    const text = readSecret(secret, folder, complaints, where) ?? "";
    if (text !== "" && text.length < SHORTEST_SECRET) {
      complaints.error(where, `must be at least ${SHORTEST_SECRET} characters long: who guesses it is every user`);
    }
    return text;
  });
  return { type: "shared-secret", secrets };
}

function readCredential(user: WrittenUser, path: Path, folder: string, complaints: Complaints): Credential | undefined {
  if (user.password !== undefined) {
    const password = readSecret(user.password, folder, complaints, [...path, "password"]);
    return password === undefined ? undefined : { password };
  }
  const ha1: { [algorithm in DigestAlgorithm]?: string } = {};
  for (const [algorithm, written] of hashesOf(user)) {
    const where = typeof user.ha1 === "string" ? [...path, "ha1"] : [...path, "ha1", algorithm];
    const hash = readSecret(written, folder, complaints, where);
    if (hash === undefined) continue;
    if (isHash(hash, algorithm)) ha1[algorithm] = hash.toLowerCase();
    else if (written.startsWith("file:"))
      complaints.error(where, `${notHash(algorithm)}; the file holds something else`);
  }
  return { ha1 };
}

/** The hashes as written. */
function hashesOf({ ha1 }: WrittenUser): Map<DigestAlgorithm, string> {
  if (typeof ha1 === "string") return new Map([["MD5", ha1]]);
  return new Map(
    algorithms.flatMap((algorithm) => {
      const hash = ha1?.[algorithm];
      return hash === undefined ? [] : [[algorithm, hash] as const];
    }),
  );
}

/** A client takes the strongest algorithm on offer; without that hash its user cannot log in. */
export function warnOfMissingHashes(written: Written, complaints: Complaints): void {
  for (const domain of written.domains) {
    const store = written.accounts[domain.accounts];
    if (store === undefined) continue;
    const path = ["accounts", domain.accounts];
    for (const [where, hashes] of hashesKept(store)) {
      const missing = (domain.algorithms ?? written.auth.algorithms).filter((algorithm) => !hashes.has(algorithm));
      if (missing.length === 0) continue;
      complaints.warning(
        [...path, ...where],
        `no hash for ${missing.join(", ")}, which ${domain.name} offers to clients`,
      );
    }
  }
}

/** Where a store keeps hashes and no password, and of which algorithms. */
function hashesKept(store: WrittenStore): (readonly [Path, { has(algorithm: DigestAlgorithm): boolean }])[] {
  if (store.type === "postgres" || store.type === "mysql") {
    const { password, ha1 } = columnsOf(store);
    const key = store.ha1 === undefined ? [] : ["ha1"];
    return password === undefined ? [[key, { has: (algorithm) => ha1[algorithm] !== undefined }]] : [];
  }
  if (store.type !== "static") return [];
  return Object.entries(store.users).flatMap(([name, user]) =>
    user.ha1 === undefined || user.password !== undefined ? [] : [[["users", name, "ha1"], hashesOf(user)] as const],
  );
}
