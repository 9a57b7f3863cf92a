/** Account stores as written, with their secrets read. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Credential, DigestAlgorithm } from "../../core/mod.ts";
import type { Complaints, Context } from "./complaints.ts";
import type { Path } from "./locate.ts";
import { algorithms, isHash, notHash } from "./hash.ts";
import { readSecret } from "./references.ts";
import type { Written } from "./schema.ts";
import type { StoreSettings } from "../accounts/store.ts";

type WrittenStore = Written["accounts"][string];
type WrittenUser = Extract<WrittenStore, { type: "static" }>["users"][string];

/** @param data  where `users.db` is kept when no path says otherwise */
export function buildStore(
  store: WrittenStore,
  path: Path,
  data: string,
  { folder, complaints }: Context,
): StoreSettings | undefined {
  if (store.type === "sqlite") {
    const file = store.path === undefined ? resolve(data, "users.db") : resolve(folder, store.path);
    // The file itself is made when it is wanted.
    if (!existsSync(dirname(file))) complaints.error([...path, "path"], `there is no folder ${dirname(file)}`);
    return { type: "sqlite", path: file };
  }
  if (store.type !== "static") return undefined; // the schema has complained
  const users = new Map<string, Credential>();
  for (const [name, user] of Object.entries(store.users)) {
    const credential = readCredential(user, [...path, "users", name], folder, complaints);
    if (credential !== undefined) users.set(name, credential);
  }
  return { type: "static", users };
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
    if (store?.type !== "static") continue;
    for (const [name, user] of Object.entries(store.users)) {
      if (user.ha1 === undefined || user.password !== undefined) continue;
      const hashes = hashesOf(user);
      const missing = (domain.algorithms ?? written.auth.algorithms).filter((algorithm) => !hashes.has(algorithm));
      if (missing.length === 0) continue;
      const path = ["accounts", domain.accounts, "users", name, "ha1"];
      complaints.warning(path, `no hash for ${missing.join(", ")}, which ${domain.name} offers to clients`);
    }
  }
}
