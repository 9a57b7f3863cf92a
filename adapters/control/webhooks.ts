/** All webhooks of a configuration, each told what happens. */
import { join } from "node:path";
import type { WebhookSettings } from "../config/settings.ts";
import type { Control } from "./control.ts";
import { Webhook, type WebhookAround } from "./webhook.ts";
import { WebhookQueue } from "./webhook-queue.ts";

export class Webhooks {
  readonly #webhooks: readonly Webhook[];
  readonly #unfollow: () => void;

  private constructor(webhooks: readonly Webhook[], control: Pick<Control, "events">) {
    this.#webhooks = webhooks;
    // From the start: sessions may have begun while the queues were opened.
    this.#unfollow = control.events(0, (occurrence) => {
      for (const webhook of webhooks) webhook.happened(occurrence);
    });
  }

  /**
   * @param data  the folder for what parley keeps
   * @throws Error with words for the operator
   */
  static async open(
    settings: readonly WebhookSettings[],
    data: string,
    control: Pick<Control, "events">,
    around: WebhookAround,
  ): Promise<Webhooks> {
    const webhooks: Webhook[] = [];
    for (const one of settings) {
      const trouble = (text: string) => around.tell("warning", `webhook ${one.name}: ${text}`, one.name);
      try {
        const queue = await WebhookQueue.open(join(data, "webhooks"), one.name, trouble);
        webhooks.push(new Webhook(one, queue, around));
      } catch (error) {
        for (const opened of webhooks) await opened.close();
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`webhooks: ${one.name} cannot keep its events: ${why}`, { cause: error });
      }
    }
    return new Webhooks(webhooks, control);
  }

  /** Events that wait, by webhook. */
  get sizes(): ReadonlyMap<string, number> {
    return new Map(this.#webhooks.map(({ name, size }) => [name, size]));
  }

  /** What has not been delivered stays on the disk for the next start. */
  async close(): Promise<void> {
    this.#unfollow();
    await Promise.all(this.#webhooks.map((webhook) => webhook.close()));
  }
}
