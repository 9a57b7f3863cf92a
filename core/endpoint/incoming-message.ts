/**
 * A message on its way in (RFC 4975 §7.3.1): which octets of it have come, and what to say about them.
 *
 * Chunks come in any order, again, or overlapping, and the length is known only when the chunk that ends in `$` has
 * come. Octets go straight to the application with their position; we only keep account of ranges.
 */
import type { Millis } from "../ports.ts";
import { Collector } from "./collector.ts";
import type { FailureReport } from "./outgoing-message.ts";
import { RangeSet } from "./range-set.ts";
import type { Session } from "./session.ts";

/**
 * - `open`: more is to come
 * - `complete`: all of it has come
 * - `aborted`: its sender gave up (`#`)
 * - `refused`: we did, with `status`
 * - `lost`: the session or the connection has ended, or it made way for others after a long silence
 */
export type IncomingState = "open" | "complete" | "aborted" | "refused" | "lost";

/** What a message needs of the endpoint it came to. */
export interface Receipts {
  refuse(message: IncomingMessage, status: number, now: Millis): void;
  /** Reports octets [start, end). */
  report(message: IncomingMessage, start: number, end: number, status: number, now: Millis): void;
}

export class IncomingMessage {
  readonly id: string;
  readonly session: Session;
  readonly contentType: string;
  /** The headers of the first chunk that MSRP does not know, such as Content-Disposition; octet strings. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly successReport: boolean;
  readonly failureReport: FailureReport;
  /** Octets in all as far as its sender has said; -1 when not. True only when `ended`. */
  total: number;
  state: IncomingState;
  /** What it was refused with. */
  status: number;
  readonly received: RangeSet;

  // For the receiver.
  /** From-Path of its last chunk: where REPORTs go. */
  replyPath: string;
  /** The chunk with `$` has come, so `total` is the truth. */
  ended: boolean;
  /** How many octets from the beginning have been reported. */
  reported: number;
  /** All of it has been. */
  confirmed: boolean;
  /** When the last octets came. */
  touchedAt: Millis;
  #collector: Collector | undefined;
  readonly #receipts: Receipts;

  constructor(
    id: string,
    session: Session,
    receipts: Receipts,
    details: Pick<
      IncomingMessage,
      "contentType" | "headers" | "successReport" | "failureReport" | "total" | "replyPath"
    >,
    ranges: number,
    now: Millis,
  ) {
    this.id = id;
    this.session = session;
    this.contentType = details.contentType;
    this.headers = details.headers;
    this.successReport = details.successReport;
    this.failureReport = details.failureReport;
    this.total = details.total;
    this.state = "open";
    this.status = 0;
    this.received = new RangeSet(ranges);
    this.replyPath = details.replyPath;
    this.ended = false;
    this.reported = 0;
    this.confirmed = false;
    this.touchedAt = now;
    this.#collector = undefined;
    this.#receipts = receipts;
  }

  // ---- for the application ----

  /** Gathers the message in memory; should it grow beyond `limit` octets, it is refused with 413. Call when it starts. */
  collect(limit: number): void {
    this.#collector ??= new Collector(limit);
  }

  /** What has been gathered: all of the message once it is complete. */
  get content(): Uint8Array {
    return this.#collector?.octets ?? new Uint8Array(0);
  }

  /**
   * We do not want it, or cannot pass it on: 413, 415, 403 … Its sender hears it in the response to the chunk that is
   * coming in or, when all have been answered, in a REPORT (RFC 4975 §7.1.4), as far as Failure-Report allows.
   */
  refuse(status: number, now: Millis): void {
    if (this.state === "open" || this.state === "complete") this.#receipts.refuse(this, status, now);
  }

  /** Whose it is: the last URI of the path it came by. With the Message-ID, what tells one message from all others. */
  get sender(): string {
    return this.replyPath.slice(this.replyPath.lastIndexOf(" ") + 1);
  }

  /**
   * Octets [start, end) are here from an earlier session that has failed, and need not come again (RFC 4975 §5.4). Call
   * when the message starts, and only for one of the same Message-ID and `sender`.
   *
   * @returns false when that would make too many ranges
   */
  have(start: number, end: number): boolean {
    return end <= this.session.maxSize && this.received.add(start, end);
  }

  /**
   * With `confirm: "manual"`: the first `end` octets have arrived where they should (§7.1.2). The last one that has come
   * is left out, because a sender who goes on there needs an octet to end the message with.
   */
  confirmPart(end: number, now: Millis): void {
    if (this.state === "open") this.#reportUpTo(Math.min(end, this.received.contiguous - 1), now);
  }

  /** With `confirm: "manual"`: all has arrived where it should, so report success if its sender asked for that. */
  confirm(now: Millis): void {
    if (this.state !== "complete" || !this.successReport || this.confirmed) return;
    this.confirmed = true;
    this.#receipts.report(this, 0, this.total, 200, now);
  }

  // ---- for the receiver ----

  /** Reports what has come so far, where the session wants that done bit by bit. */
  reportPart(now: Millis): void {
    const { confirm, reportOctets } = this.session;
    const there = this.received.contiguous;
    if (reportOctets === 0 || confirm === "manual" || there - this.reported < reportOctets) return;
    this.#reportUpTo(there, now);
  }

  /** Takes in octets [position, position + end - start); false when one of our bounds forbids it. */
  take(position: number, source: Uint8Array, start: number, end: number, now: Millis): boolean {
    const upTo = position + end - start;
    if (upTo > this.session.maxSize) return false;
    if (this.#collector?.put(position, source, start, end) === false) return false;
    if (!this.received.add(position, upTo)) return false;
    this.touchedAt = now;
    this.session.sink.octets?.(this, position, source, start, end, now);
    return true;
  }

  #reportUpTo(end: number, now: Millis): void {
    if (!this.successReport || end <= this.reported) return;
    // §7.1.2 allows "all the bytes that have been received so far": then it does no harm if one of these is lost.
    this.#receipts.report(this, 0, end, 200, now);
    this.reported = end;
  }
}
