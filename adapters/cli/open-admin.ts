/** The admin API of a program, on its address: the same for one relay and for several workers. */
import process from "node:process";
import { AccountsDesk } from "../admin/accounts-desk.ts";
import { makeAdminApp } from "../admin/app.ts";
import { AdminListener } from "../admin/listener.ts";
import type { Settings } from "../config/settings.ts";
import type { Control } from "../control/control.ts";
import type { Log } from "./log.ts";
import { VERSION } from "./version.ts";

export interface AdminAround {
  readonly control: Control;
  readonly log: Log;
  /** Is the program on its way out? */
  readonly stopping: () => boolean;
}

/** Undefined when the configuration has no admin listener. @throws Error with words for the operator */
export async function openAdmin(settings: Settings, around: AdminAround): Promise<AdminListener | undefined> {
  const { admin, folder } = settings;
  if (admin === undefined) return undefined;
  const { control, log, stopping } = around;
  const accounts = new AccountsDesk(settings);
  const app = makeAdminApp({
    control,
    accounts,
    configuration: { folder, env: process.env },
    tokens: admin.tokens,
    names: new Set(admin.names),
    openMetrics: admin.openMetrics,
    version: VERSION,
    stopping,
    log: (level, event, text, fields) => log.write(level, event, text, fields),
  });
  const listener = await AdminListener.open(
    admin,
    app.fetch as (request: Request, environment: never) => Promise<Response>,
  );
  listener.closing(() => accounts.close());
  return listener;
}
