/** Users that stand in the configuration itself. */
import type { Credential } from "../../core/mod.ts";
import type { AccountStore } from "./store.ts";

export class StaticAccounts implements AccountStore {
  readonly #users: ReadonlyMap<string, Credential>;

  constructor(users: ReadonlyMap<string, Credential>) {
    this.#users = users;
  }

  find(username: string): Promise<Credential | undefined> {
    return Promise.resolve(this.#users.get(username));
  }

  close(): void {}
}
