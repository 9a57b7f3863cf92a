/**
 * All account stores of a configuration, each opened once, asked by domain.
 *
 * Counters are plain numbers for whoever exports them. What is worth a line of log is told once and not for each AUTH:
 * strangers choose how often they ask.
 */
import { performance } from "node:perf_hooks";
import type { Credential } from "../../core/mod.ts";
import { Lookup, type LookupCounters } from "./lookup.ts";
import { type OpenStore, openStore } from "./open.ts";
import type { CacheSettings, Report, StoreSettings } from "./store.ts";

/** Failures of one store are told once in this time, in milliseconds. */
const QUIET = 10_000;

/** A line for the log. */
export interface AccountsNews {
  readonly event: "accountsUnavailable" | "accountsDown" | "accountsUp";
  readonly text: string;
  /** The store's name in the configuration. */
  readonly store: string;
  /** Whose users were asked for. */
  readonly domain?: string;
}

/** A store as an operator sees it. */
export interface StoreView {
  readonly name: string;
  readonly type: StoreSettings["type"];
  /** False while it does not answer and is left alone. */
  readonly up: boolean;
  readonly cachedUsers: number;
  readonly counters: Readonly<LookupCounters>;
}

interface Opened {
  readonly name: string;
  readonly type: StoreSettings["type"];
  readonly lookup: Lookup;
  up: boolean;
  /** When a failure was told last, and how many have not been told since. */
  toldAt: number;
  untold: number;
}

export class Accounts {
  /** By domain. */
  readonly #stores: Map<string, Opened>;
  readonly #tell: (news: AccountsNews) => void;

  private constructor(stores: Map<string, Opened>, tell: (news: AccountsNews) => void) {
    this.#stores = stores;
    this.#tell = tell;
  }

  /**
   * Opens the stores that a domain uses. One that asks elsewhere need not answer yet.
   *
   * @param accountsOf  the name of each domain's store
   * @throws Error with words for the operator; nothing is left open then
   */
  static async open(
    settings: ReadonlyMap<string, StoreSettings>,
    accountsOf: ReadonlyMap<string, string>,
    tell: (news: AccountsNews) => void,
    open: OpenStore = openStore,
  ): Promise<Accounts> {
    const byName = new Map<string, Opened>();
    const byDomain = new Map<string, Opened>();
    const accounts = new Accounts(byDomain, tell);
    try {
      for (const [domain, name] of accountsOf) {
        const described = settings.get(name);
        if (described === undefined) continue; // not in a checked configuration
        const store = byName.get(name) ?? (await accounts.#open(name, described, open));
        byName.set(name, store);
        byDomain.set(domain, store);
      }
    } catch (error) {
      await accounts.close();
      throw error;
    }
    return accounts;
  }

  /** Rejects when the store cannot say; that has been told already. */
  find(username: string, domain: string): Promise<Credential | undefined> {
    const store = this.#stores.get(domain);
    if (store === undefined) return Promise.reject(new Error("the store is closed"));
    const answer = store.lookup.find(username, domain);
    answer.catch((error: unknown) => this.#failed(store, domain, error));
    return answer;
  }

  /** The account has changed: what is kept of it is forgotten. */
  forget(username: string, domain: string): void {
    this.#stores.get(domain)?.lookup.forget(username, domain);
  }

  get views(): StoreView[] {
    return [...new Set(this.#stores.values())].map(({ name, type, up, lookup }) => ({
      name,
      type,
      up,
      cachedUsers: lookup.cachedUsers,
      counters: lookup.counters,
    }));
  }

  async close(): Promise<void> {
    const stores = new Set(this.#stores.values());
    this.#stores.clear();
    await Promise.all([...stores].map(({ lookup }) => lookup.close()));
  }

  async #open(name: string, settings: StoreSettings, open: OpenStore): Promise<Opened> {
    // The store may report before it is here.
    const opened = { up: true };
    const report: Report = ({ up, text }) => {
      opened.up = up;
      this.#tell({ event: up ? "accountsUp" : "accountsDown", store: name, text: `accounts.${name} ${text}` });
    };
    const store = await open(settings, report);
    // How that goes has been reported; nobody waits for it.
    store.probe?.().catch(() => {});
    const lookup = new Lookup(store, cacheOf(settings));
    return Object.assign(opened, { name, type: settings.type, lookup, toldAt: Number.NEGATIVE_INFINITY, untold: 0 });
  }

  #failed(store: Opened, domain: string, error: unknown): void {
    const now = performance.now();
    if (now - store.toldAt < QUIET) {
      store.untold++;
      return;
    }
    const more = store.untold === 0 ? "" : `; ${store.untold} more questions have failed since it was said last`;
    store.toldAt = now;
    store.untold = 0;
    const text = `accounts of ${domain}: ${String(error)}${more}`;
    this.#tell({ event: "accountsUnavailable", store: store.name, domain, text });
  }
}

function cacheOf(settings: StoreSettings): CacheSettings | undefined {
  return "cache" in settings ? settings.cache : undefined;
}
