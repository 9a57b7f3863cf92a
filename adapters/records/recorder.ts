/**
 * Carries records to one destination, in order, and loses none without saying so.
 *
 * They wait in a queue that is bounded and written to the disk as well, so a crash or a restart loses at most what the
 * last moment had not written. A destination that fails is tried again with growing pauses, for as long as it takes; when
 * the queue is full, what comes then is counted and told. Nobody waits for any of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Occurrence } from "../control/control.ts";
import type { WebhookQueue } from "../control/webhook-queue.ts";

/** Records that are written together. */
const TOGETHER = 200;
/** The first pause after a failure, and the longest (ms). */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
/** How long the end may take (ms): what is not written by then waits on the disk. */
const FAREWELL = 3000;

export interface Destination {
  /**
   * Writes all of them, or rejects; then it is given the same ones again. What was written already is not written twice.
   *
   * @returns those that can never be written, each with the reason
   */
  write(records: readonly Occurrence[]): Promise<readonly string[] | void>;
  close(): Promise<void>;
}

export type Tell = (
  level: "info" | "warning" | "error",
  event: string,
  text: string,
  fields: Readonly<Record<string, string | number>>,
) => void;

export class Recorder {
  readonly #name: string;
  readonly #queue: WebhookQueue;
  readonly #destination: Destination;
  readonly #tell: Tell;
  readonly #pauses: { readonly first: number; readonly longest: number };
  readonly #over: AbortController;
  /** Ends the pauses: whoever is told to end tries once more, and that is the last time. */
  readonly #ending: AbortController;
  #loop: Promise<void> | undefined;
  #failures: number;
  #written: number;
  /** Records there was no room for, in all and since that was told. */
  #lost: number;
  #untold: number;

  constructor(
    name: string,
    queue: WebhookQueue,
    destination: Destination,
    tell: Tell,
    pauses = { first: FIRST_PAUSE, longest: LONGEST_PAUSE },
  ) {
    this.#name = name;
    this.#queue = queue;
    this.#destination = destination;
    this.#tell = tell;
    this.#pauses = pauses;
    this.#over = new AbortController();
    this.#ending = new AbortController();
    this.#loop = undefined;
    this.#failures = 0;
    this.#written = 0;
    this.#lost = 0;
    this.#untold = 0;
    this.#work();
  }

  get waiting(): number {
    return this.#queue.size;
  }

  get written(): number {
    return this.#written;
  }

  get lost(): number {
    return this.#lost;
  }

  add(record: Occurrence): void {
    if (this.#queue.add(record)) return this.#work();
    this.#lost++;
    if (this.#untold++ > 0) return;
    this.#say("error", "recordsLost", `${this.#queue.size} records wait already; those that come now are lost`);
  }

  /** Writes what can be written in a moment; the rest is on the disk for the next start, or is told to be lost. */
  async close(): Promise<void> {
    const enough = new AbortController();
    const farewell = sleep(FAREWELL, undefined, { signal: enough.signal }).catch(() => {});
    this.#ending.abort();
    await Promise.race([this.#loop, farewell]);
    this.#over.abort();
    enough.abort();
    await Promise.race([this.#destination.close(), sleep(FAREWELL)]);
    await this.#queue.close();
    const left = this.#queue.size;
    if (left > 0 && this.#queue.kept)
      this.#say("warning", "recordsWaiting", `${left} wait on the disk for the next start`);
    if (left > 0 && !this.#queue.kept) {
      this.#lost += left;
      this.#say("error", "recordsLost", `${left} could be written nowhere and are lost`);
    }
  }

  #work(): void {
    this.#loop ??= this.#write().finally(() => {
      this.#loop = undefined;
    });
  }

  async #write(): Promise<void> {
    const { signal } = this.#over;
    // The same ones are tried again, so that the destination knows how far it came.
    for (let batch = this.#queue.some(TOGETHER); batch.length > 0 && !signal.aborted; ) {
      try {
        const refused = (await this.#destination.write(batch)) ?? [];
        for (let left = batch.length; left > 0; left--) this.#queue.done();
        this.#written += batch.length - refused.length;
        this.#took(refused);
        batch = this.#queue.some(TOGETHER);
      } catch (error) {
        // What failed may have been locked for a moment; what fails now waits for the next start.
        const last = this.#ending.signal.aborted;
        await this.#pause(error instanceof Error ? error.message : String(error));
        if (last) return;
      }
    }
  }

  #took(refused: readonly string[]): void {
    this.#lost += refused.length;
    const [why] = refused;
    if (why !== undefined) this.#say("error", "recordsLost", `${refused.length} were refused for good: ${why}`);
    if (this.#failures === 0 && this.#untold === 0) return;
    const lost = this.#untold === 0 ? "" : `; ${this.#untold} were lost for want of room`;
    this.#say("info", "recordsWritten", `are written again after ${this.#failures} failures${lost}`);
    this.#failures = 0;
    this.#untold = 0;
  }

  async #pause(why: string): Promise<void> {
    if (this.#failures++ === 0) this.#say("warning", "recordsDelayed", `cannot be written: ${why}; they wait`);
    const { first, longest } = this.#pauses;
    const pause = Math.min(longest, first * 2 ** Math.min(this.#failures - 1, 20));
    await sleep(pause, undefined, { signal: this.#ending.signal }).catch(() => {});
  }

  #say(level: "info" | "warning" | "error", event: string, text: string): void {
    const fields = { records: this.#name, waiting: this.#queue.size, lost: this.#lost };
    this.#tell(level, event, `records ${this.#name}: ${text}`, fields);
  }
}
