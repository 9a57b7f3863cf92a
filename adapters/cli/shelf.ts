/**
 * Messages that broke off, until their sender goes on with them in another session (RFC 4975 §5.4), and the names of
 * those that are complete, since their sender may not have heard of it.
 *
 * MSRP has no names for people. What makes a message the same is its Message-ID and the last URI of the path it comes
 * by: our senders keep theirs over a break, and it holds 130 random bits that relays on the way know, and strangers do not.
 */
import type { IncomingMessage } from "../../core/mod.ts";
import type { IncomingFile } from "./incoming-file.ts";

/** How long a message is kept. */
const KEPT_MS = 300_000;
/** How many are kept, complete ones among them. */
const KEPT_MESSAGES = 16;
/** Octets of unfinished files on our disk; a single one may be longer. */
const KEPT_OCTETS = 8e9;

export interface Kept {
  readonly id: string;
  readonly sender: string;
  /** -1 when nobody has said. */
  readonly total: number;
  readonly ranges: readonly (readonly [start: number, end: number])[];
  /** Undefined for a text, and when it is complete. */
  readonly file: IncomingFile | undefined;
  readonly complete: boolean;
}

export class Shelf {
  /** In the order in which they were put here. */
  readonly #kept: Map<Kept, number>;
  readonly #dropped: (kept: Kept) => void;

  /** @param dropped  told of each that nobody has gone on with */
  constructor(dropped: (kept: Kept) => void) {
    this.#kept = new Map();
    this.#dropped = dropped;
  }

  put(kept: Kept, now: number): void {
    this.#kept.set(kept, now + KEPT_MS);
    let octets = 0;
    for (const { ranges } of this.#kept.keys()) octets += sum(ranges);
    for (const first of this.#kept.keys()) {
      if (first === kept || (this.#kept.size <= KEPT_MESSAGES && octets <= KEPT_OCTETS)) return;
      octets -= sum(first.ranges);
      this.#drop(first);
    }
  }

  /** What there is of a message that has just begun; it is no longer here afterwards. */
  take({ id, sender, total }: IncomingMessage): Kept | undefined {
    for (const kept of this.#kept.keys()) {
      if (kept.id !== id || kept.sender !== sender) continue;
      // Another length is another message, whatever it calls itself.
      if (kept.total >= 0 && total >= 0 && kept.total !== total) continue;
      this.#kept.delete(kept);
      return kept;
    }
    return undefined;
  }

  /** Drops what has been here for too long. */
  tick(now: number): void {
    for (const [kept, until] of this.#kept) if (until <= now) this.#drop(kept);
  }

  clear(): void {
    for (const kept of this.#kept.keys()) this.#drop(kept);
  }

  #drop(kept: Kept): void {
    this.#kept.delete(kept);
    this.#dropped(kept);
  }
}

function sum(ranges: Kept["ranges"]): number {
  return ranges.reduce((octets, [start, end]) => octets + end - start, 0);
}
