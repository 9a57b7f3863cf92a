/**
 * Where a relay looks up who its users are.
 *
 * A store answers one question: what would this user prove? Other kinds (a SIP server's subscriber table, an HTTP
 * service) come in behind the same interface, which is why the answer is a promise although SQLite knows it at once.
 */
import type { Credential } from "../../core/mod.ts";

export interface AccountStore {
  /**
   * @param realm  the domain the user authenticates for
   * @returns undefined when there is no such user; rejects when the store cannot say
   */
  find(username: string, realm: string): Promise<Credential | undefined>;
  close(): void;
}

/** A store as a checked configuration describes it. */
export type StoreSettings =
  /** These users exist in every domain that uses the store. */
  | { readonly type: "static"; readonly users: ReadonlyMap<string, Credential> }
  /** `path` is absolute. */
  | { readonly type: "sqlite"; readonly path: string };
