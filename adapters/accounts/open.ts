/**
 * From settings to a store that answers.
 *
 * What asks elsewhere is imported when it is wanted: the drivers of databases are larger than the rest of parley, read
 * environment variables that nobody need allow who has no database, and most relays have one kind of store.
 */
import { SharedSecretAccounts } from "./shared-secret.ts";
import { SqliteAccounts } from "./sqlite.ts";
import { StaticAccounts } from "./static.ts";
import type { AccountStore, Report, StoreSettings } from "./store.ts";

/** @throws Error with words for the operator */
export type OpenStore = (settings: StoreSettings, report: Report) => AccountStore | Promise<AccountStore>;

export const openStore: OpenStore = async (settings, report) => {
  switch (settings.type) {
    case "static":
      return new StaticAccounts(settings.users);
    case "sqlite":
      return new SqliteAccounts(settings.path);
    case "postgres": {
      const [{ SqlAccounts }, { Postgres }] = await Promise.all([import("./sql.ts"), import("./postgres.ts")]);
      return new SqlAccounts(settings, new Postgres(settings), report);
    }
    case "mysql": {
      const [{ SqlAccounts }, { Mysql }] = await Promise.all([import("./sql.ts"), import("./mysql.ts")]);
      return new SqlAccounts(settings, new Mysql(settings), report);
    }
    case "http": {
      const { HttpAccounts } = await import("./http.ts");
      return new HttpAccounts(settings, report);
    }
    case "shared-secret":
      return new SharedSecretAccounts(settings.secrets);
  }
};
