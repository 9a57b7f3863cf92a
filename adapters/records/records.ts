/** All destinations of a configuration's `records`, each told of every session that has ended. */
import { join } from "node:path";
import type { Millis } from "../../core/mod.ts";
import type { RecordSettings } from "../config/settings.ts";
import type { RecordsView } from "../control/local-metrics.ts";
import { type Outcome, Webhook } from "../control/webhook.ts";
import { type Share, WebhookQueue } from "../control/webhook-queue.ts";
import { occurrenceOf, recordOf, type SessionEnded } from "./record.ts";
import { RecordFile } from "./record-file.ts";
import { type Destination, Recorder, type Tell } from "./recorder.ts";
import type { Occurrence } from "../control/control.ts";

/** Ids for each millisecond that the program before us has run: more than it can have used. */
const IDS_A_MILLISECOND = 100;

interface Taker {
  take(record: Occurrence): void;
  view(): RecordsView;
  close(): Promise<void>;
}

export class Records {
  readonly #takers: readonly Taker[];
  readonly #worker: number;
  #next: number;

  private constructor(takers: readonly Taker[], worker: number) {
    this.#takers = takers;
    this.#worker = worker;
    this.#next = Date.now() * IDS_A_MILLISECOND;
  }

  /**
   * @param data   the folder for what parley keeps
   * @param share  which of several workers keeps them
   * @throws Error with words for the operator
   */
  static async open(
    settings: readonly RecordSettings[],
    { data, share, tell }: { readonly data: string; readonly share: Share; readonly tell: Tell },
  ): Promise<Records> {
    const takers: Taker[] = [];
    try {
      for (const one of settings) takers.push(await openTaker(one, join(data, "records"), share, tell));
    } catch (error) {
      for (const taker of takers) await taker.close();
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`records cannot be kept until they are written: ${why}`, { cause: error });
    }
    return new Records(takers, share.worker);
  }

  /** @param now  on core's clock */
  ended(session: SessionEnded, now: Millis): void {
    if (this.#takers.length === 0) return;
    const at = Date.now();
    const record = occurrenceOf(recordOf(session, String(this.#worker), now, at), this.#next++, at);
    for (const taker of this.#takers) taker.take(record);
  }

  /** Of each destination, what has become of its records. */
  get views(): RecordsView[] {
    return this.#takers.map((taker) => taker.view());
  }

  async close(): Promise<void> {
    await Promise.all(this.#takers.map((taker) => taker.close()));
  }
}

async function openTaker(settings: RecordSettings, folder: string, share: Share, tell: Tell): Promise<Taker> {
  const { name } = settings;
  const fields = { records: name };
  const trouble = (text: string) => tell("warning", "recordsUnsafe", `records ${name}: ${text}`, fields);
  const queue = await WebhookQueue.open(folder, name, trouble, share);
  if (settings.type === "webhook") {
    const counts: Record<Outcome, number> = { delivered: 0, retried: 0, dropped: 0 };
    const webhook = new Webhook({ name, url: settings.url, secret: settings.secret }, queue, {
      count: (_, outcome) => {
        counts[outcome]++;
        if (outcome === "dropped") tell("error", "recordsLost", `records ${name}: one was lost`, fields);
      },
      tell: (level, text) => tell(level, level === "info" ? "recordsWritten" : "recordsDelayed", text, fields),
    });
    return {
      take: (record) => webhook.happened(record),
      view: () => ({ name, written: counts.delivered, lost: counts.dropped, waiting: webhook.size }),
      close: () => webhook.close(),
    };
  }
  const recorder = new Recorder(name, queue, await destinationOf(settings, share.worker), tell);
  return {
    take: (record) => recorder.add(record),
    view: () => ({ name, written: recorder.written, lost: recorder.lost, waiting: recorder.waiting }),
    close: () => recorder.close(),
  };
}

/** Drivers are imported when they are wanted: they are larger than the rest of parley. */
async function destinationOf(
  settings: Exclude<RecordSettings, { type: "webhook" }>,
  worker: number,
): Promise<Destination> {
  switch (settings.type) {
    case "file":
      // Two that append to one file would also rotate it both.
      return new RecordFile({ ...settings, path: worker === 1 ? settings.path : `${settings.path}-${worker}` });
    case "sqlite": {
      const { RecordSqlite } = await import("./record-sqlite.ts");
      return new RecordSqlite(settings.path, settings.table);
    }
    case "postgres": {
      const [{ RecordTable }, { Postgres }] = await Promise.all([
        import("./record-table.ts"),
        import("../accounts/postgres.ts"),
      ]);
      return new RecordTable("postgres", settings.database.table, new Postgres(settings.database));
    }
    case "mysql": {
      const [{ RecordTable }, { Mysql }] = await Promise.all([
        import("./record-table.ts"),
        import("../accounts/mysql.ts"),
      ]);
      return new RecordTable("mysql", settings.database.table, new Mysql(settings.database));
    }
  }
}
