/** A checked configuration: plain data that the rest of the program trusts. */
import type { RelayConfig } from "../../core/mod.ts";
import type { DecisionSettings } from "../policy/decision.ts";
import type { Limits } from "../shared/address-limits.ts";
import type { DatabaseSettings, StoreSettings } from "../accounts/store.ts";
import type { Pairs } from "./certificates.ts";
import type { Category, Level } from "./log-categories.ts";
import type { KeyPair, TlsServerOptions } from "../shared/runtime.ts";

export interface Settings {
  /** The name in the URIs we hand out. */
  readonly hostname: string;
  /** What relative paths in the configuration start from. */
  readonly folder: string;
  /** Absolute path of the folder for what parley keeps. */
  readonly data: string;
  /** Processes that share the work, each a relay of its own; see `adapters/workers`. */
  readonly workers: number;
  /** What core is told. A port of 0 in `advertise` is for whoever listens to fill in. */
  readonly relay: RelayConfig;
  readonly listeners: readonly ListenerSettings[];
  /** Account stores by name. */
  readonly accounts: ReadonlyMap<string, StoreSettings>;
  /** The store of each domain; keys are domain names. */
  readonly accountsOf: ReadonlyMap<string, string>;
  readonly outgoing: OutgoingSettings;
  readonly limits: Limits & { readonly memoryMegabytes: number };
  /** Whom to ask before a session starts. */
  readonly decision?: DecisionSettings;
  readonly admin?: AdminSettings;
  /** How long sessions may go on when we are told to stop. */
  readonly drain: { readonly seconds: number };
  readonly webhooks: readonly WebhookSettings[];
  /** Where sessions that have ended are kept; each has a name of its own. */
  readonly records: readonly RecordSettings[];
  readonly log: LogSettings;
  /** All certificates with a key, by the configuration's key that names them, `listeners[0].tls`. */
  readonly certificates: Pairs;
  /** Absolute paths of their files and of those with authorities: what to watch for changes. */
  readonly certificateFiles: readonly string[];
}

export interface ListenerSettings {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Another parley may listen on the same address: for handing over from one to the next. */
  readonly reusePort?: boolean;
  /** With several workers: the first worker's own port, the others' follow; 0 when the system chooses each. */
  readonly workerPorts?: number;
  /** Connections come from a proxy that says for whom, in a PROXY header; `from`: which proxies are believed. */
  readonly proxyProtocol?: { readonly from?: readonly string[] };
  /** Absent: plain TCP. */
  readonly tls?: TlsServerOptions;
}

export interface OutgoingSettings {
  /** Where we may dial, as `outgoing.allow` says it. */
  readonly allow: readonly string[];
  /** Which address connections to a destination leave by; the first that applies. `to` is as in `allow`. */
  readonly from: readonly { readonly to: string; readonly address: string }[];
  readonly plain: boolean;
  readonly tls: { readonly ca: readonly string[]; readonly system: boolean; readonly own?: KeyPair };
}

export interface AdminSettings {
  readonly host: string;
  readonly port: number;
  /** Absent: plain HTTP, on loopback. */
  readonly tls?: KeyPair;
  readonly tokens: readonly {
    /** For the log. */
    readonly name: string;
    readonly token: string;
    readonly scopes: readonly ("read" | "operate")[];
  }[];
  /** Host names by which it is reached, besides `localhost` and addresses; lower case. */
  readonly names: readonly string[];
  /** Anybody who reaches it may read metrics. */
  readonly openMetrics: boolean;
}

export interface WebhookSettings {
  /** In the log, in metrics, and of the file of what waits. */
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  /** Types of events; absent: all of them. */
  readonly events?: readonly string[];
}

export type RecordSettings =
  | {
      readonly type: "file";
      readonly name: string;
      readonly path: string;
      /** When the next file is begun, and how many before it are kept. */
      readonly rotate: { readonly bytes: number; readonly hours: number; readonly keep: number };
    }
  | { readonly type: "sqlite"; readonly name: string; readonly path: string; readonly table: string }
  | { readonly type: "postgres" | "mysql"; readonly name: string; readonly database: DatabaseSettings }
  | (WebhookSettings & { readonly type: "webhook" });

export interface LogSettings {
  readonly level: Level;
  /** Of categories that have one of their own. */
  readonly levels: ReadonlyMap<Category, Level>;
  /** What is written by another name, which only the data folder's key tells. */
  readonly hash: { readonly addresses: boolean; readonly users: boolean };
  readonly format: "json" | "pretty";
}
