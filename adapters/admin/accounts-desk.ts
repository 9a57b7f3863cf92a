/**
 * The SQLite account stores of a configuration, as the admin API changes them.
 *
 * It has handles of its own, so what the relay looks up never waits for what is changed here, and it gives up quickly
 * when another program is writing: SQLite answers on the thread that frames go through.
 */
import { type Account, SqliteAccounts } from "../accounts/sqlite.ts";
import type { Settings } from "../config/settings.ts";
import { type Page, type Paging, parseCursor, writeCursor } from "./paging.ts";
import { Problem } from "./problems.ts";

/** How long a change waits for another program's, in milliseconds. */
const PATIENCE = 100;

export class AccountsDesk {
  /** The file of each domain; undefined when it keeps its accounts elsewhere. */
  #files: ReadonlyMap<string, string | undefined>;
  readonly #open: Map<string, SqliteAccounts>;

  constructor(settings: Pick<Settings, "accounts" | "accountsOf">) {
    this.#files = filesOf(settings);
    this.#open = new Map();
  }

  /** The configuration has changed. */
  use(settings: Pick<Settings, "accounts" | "accountsOf">): void {
    this.close();
    this.#files = filesOf(settings);
  }

  /** By domain and name. A cursor holds both, and the store begins behind it. */
  list({ domain, limit, cursor }: Paging & { readonly domain?: string | undefined }): Page<Account> {
    const domains = domain === undefined ? this.#sqliteDomains() : [domain.toLowerCase()];
    const [first = "", after = ""] = cursor === undefined ? [] : parseCursor(cursor).map(String);
    const items: Account[] = [];
    for (const one of domains) {
      if (one < first || items.length > limit) continue;
      const left = limit + 1 - items.length; // one more than fits, to know whether there is a next page
      items.push(...this.#use(one, (store) => store.page(one, one === first ? after : "", left)));
    }
    const page = items.slice(0, limit);
    const last = items.length > limit ? page.at(-1) : undefined;
    return { items: page, next: last === undefined ? null : writeCursor([last.domain, last.username]) };
  }

  find(username: string, domain: string): Account | undefined {
    return this.#use(domain, (store) => store.account(username, domain));
  }

  /** Undefined when it exists. */
  add(username: string, domain: string, password: string): Account | undefined {
    return this.#use(domain, (store) =>
      store.add(username, domain, password) ? store.account(username, domain) : undefined,
    );
  }

  /** Undefined when there is none. */
  setPassword(username: string, domain: string, password: string): Account | undefined {
    return this.#use(domain, (store) =>
      store.setPassword(username, domain, password) ? store.account(username, domain) : undefined,
    );
  }

  remove(username: string, domain: string): boolean {
    return this.#use(domain, (store) => store.remove(username, domain));
  }

  close(): void {
    for (const store of this.#open.values()) store.close();
    this.#open.clear();
  }

  #sqliteDomains(): string[] {
    return [...this.#files]
      .filter(([, file]) => file !== undefined)
      .map(([domain]) => domain)
      .sort();
  }

  /** @throws Problem */
  #use<T>(domain: string, work: (store: SqliteAccounts) => T): T {
    const file = this.#files.get(domain);
    if (file === undefined) {
      const known = this.#files.has(domain);
      throw new Problem(
        404,
        known ? `${domain} does not keep its accounts in SQLite` : `${domain} is none of our domains`,
      );
    }
    try {
      const store = this.#open.get(file) ?? new SqliteAccounts(file, PATIENCE);
      this.#open.set(file, store);
      return work(store);
    } catch (error) {
      if (error instanceof Problem) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new Problem(503, `the account store of ${domain} cannot be used: ${why}`, {
        headers: { "retry-after": "1" },
      });
    }
  }
}

function filesOf({ accounts, accountsOf }: Pick<Settings, "accounts" | "accountsOf">): Map<string, string | undefined> {
  return new Map(
    [...accountsOf].map(([domain, name]) => {
      const store = accounts.get(name);
      return [domain, store?.type === "sqlite" ? store.path : undefined];
    }),
  );
}
