/** The admin API of a program, on its address: the same for one relay and for several workers. */
import process from "node:process";
import { AccountsDesk } from "../admin/accounts-desk.ts";
import { type AdminApp, makeAdminApp } from "../admin/app.ts";
import { AdminListener } from "../admin/listener.ts";
import type { AdminSettings, Settings } from "../config/settings.ts";
import type { Control } from "../control/control.ts";
import type { Log } from "./log.ts";
import { VERSION } from "./version.ts";

export interface AdminAround {
  readonly control: Control;
  readonly log: Log;
  /** Is the program on its way out? */
  readonly stopping: () => boolean;
}

export class RunningAdmin {
  readonly #listener: AdminListener;
  readonly #accounts: AccountsDesk;
  readonly #log: Log;

  private constructor(listener: AdminListener, accounts: AccountsDesk, log: Log) {
    this.#listener = listener;
    this.#accounts = accounts;
    this.#log = log;
  }

  /** Undefined when the configuration has no admin listener. @throws Error with words for the operator */
  static async open(settings: Settings, around: AdminAround): Promise<RunningAdmin | undefined> {
    const { admin } = settings;
    if (admin === undefined) return undefined;
    const accounts = new AccountsDesk(settings);
    const app = appFor(admin, settings.folder, accounts, around);
    return new RunningAdmin(await AdminListener.open(admin, app.fetch), accounts, around.log);
  }

  /** `http://127.0.0.1:8080` */
  get url(): string {
    return this.#listener.url;
  }

  /** The configuration was reloaded: where the accounts are, and which certificate is shown. The rest needs a restart. */
  use({ accounts, accountsOf, admin }: Settings): void {
    this.#accounts.use({ accounts, accountsOf });
    if (admin?.tls === undefined) return;
    // Not awaited: the request that reloads may be one of those that have to be answered before.
    this.#listener.setTls(admin.tls).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.#log.write("error", "adminUnavailable", `the admin listener could not be opened again: ${why}`, { why });
    });
  }

  async close(): Promise<void> {
    await this.#listener.close();
    this.#accounts.close();
  }
}

function appFor(
  { tokens, names, openMetrics }: AdminSettings,
  folder: string,
  accounts: AccountsDesk,
  { control, log, stopping }: AdminAround,
): AdminApp {
  return makeAdminApp({
    control,
    accounts,
    configuration: { folder, env: process.env },
    tokens,
    names: new Set(names),
    openMetrics,
    version: VERSION,
    stopping,
    log: (level, event, text, fields) => log.write(level, event, text, fields),
  });
}
