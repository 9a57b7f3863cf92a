/** From settings to a store that answers. */
import { SqliteAccounts } from "./sqlite.ts";
import { StaticAccounts } from "./static.ts";
import type { AccountStore, StoreSettings } from "./store.ts";

/** @throws Error with words for the operator */
export function openStore(settings: StoreSettings): AccountStore {
  switch (settings.type) {
    case "static":
      return new StaticAccounts(settings.users);
    case "sqlite":
      return new SqliteAccounts(settings.path);
  }
}
