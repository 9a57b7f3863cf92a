/**
 * The other workers of this parley, as next hops.
 *
 * Two clients of ours may hold URIs of different workers, and then a frame goes from one worker to the other as between
 * any two relays: by a connection to the URI's port, with TLS. But it stays on this machine, whatever the name in the
 * URI resolves to, and `outgoing` says nothing of it: neither is its address the operator's to allow, nor its certificate
 * anybody's to vouch for. It must be the one we show ourselves.
 */
import type { Hop } from "../../core/mod.ts";
import type { ListenerSettings, Settings } from "../config/settings.ts";
import { Egress } from "../shared/egress.ts";
import type { DialOptions, TlsServerOptions } from "../shared/runtime.ts";
import type { Sibling } from "./messages.ts";

/** The hop to dial instead, and how. */
export interface Near {
  readonly hop: Hop;
  readonly options: DialOptions;
}

/** Nothing is nearer. */
const TIMEOUT_SECONDS = 5;
const everywhere = new Egress(["any"]);

export class Siblings {
  /** Which worker this is, of how many. */
  readonly share: { readonly worker: number; readonly of: number };
  readonly #near: Map<string, Near>;
  #listeners: readonly ListenerSettings[];
  /** By listener: one object each, as DialOptions wants it. */
  #tls: readonly DialOptions["tls"][];
  #siblings: readonly Sibling[];

  /** @param settings  of the whole, not of a worker */
  constructor(worker: number, settings: Pick<Settings, "listeners" | "workers">) {
    this.share = { worker, of: settings.workers };
    this.#near = new Map();
    this.#listeners = [];
    this.#tls = [];
    this.#siblings = [];
    this.apply(settings);
  }

  /** The certificates may be others. */
  apply({ listeners }: Pick<Settings, "listeners">): void {
    this.#listeners = listeners;
    this.#tls = listeners.map(({ tls }) => ({ ca: [], system: false, pinned: tls === undefined ? [] : shown(tls) }));
    this.set(this.#siblings);
  }

  set(siblings: readonly Sibling[]): void {
    this.#siblings = siblings;
    this.#near.clear();
    for (const [index, { advertised, own }] of siblings.flatMap(({ doors }) => [...doors.entries()])) {
      const [listener, tls] = [this.#listeners[index], this.#tls[index]];
      // Who wants to hear for whom a proxy connects is reached by way of the proxy, like anybody else's relay.
      if (listener === undefined || tls === undefined || listener.proxyProtocol !== undefined) continue;
      const options = {
        egress: everywhere,
        at: { host: within(listener.host), port: own },
        timeoutSeconds: TIMEOUT_SECONDS,
        tls,
      };
      // A listener without TLS may give msrps out, when the proxy in front of it has the certificate.
      this.#near.set(key(advertised), { hop: { ...advertised, secure: listener.tls !== undefined }, options });
    }
  }

  /** Undefined for everybody else. */
  find(hop: Hop): Near | undefined {
    return this.#near.get(key(hop));
  }
}

function key({ secure, host, port }: Hop): string {
  return `${secure} ${host} ${port}`;
}

function shown({ fallback, byName }: TlsServerOptions): string[] {
  return [fallback, ...byName.values()].map(({ cert }) => cert);
}

/** Where a listening address is reached from this machine. */
function within(host: string): string {
  return host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
}
