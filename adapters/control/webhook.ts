/**
 * One webhook: each event is posted, signed, until somebody takes it.
 *
 * Headers and signature are those of Standard Webhooks 1.0 (standardwebhooks.com), so receivers have libraries for them.
 * One event at a time and in order; a failure is tried again after a pause that doubles. What has failed for a day is
 * given up, or one receiver that is gone for good would keep a full queue for ever.
 */
import { createHash, createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Buffer } from "node:buffer";
import type { WebhookSettings } from "../config/settings.ts";
import type { Occurrence } from "./control.ts";
import type { WebhookQueue } from "./webhook-queue.ts";

/** How long a receiver may take (ms). */
const PATIENCE = 10_000;
/** The first pause after a failure, and the longest (ms). */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 300_000;
/** How long an event is tried (ms). */
const GIVEN_UP_AFTER = 86_400_000;

export type Outcome = "delivered" | "retried" | "dropped";

export interface WebhookAround {
  /** Told of every attempt. */
  readonly count: (webhook: string, outcome: Outcome) => void;
  /** Told when deliveries begin to fail, and when they work again. */
  readonly tell: (level: "info" | "warning", text: string, webhook: string) => void;
  /** Tests do not want to wait. */
  readonly pauses?: { readonly first: number; readonly longest: number };
}

export class Webhook {
  readonly name: string;
  readonly #settings: WebhookSettings;
  readonly #queue: WebhookQueue;
  readonly #around: WebhookAround;
  readonly #types: ReadonlySet<string> | undefined;
  readonly #over: AbortController;
  /** The loop that delivers, while there is something to deliver. */
  #delivering: Promise<void> | undefined;
  #failures: number;
  /** Events there was no room for since that was told. */
  #lost: number;

  constructor(settings: WebhookSettings, queue: WebhookQueue, around: WebhookAround) {
    this.name = settings.name;
    this.#settings = settings;
    this.#queue = queue;
    this.#around = around;
    this.#types = settings.events === undefined ? undefined : new Set(settings.events);
    this.#over = new AbortController();
    this.#delivering = undefined;
    this.#failures = 0;
    this.#lost = 0;
    this.#deliver();
  }

  /** Events that wait. */
  get size(): number {
    return this.#queue.size;
  }

  happened(occurrence: Occurrence): void {
    if (this.#types?.has(occurrence.type) === false) return;
    if (!this.#queue.add(occurrence)) return this.#noRoom();
    this.#deliver();
  }

  /** What has not been delivered stays on the disk. */
  async close(): Promise<void> {
    this.#over.abort();
    await this.#delivering;
    await this.#queue.close();
  }

  #noRoom(): void {
    this.#around.count(this.name, "dropped");
    if (this.#lost++ > 0) return;
    const text = `webhook ${this.name}: ${this.#queue.size} events wait already; those that come now are dropped`;
    this.#around.tell("warning", text, this.name);
  }

  #deliver(): void {
    this.#delivering ??= this.#loop().finally(() => {
      this.#delivering = undefined;
    });
  }

  async #loop(): Promise<void> {
    const { signal } = this.#over;
    for (let event = this.#queue.first; event !== undefined && !signal.aborted; event = this.#queue.first) {
      const failure = await post(this.#settings, event, signal);
      if (signal.aborted && failure !== undefined) return;
      if (failure === undefined) this.#took();
      else if (Date.now() - event.at > GIVEN_UP_AFTER) this.#gaveUp(event, failure);
      else await this.#pause(failure);
    }
  }

  #took(): void {
    this.#queue.done();
    this.#around.count(this.name, "delivered");
    const after = this.#failures === 0 ? "" : `takes events again after ${this.#failures} failures`;
    const lost = this.#lost === 0 ? "" : `${this.#lost} events were dropped for want of room`;
    this.#failures = this.#lost = 0;
    const text = [after, lost].filter((part) => part !== "").join("; ");
    if (text !== "") this.#around.tell("info", `webhook ${this.name}: ${text}`, this.name);
  }

  #gaveUp({ id, type }: Occurrence, failure: string): void {
    this.#queue.done();
    this.#around.count(this.name, "dropped");
    const text = `webhook ${this.name}: event ${id} (${type}) is given up after a day: ${failure}`;
    this.#around.tell("warning", text, this.name);
  }

  async #pause(failure: string): Promise<void> {
    const { first, longest } = this.#around.pauses ?? { first: FIRST_PAUSE, longest: LONGEST_PAUSE };
    if (this.#failures++ === 0) {
      this.#around.tell("warning", `webhook ${this.name}: ${failure}; trying again until it works`, this.name);
    }
    this.#around.count(this.name, "retried");
    const pause = Math.min(longest, first * 2 ** (this.#failures - 1));
    // Not all at once, when many relays have lost the same receiver.
    await sleep(pause * (0.8 + Math.random() * 0.4), undefined, { signal: this.#over.signal }).catch(() => {});
  }
}

/** Undefined when it was taken, or why not. */
async function post(
  { url, secret }: WebhookSettings,
  event: Occurrence,
  signal: AbortSignal,
): Promise<string | undefined> {
  const body = JSON.stringify({ type: event.type, timestamp: new Date(event.at).toISOString(), data: event });
  const id = webhookId(event);
  const timestamp = String(Math.floor(Date.now() / 1000));
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "user-agent": "parley",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": `v1,${sign(secret, `${id}.${timestamp}.${body}`)}`,
      },
      // Where a signed event goes is for the configuration to say.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `it answered ${response.status}`;
  } catch (error) {
    return whyNot(error);
  }
}

/**
 * The same whenever it is sent again, also after a restart. Ids of events are this process's own, so what it says makes
 * it another one than that of a worker beside us.
 */
function webhookId(event: Occurrence): string {
  return `evt_${event.id}_${createHash("sha256").update(JSON.stringify(event)).digest("hex").slice(0, 12)}`;
}

/** A secret that begins with whsec_ is base64, as Standard Webhooks has it; any other is the key itself. */
export function sign(secret: string, text: string): string {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret, "utf8");
  return createHmac("sha256", key).update(text, "utf8").digest("base64");
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `it did not answer in ${PATIENCE / 1000} s`;
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}
