/**
 * Requests of ours that may still be answered (RFC 4975 §7.1.1).
 *
 * All timers last the same 30 s from the last octet, and requests on one connection end in the order they began, so a
 * Map in the order of insertion is the whole queue. A Failure-Report of `partial` starts no timer but may bring an
 * error response: the last few of those are remembered as well, and forgotten without a word.
 */
import type { Head } from "../codec/head.ts";
import type { Millis } from "../ports.ts";
import type { Failure } from "./failure.ts";

export const RESPONSE_TIMEOUT: Millis = 30_000;
/** How many requests with Failure-Report: partial are remembered. */
const LISTENED = 1024;

/** Whoever sent the request. */
export interface Asker {
  /** `head` is borrowed. */
  answered(status: number, comment: string, head: Head, now: Millis): void;
  /** There will be no response. */
  fail(failure: Failure, now: Millis): void;
}

export interface Transaction {
  readonly id: string;
  readonly asker: Asker;
  /** Infinity until the request's last octet is written. */
  deadline: Millis;
  /** How many octets had been written to the link at the request's end. */
  writtenAt: number;
  /** How many of those the kernel had taken when the timer was started. */
  takenThen: number;
}

export class Transactions {
  readonly #awaited: Map<string, Transaction>;
  readonly #listened: Map<string, Asker>;

  constructor() {
    this.#awaited = new Map();
    this.#listened = new Map();
  }

  /** Requests that must be answered and are not yet. */
  get unanswered(): number {
    return this.#awaited.size;
  }

  get deadline(): Millis {
    // Only the request that is being written has no deadline of its own, so this looks at two at most.
    for (const { deadline } of this.#awaited.values()) if (deadline !== Number.POSITIVE_INFINITY) return deadline;
    return Number.POSITIVE_INFINITY;
  }

  /** A request begins that must be answered; `started` starts its timer. */
  await(id: string, asker: Asker): Transaction {
    const transaction = { id, asker, deadline: Number.POSITIVE_INFINITY, writtenAt: 0, takenThen: 0 };
    this.#awaited.set(id, transaction);
    return transaction;
  }

  /** A request begins that is answered only if it fails. */
  listen(id: string, asker: Asker): void {
    if (this.#listened.size >= LISTENED) this.#listened.delete(this.#listened.keys().next().value as string);
    this.#listened.set(id, asker);
  }

  /** The last octet of a request was written. Nothing happens when it has been answered already. */
  start(transaction: Transaction, written: number, taken: number, now: Millis): void {
    transaction.writtenAt = written;
    transaction.takenThen = taken;
    transaction.deadline = now + RESPONSE_TIMEOUT;
  }

  /** A response came; a late or unknown one is nobody's (RFC 4976 §6.4.3). */
  answer(id: string, head: Head, now: Millis): void {
    const asker = this.#awaited.get(id)?.asker ?? this.#listened.get(id);
    if (asker === undefined) return;
    this.#awaited.delete(id);
    this.#listened.delete(id);
    asker.answered(head.status, head.comment(), head, now);
  }

  /** Ends those whose time is over. `taken` is how many octets the kernel has taken so far. */
  expire(taken: number, now: Millis): void {
    for (const transaction of this.#awaited.values()) {
      if (transaction.deadline === Number.POSITIVE_INFINITY) continue;
      if (transaction.deadline > now) return;
      this.#awaited.delete(transaction.id);
      if (transaction.writtenAt > taken && taken > transaction.takenThen) {
        // §7.1.1 counts from the last octet "submitted to the operating system". On a slow link it waits with us; as
        // long as the link moves at all, nobody is late yet.
        this.#awaited.set(transaction.id, transaction);
        this.start(transaction, transaction.writtenAt, taken, now);
      } else {
        transaction.asker.fail({ by: "timeout", status: 408, comment: "no response within 30 seconds" }, now);
      }
    }
  }

  /** The connection has gone: nobody will be answered. */
  end(failure: Failure, now: Millis): void {
    const awaited = [...this.#awaited.values()];
    this.#awaited.clear();
    this.#listened.clear();
    for (const { asker } of awaited) asker.fail(failure, now);
  }
}
