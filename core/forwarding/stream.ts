/**
 * One incoming SEND on its way through, when its body comes in pieces (RFC 4976 §6.4.1, RFC 4975 §7.1.1).
 *
 * The chunk is passed on as it arrives. What we send is chunks of our own: each begins when there is an octet for it and
 * ends with `+` when somebody else has a frame to write to the same connection, when the next hop is known to take no
 * more at once, when others share the way to another relay, or when our end-line would occur in the body. The last octet
 * received is kept back until more or the end-line comes, so that the chunk which carries the final flag is never empty.
 * While somebody else's chunk is open, more is kept: to interrupt it for less than 2048 octets would cost more than it
 * carries (RFC 4975 §7.1.1).
 */
import { DOLLAR, HASH, PLUS, sameOctets } from "../bytes/octets.ts";
import { type ByteRange, formatByteRange } from "../codec/byte-range.ts";
import { type Head, SEND } from "../codec/head.ts";
import { BYTE_RANGE } from "../codec/header.ts";
import { TidGuard } from "../codec/tid-guard.ts";
import type { Connection, Feeder } from "../session/connection.ts";
import { SHARED_CHUNK } from "../session/flight.ts";
import { type Origin, REPORT_NO, REPORT_YES, TRANSACT_ID_LENGTH, type Transaction } from "../session/transaction.ts";
import type { BackPressure } from "./back-pressure.ts";
import { copyHeaders, endFrame, startRequest } from "./chunk.ts";
import { add, count } from "./counters.ts";
import type { KnownSend, Route } from "./route.ts";
import type { State } from "./state.ts";
import { countEnd, countFile, countIn, countOut } from "./traffic.ts";

/** RFC 4975 §7.1.1: chunks before the last are not to be shorter. */
const MIN_CHUNK = 2048;

export class Stream implements Feeder {
  readonly #state: State;
  readonly #backPressure: BackPressure;
  readonly #route: Route;
  readonly #out: Connection;
  readonly #origin: Origin;
  readonly #lines: Uint8Array; // header lines without Byte-Range
  readonly #rangeAt: number; // and where among them it belongs
  readonly #rangeText: string | undefined; // Byte-Range as it came, for a body that turns out to be empty
  readonly #total: number;
  readonly #guard: TidGuard;
  #kept: Uint8Array; // octets kept back: kept[0, keptLength)
  #keptLength: number;
  #position: number; // of the next octet to be written
  #chunkStart: number; // position of the open chunk's first octet
  #limit: number; // of its body; 0 for none
  #open: boolean;
  #transaction: Transaction | undefined; // of the open chunk
  readonly #id: Uint8Array; // and its transact-id
  #traced: string | undefined; // and its head, if somebody follows the session
  failed: boolean; // nothing more goes out

  constructor(
    state: State,
    backPressure: BackPressure,
    known: KnownSend,
    out: Connection,
    origin: Origin,
    head: Head,
    range: ByteRange | undefined,
  ) {
    this.#state = state;
    this.#backPressure = backPressure;
    this.#route = known.route;
    this.#out = out;
    this.#origin = origin;
    const lines = state.scratch.reset();
    const rangeLine = head.lineOf(BYTE_RANGE);
    copyHeaders(lines, head, 0, Math.max(0, rangeLine), undefined);
    this.#rangeAt = lines.length;
    copyHeaders(lines, head, rangeLine + 1, head.headerCount, undefined);
    this.#lines = lines.take();
    this.#rangeText = head.value(BYTE_RANGE);
    // No Byte-Range: the whole message, from its first octet (RFC 4975 §7.3.1).
    this.#position = range?.start ?? 1;
    this.#total = range?.total ?? -1;
    this.#chunkStart = this.#position;
    this.#guard = new TidGuard();
    this.#kept = new Uint8Array(1);
    this.#keptLength = 0;
    this.#limit = 0;
    this.#open = false;
    this.#transaction = undefined;
    this.#id = new Uint8Array(TRANSACT_ID_LENGTH);
    this.#traced = undefined;
    this.failed = false;
    if (known.isFile && this.#position <= 1) countFile(known.route);
    out.feeders.add(this);
  }

  /**
   * Body octets have come.
   *
   * @param dashless  no seven dashes in a row stand among them
   */
  push(source: Uint8Array, start: number, end: number, dashless: boolean): void {
    if (this.failed || start === end) return;
    const { counters, now } = this.#state;
    this.#out.usedAt = now;
    counters.bodyBytesIn += end - start;
    countIn(this.#route, end - start, now);
    if (!this.#open && this.#out.openChunk !== undefined && this.#keptLength + end - start <= MIN_CHUNK) {
      this.#keep(source, start, end);
      return;
    }
    this.#writeKept(true);
    this.#keep(source, end - 1, end);
    this.#write(source, start, end - 1, true, dashless);
    this.#backPressure.wrote(this.#origin.source, this.#out, this.#origin.failureReport === REPORT_YES);
  }

  /** The end-line has come. */
  finish(flag: number): void {
    if (this.failed) return;
    this.#out.feeders.delete(this);
    if (this.#keptLength > 0) this.#writeKept(false);
    else this.#begin(this.#rangeText);
    this.#close(flag);
    if (flag === DOLLAR) countEnd(this.#route);
    this.#backPressure.wrote(this.#origin.source, this.#out, this.#origin.failureReport === REPORT_YES);
  }

  /**
   * The previous hop has gone in the middle. What came is passed on; the flag is `+` and not `#`, because whether the
   * sender has given the message up is for the sender to say: it may resume with a new session (RFC 4975 §5.4).
   */
  cutOff(): void {
    this.#out.feeders.delete(this);
    if (this.failed) return;
    // What is kept back begins no chunk of its own: the relay before us may have gone on over another connection, and
    // what came on that has overtaken it. Nobody has said 200 to it, so its sender is told.
    if (this.#open) {
      this.#writeKept(false);
      this.#close(PLUS);
    }
    this.failed = true;
  }

  /** The next hop refuses the message: RFC 4975 §7.3.2 says to abort what is being sent. */
  abort(): void {
    this.#out.feeders.delete(this);
    if (this.#open && !this.#out.closed) this.#close(HASH);
    this.failed = true;
  }

  giveUp(source: Connection): void {
    if (this.#origin.source === source) this.#origin.open?.fail(408);
  }

  interrupt(): void {
    this.#state.counters.interrupts++;
    this.#close(PLUS);
  }

  lost(status: number): void {
    this.#open = false;
    this.failed = true;
    if (this.#transaction !== undefined) this.#transaction.rangeEnd = this.#position - 1;
    this.#origin.open?.fail(status);
  }

  #keep(source: Uint8Array, start: number, end: number): void {
    const length = this.#keptLength + end - start;
    if (length > this.#kept.length) {
      const grown = new Uint8Array(MIN_CHUNK);
      grown.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = grown;
    }
    this.#kept.set(source.subarray(start, end), this.#keptLength);
    this.#keptLength = length;
  }

  #writeKept(more: boolean): void {
    const length = this.#keptLength;
    this.#keptLength = 0;
    this.#write(this.#kept, 0, length, more, false);
  }

  /** @param more  octets will follow: a chunk that is full ends here, because the next hop may wait for its end */
  #write(source: Uint8Array, start: number, end: number, more: boolean, dashless: boolean): void {
    let at = start;
    while (at < end) {
      if (!this.#open) this.#begin(undefined);
      const limit = this.#limit;
      const room = limit === 0 ? end - at : limit - (this.#position - this.#chunkStart);
      const stop = this.#guard.check(source, at, Math.min(end, at + room), dashless);
      if (stop > at) this.#out.write(source, at, stop);
      this.#state.counters.bodyBytesOut += stop - at;
      add(this.#state.counters.frameBytesOut, SEND, stop - at);
      countOut(this.#route, stop - at);
      this.#position += stop - at;
      const collision = stop < Math.min(end, at + room);
      const full = limit > 0 && this.#position - this.#chunkStart >= limit;
      at = stop;
      if (collision || (full && (more || at < end))) this.#close(PLUS);
    }
  }

  /** Begins a chunk at the present position. */
  #begin(rangeText: string | undefined): void {
    const out = this.#out;
    out.openChunk?.interrupt();
    if (this.#origin.failureReport === REPORT_NO) {
      this.#state.random.letters(this.#id, 0, TRANSACT_ID_LENGTH);
    } else {
      const transaction = out.transactions.begin();
      transaction.origin = this.#origin;
      transaction.rangeStart = this.#position;
      transaction.rangeEnd = this.#position - 1;
      transaction.total = this.#total;
      this.#transaction = transaction;
      this.#id.set(transaction.id);
    }
    this.#guard.begin(this.#id, 0, TRANSACT_ID_LENGTH);
    const head = this.#state.scratch.reset();
    startRequest(head, this.#id, "SEND");
    head.copy(this.#route.paths).copy(this.#lines, 0, this.#rangeAt);
    head
      .text("Byte-Range: ")
      .text(rangeText ?? formatByteRange(this.#position, -1, this.#total))
      .text("\r\n");
    head.copy(this.#lines, this.#rangeAt);
    this.#traced = this.#state.traces.on ? this.#state.traces.begins(head) : undefined;
    head.text("\r\n");
    out.write(head.octets, 0, head.length);
    out.openChunk = this;
    this.#chunkStart = this.#position;
    this.#limit = this.#chunkLimit();
    this.#open = true;
    count(this.#state.counters.requestsOut, SEND);
    add(this.#state.counters.frameBytesOut, SEND, head.length);
  }

  /** How long the chunk that begins may be: shorter while others wait for their turn, so that it is answered sooner. */
  #chunkLimit(): number {
    const { chunkBytes } = this.#route;
    const { flight } = this.#out;
    if (flight === undefined) return chunkBytes;
    const { now } = this.#state;
    flight.usedBy(this.#route, now);
    if (!flight.isShared(now) || this.#origin.failureReport !== REPORT_YES) return chunkBytes;
    return chunkBytes === 0 ? SHARED_CHUNK : Math.min(chunkBytes, SHARED_CHUNK);
  }

  #close(flag: number): void {
    const out = this.#out;
    const end = this.#state.endScratch.reset();
    endFrame(end, this.#id, flag, true);
    out.write(end.octets, 0, end.length);
    add(this.#state.counters.frameBytesOut, SEND, end.length);
    const bodyBytes = this.#position - this.#chunkStart;
    if (this.#traced !== undefined) this.#state.traces.end("out", out, this.#traced, bodyBytes, flag);
    this.#open = false;
    if (out.openChunk === this) out.openChunk = undefined;
    const transaction = this.#transaction;
    this.#transaction = undefined;
    // It may have been answered before its end, and its slot may serve another by now.
    if (transaction === undefined || !transaction.active) return;
    if (!sameOctets(transaction.id, 0, this.#id, 0, TRANSACT_ID_LENGTH)) return;
    transaction.rangeEnd = this.#position - 1;
    if (flag === DOLLAR) transaction.total = this.#position - 1;
    out.transactions.sent(transaction, this.#state.now);
  }
}
