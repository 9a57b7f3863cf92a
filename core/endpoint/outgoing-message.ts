/**
 * A message on its way out (RFC 4975 §7.1.1): what the application asked for, how far it has come, what became of it.
 *
 * Its octets are given at once or bit by bit. In the second case the endpoint asks: `SessionSink.wanted` says how many
 * octets it would take, and the application calls `write` with no more than that, there and then or when its disk has
 * answered. So a message of any length needs one window of memory.
 */
import type { Head } from "../codec/head.ts";
import { type Millis, MisuseError } from "../ports.ts";
import type { Failure } from "./failure.ts";
import type { EndpointLimits } from "./limits.ts";
import { checkedHeaders, checkedValue } from "./paths.ts";
import { RangeSet } from "./range-set.ts";
import type { Session } from "./session.ts";
import { Supply } from "./supply.ts";
import type { Asker } from "./transactions.ts";

export type FailureReport = "yes" | "partial" | "no";

/** What to send. Without `contentType` it is a SEND without a body, which says "I am here" (RFC 4975 §7.1). */
export interface MessageOptions {
  readonly contentType?: string;
  /** All of the message; borrowed until `send` returns. Absent: the application is asked for it. */
  readonly body?: Uint8Array;
  /** How many octets will be given, where that is known beforehand. */
  readonly total?: number;
  /** Asked for octets in place of `SessionSink.wanted`: up to `room` of them, by `message.write`, now or later. */
  readonly wanted?: (message: OutgoingMessage, room: number, now: Millis) => void;
  /** More headers for every chunk, such as Content-Disposition; octet strings. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Ask the peer to say that the message has arrived. Default: false. */
  readonly successReport?: boolean;
  /** Default: `yes`. */
  readonly failureReport?: FailureReport;
  /** The Message-ID of an earlier try on a session that has failed (RFC 4975 §5.4). */
  readonly messageId?: string;
  /**
   * Octets the peer has confirmed in that earlier try: those before it are not sent again (§5.4, "the chunks for a given
   * logical message MAY be split across the sessions"). What is given begins there; `body` is all of the message still.
   */
  readonly from?: number;
  /** Cut chunks at this many octets. Default: the session's. */
  readonly chunkOctets?: number;
}

/**
 * How far a message has come. The order is that of the list; steps may be left out.
 *
 * - `waiting`: not all of it is written
 * - `sent`: its last octet is; nobody has said anything
 * - `accepted`: the next hop has taken every chunk (only with Failure-Report: yes)
 * - `delivered`: the peer has reported all of it as arrived (only with Success-Report: yes)
 * - `failed`: see `failure`. May still follow `sent` and `accepted`
 * - `aborted`: by the application
 */
export type OutgoingState = "waiting" | "sent" | "accepted" | "delivered" | "failed" | "aborted";

/** What a message needs of the endpoint that carries it. */
export interface Carrier {
  /** Octets were given, or there will be no more. */
  supplied(message: OutgoingMessage, now: Millis): void;
  abort(message: OutgoingMessage, now: Millis): void;
  fail(message: OutgoingMessage, failure: Failure, now: Millis): void;
}

export class OutgoingMessage implements Asker {
  readonly id: string;
  readonly session: Session;
  readonly contentType: string | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly successReport: boolean;
  readonly failureReport: FailureReport;
  /** 0: one chunk, interrupted when others want to send. */
  readonly chunkOctets: number;
  /** Octets in all; -1 as long as nobody knows. */
  total: number;
  state: OutgoingState;
  /** Why `state` is `failed`. */
  failure: Failure | undefined;
  /** Where in the message this try began. */
  readonly from: number;
  /** How far it is written to the link. */
  octetsSent: number;
  /** What the peer has reported as arrived. */
  readonly acknowledged: RangeSet;

  // For the sender.
  /** A sign of life of the endpoint's own: the application hears nothing of it unless the session fails. */
  readonly quiet: boolean;
  readonly supply: Supply;
  /** Longer than a window, or nobody knows: only so many of these go out side by side. */
  readonly long: boolean;
  /** All octets have been given. */
  finished: boolean;
  /** The application has been asked for octets and has not answered. */
  asked: boolean;
  /** Something of it has been written. */
  begun: boolean;
  /** Chunks that wait for their response. */
  unanswered: number;
  readonly #carrier: Carrier;
  readonly #window: number;
  readonly #wanted: MessageOptions["wanted"];
  #given: number;

  constructor(
    id: string,
    session: Session,
    carrier: Carrier,
    options: MessageOptions,
    limits: Pick<EndpointLimits, "ranges" | "window">,
    quiet: boolean,
  ) {
    const { ranges, window } = limits;
    const { contentType, headers = [], body, from = 0, total } = options;
    if (contentType === undefined && (body !== undefined || headers.length > 0 || total !== undefined))
      throw new MisuseError("a message with content needs a Content-Type (RFC 4975 §7.1)");
    if (contentType !== undefined) checkedValue(contentType);
    const most = body?.length ?? total ?? Number.MAX_SAFE_INTEGER;
    // §7.1.1: a range without octets begins at 1, so a chunk that only says "$" cannot end a message that has some.
    if (!Number.isSafeInteger(from) || from < 0 || (from > 0 && from >= most))
      throw new MisuseError(`a message of ${most} octets cannot go on at ${from}`);
    this.id = id;
    this.session = session;
    this.contentType = contentType;
    this.headers = checkedHeaders(headers);
    this.successReport = options.successReport ?? false;
    this.failureReport = options.failureReport ?? "yes";
    this.chunkOctets = options.chunkOctets ?? session.chunkOctets;
    this.total = body?.length ?? total ?? (contentType === undefined ? 0 : -1);
    this.state = "waiting";
    this.failure = undefined;
    this.from = from;
    this.octetsSent = from;
    this.acknowledged = new RangeSet(ranges);
    this.acknowledged.add(0, from);
    this.quiet = quiet;
    this.supply = new Supply();
    this.long = contentType !== undefined && (body === undefined || body.length > window);
    this.finished = this.total === 0;
    this.asked = false;
    this.begun = false;
    this.unanswered = 0;
    this.#carrier = carrier;
    this.#window = window;
    this.#wanted = options.wanted;
    this.#given = from;
  }

  // ---- for the application ----

  /** How many octets `write` would take. */
  get room(): number {
    if (this.finished || this.over) return 0;
    const room = this.#window - this.supply.length;
    return this.total < 0 ? room : Math.min(room, this.total - this.#given);
  }

  /** True when nothing of what was asked for is still to come. A failure may be reported all the same. */
  get settled(): boolean {
    if (this.over) return true;
    if (this.state === "waiting") return false;
    return !this.successReport && (this.state === "accepted" || this.failureReport !== "yes");
  }

  /** Gives the next octets, no more than `room`; borrowed. Ignored when the message is over, so a late disk is no harm. */
  write(bytes: Uint8Array, now: Millis): void {
    if (this.over) return;
    if (bytes.length > this.room) throw new MisuseError(`${bytes.length} octets given where ${this.room} were wanted`);
    this.take(bytes);
    this.#carrier.supplied(this, now);
    this.supply.keep();
  }

  /** There will be no more octets. Not needed where `total` said how many there are. */
  finish(now: Millis): void {
    if (this.over || this.finished) return;
    if (this.total >= 0) throw new MisuseError(`${this.total - this.#given} octets of the promised total are missing`);
    this.total = this.#given;
    this.finished = true;
    this.#carrier.supplied(this, now);
  }

  /** Gives up what is not sent yet: the peer is told that no more will come (`#`). What is sent takes its course. */
  abort(now: Millis): void {
    if (this.state === "waiting") this.#carrier.abort(this, now);
  }

  // ---- for the sender ----

  /** True in a state that nothing follows. */
  get over(): boolean {
    return this.state === "delivered" || this.state === "failed" || this.state === "aborted";
  }

  /** Octets that may be written now. */
  get available(): number {
    // While the length is open one octet stays back: the chunk that ends the message must not be empty, since a range
    // without octets says 1-0 (§7.1.1) and "$" would then define a length of zero.
    return this.total < 0 ? Math.max(0, this.supply.length - 1) : this.supply.length;
  }

  /** Takes octets in, borrowed until `supply.keep`. */
  take(bytes: Uint8Array): void {
    this.asked = false;
    this.supply.lend(bytes);
    this.#given += bytes.length;
    if (this.#given === this.total) this.finished = true;
  }

  /** Asks the application for octets. */
  ask(now: Millis): void {
    if (this.#wanted !== undefined) this.#wanted(this, this.room, now);
    else this.session.sink.wanted?.(this, this.room, now);
  }

  /** Its last octet was written. */
  wroteAll(now: Millis): void {
    this.advance(this.failureReport === "yes" && this.unanswered === 0 ? "accepted" : "sent", now);
  }

  advance(state: OutgoingState, now: Millis): void {
    this.state = state;
    if (this.settled) this.session.sent.settle(this);
    if (!this.quiet) this.session.sink.advanced?.(this, now);
  }

  /** Octets [start, end) have arrived; `end` is -1 when the report did not say. */
  arrived(start: number, end: number, now: Millis): void {
    const { total } = this;
    this.acknowledged.add(start, end >= 0 ? end : Math.max(total, 0));
    const all = this.state === "sent" || this.state === "accepted";
    if (all && this.successReport && this.acknowledged.covers(total)) this.advance("delivered", now);
  }

  answered(status: number, comment: string, _head: Head, now: Millis): void {
    if (status >= 300) {
      this.fail({ by: "response", status, comment }, now);
      return;
    }
    this.unanswered--;
    if (this.state === "sent" && this.failureReport === "yes" && this.unanswered === 0) this.advance("accepted", now);
  }

  fail(failure: Failure, now: Millis): void {
    this.#carrier.fail(this, failure, now);
  }
}
