/**
 * Where a relay looks up who its users are.
 *
 * A store answers one question: what would this user prove? Some know it at once (the configuration, an SQLite file),
 * some have to ask elsewhere (a SIP server's subscriber table, an HTTP service), which is why the answer is a promise.
 * What a store that asks elsewhere has in common with others (a cache, a time-out, counters) is in `lookup.ts`.
 */
import type { Credential, DigestAlgorithm } from "../../core/mod.ts";
import type { KeyPair } from "../shared/runtime.ts";

export interface AccountStore {
  /**
   * @param realm  the domain the user authenticates for
   * @returns undefined when there is no such user; rejects when the store cannot say
   */
  find(username: string, realm: string): Promise<Credential | undefined>;
  /** Asks for nobody, to learn whether somebody could be asked for; rejects when not. */
  probe?(): Promise<void>;
  /** Settles at the latest after a second or two, whatever the other side does. */
  close(): void | Promise<void>;
}

/** What a store tells of itself while nobody asks. */
export type Report = (news: {
  /** Whether it answers from now on. */
  readonly up: boolean;
  /** Why not, or for how long it did not. */
  readonly text: string;
}) => void;

/** A store as a checked configuration describes it. */
export type StoreSettings =
  /** These users exist in every domain that uses the store. */
  | { readonly type: "static"; readonly users: ReadonlyMap<string, Credential> }
  /** `path` is absolute. */
  | { readonly type: "sqlite"; readonly path: string }
  | DatabaseSettings
  | HttpSettings
  /** The first secret is the one credentials are made with; those behind it are good as well. */
  | { readonly type: "shared-secret"; readonly secrets: readonly string[] };

/** For how long an answer may be used again, and for how many users. */
export interface CacheSettings {
  /** 0: every AUTH asks the store. */
  readonly seconds: number;
  /** For the answer that there is no such user. */
  readonly negativeSeconds: number;
  readonly entries: number;
}

export interface DatabaseSettings {
  readonly type: "postgres" | "mysql";
  /** The host may be the path of a socket: for PostgreSQL that of its folder. */
  readonly server: { readonly host: string; readonly port: number };
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  /** Absent: no TLS. No authorities: those of the runtime. */
  readonly tls?: { readonly ca: readonly string[]; readonly own?: KeyPair };
  /** `["subscriber"]`, or with its schema `["sip", "subscriber"]`. */
  readonly table: readonly string[];
  readonly columns: Columns;
  /** Most connections at a time. */
  readonly connections: number;
  readonly connectSeconds: number;
  readonly querySeconds: number;
  readonly cache: CacheSettings;
}

/** The columns of a table like OpenSIPS's or Kamailio's `subscriber`. */
export interface Columns {
  readonly username: string;
  /** Absent: the table's users exist in every domain that uses the store. */
  readonly domain?: string;
  readonly password?: string;
  readonly ha1: { readonly [algorithm in DigestAlgorithm]?: string };
}

export interface HttpSettings {
  readonly type: "http";
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string;
  /** For one attempt. */
  readonly seconds: number;
  /** Attempts after the first. */
  readonly retries: number;
  readonly cache: CacheSettings;
}
