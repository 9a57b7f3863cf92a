/**
 * Decides what the link carries next (RFC 4975 §5.1, §7.1.1).
 *
 * Responses, REPORTs and AUTHs go before any body: they gather in `control` during a turn and interrupt the open chunk
 * once, not each for itself. Messages take turns of one quantum. A chunk stays open as long as nobody else has
 * something to send, so a lone message of a gigabyte is one chunk. When the link has enough to do, nothing is written
 * and nobody is asked for more until it calls `writable`: so much, and no more, is ever in memory.
 */
import { DOLLAR, HASH, PLUS } from "../bytes/octets.ts";
import type { RandomPool } from "../bytes/random.ts";
import { Scratch } from "../bytes/scratch.ts";
import { formatByteRange } from "../codec/byte-range.ts";
import { writeEndLine, writeHeader, writeRequestLine } from "../codec/writer.ts";
import type { Link, Millis } from "../ports.ts";
import { ChunkWriter, SHORT_CHUNK, writeSendHead } from "./chunk-writer.ts";
import type { Failure } from "./failure.ts";
import type { EndpointLimits } from "./limits.ts";
import type { Carrier, OutgoingMessage } from "./outgoing-message.ts";
import { Rota } from "./rota.ts";
import { type Asker, Transactions } from "./transactions.ts";

/** Control frames of a turn beyond this do not wait for its end. */
const CONTROL_OCTETS = 64 * 1024;

export class Sender implements Carrier {
  readonly transactions: Transactions;
  /** Complete frames to be written before any body. */
  readonly control: Scratch;
  /** When something was last written. */
  wroteAt: Millis;
  readonly #limits: EndpointLimits;
  readonly #chunks: ChunkWriter;
  readonly #rota: Rota;
  #corked: boolean; // a read is being worked through; all goes out at its end
  #pumping: boolean;
  #asking: boolean;

  constructor(limits: EndpointLimits, random: RandomPool) {
    this.transactions = new Transactions();
    this.control = new Scratch();
    this.wroteAt = 0;
    this.#limits = limits;
    this.#chunks = new ChunkWriter(random, this.transactions);
    this.#rota = new Rota(limits);
    this.#corked = false;
    this.#pumping = false;
    this.#asking = false;
  }

  get link(): Link | undefined {
    return this.#chunks.link;
  }

  connect(link: Link, now: Millis): void {
    this.#chunks.link = link;
    this.wroteAt = now;
  }

  /** The link is gone. */
  disconnect(failure: Failure, now: Millis): void {
    this.#chunks.link = undefined;
    this.#chunks.open = undefined;
    this.control.reset();
    this.transactions.end(failure, now);
  }

  newTransactId(): string {
    return this.#chunks.newTransactId();
  }

  /** A request in `control` expects a response. */
  awaitControl(id: string, asker: Asker, now: Millis): void {
    const transaction = this.transactions.await(id, asker);
    this.transactions.start(transaction, this.#chunks.written + this.control.length, this.#chunks.taken, now);
  }

  /** Why no request can be sent that wants a response. */
  get unableToAsk(): Failure | undefined {
    if (this.link !== undefined && this.transactions.unanswered < this.#limits.unanswered) return undefined;
    return { by: "limit", status: 0, comment: "no connection yet, or too many requests unanswered" };
  }

  /** Octets of messages that wait in memory. */
  get held(): number {
    return this.#rota.held;
  }

  /** A message joins in. */
  enqueue(message: OutgoingMessage): void {
    this.#rota.join(message);
  }

  supplied(_message: OutgoingMessage, now: Millis): void {
    this.flush(now);
  }

  abort(message: OutgoingMessage, now: Millis): void {
    if (message.begun && this.#chunks.open !== message) this.#writeAbort(message);
    this.#stop(message, now);
    message.advance("aborted", now);
    this.flush(now);
  }

  fail(message: OutgoingMessage, failure: Failure, now: Millis): void {
    if (message.over) return;
    // §7.3.2: a chunk that is being written is aborted; §10.5: and no further one follows.
    this.#stop(message, now);
    message.failure = failure;
    message.advance("failed", now);
    message.session.suffered(message, now);
    this.flush(now);
  }

  /** Holds everything back until `uncork`, so that what one read calls forth goes out together. */
  cork(): void {
    this.#corked = true;
  }

  uncork(now: Millis): void {
    this.#corked = false;
    this.flush(now);
  }

  /** Writes what may be written, then asks for what could be written next. */
  flush(now: Millis): void {
    const { link } = this;
    if (link === undefined) {
      this.control.reset();
      return;
    }
    if (this.#corked) {
      if (this.control.length > CONTROL_OCTETS) this.#writeControl(now);
      return;
    }
    const before = this.#chunks.written;
    this.#pump(link, now);
    if (this.#chunks.written > before) this.wroteAt = now;
    this.#ask(now);
  }

  expire(now: Millis): void {
    this.transactions.expire(this.#chunks.taken, now);
  }

  // ---- who is next ----

  #pump(link: Link, now: Millis): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (true) {
      // A chunk that was just resumed gets its quantum first: otherwise two endpoints that both send would interrupt
      // each other with responses to their interruptions.
      if (this.control.length > 0 && !this.#wantsMore()) this.#writeControl(now);
      if (link.backlog >= this.#limits.backlog) break;
      const message = this.#next(now);
      if (message === undefined) break;
      this.#writePiece(message, now);
    }
    if (this.control.length > 0) this.#writeControl(now);
    this.#pumping = false;
  }

  /** Is a chunk open that has octets and has not had its quantum? */
  #wantsMore(): boolean {
    const { open } = this.#chunks;
    return open !== undefined && open.available > 0 && this.#chunks.octets < this.#limits.quantum;
  }

  #next(now: Millis): OutgoingMessage | undefined {
    const { open } = this.#chunks;
    if (open === undefined) return this.#rota.next((message) => this.#mayBegin(message));
    const ready = open.available > 0;
    if (ready && this.#rota.rest > 0) return open;
    const other = this.#rota.next((message) => message !== open && this.#mayBegin(message));
    if (other === undefined) {
      this.#rota.renew();
      return ready ? open : undefined;
    }
    this.#chunks.end(PLUS, now);
    return other;
  }

  #mayBegin(message: OutgoingMessage): boolean {
    if (message.failureReport === "yes" && this.transactions.unanswered >= this.#limits.unanswered) return false;
    return this.#chunks.mayBegin(message);
  }

  #writePiece(message: OutgoingMessage, now: Millis): void {
    const chunks = this.#chunks;
    const rota = this.#rota;
    if (chunks.open !== message) {
      const size = chunks.shortSize(message);
      if (size >= 0) {
        chunks.writeShort(message, size, now);
        rota.wrote(size);
        if (message.finished && message.available === 0) this.#wroteAll(message, now);
        else rota.stay();
        return;
      }
      chunks.begin(message);
      // §7.1.1: no chunk of less than 2048 octets only because the turn was nearly over.
      if (rota.rest < SHORT_CHUNK) rota.renew();
    }
    const { chunkOctets } = message;
    const rest = chunkOctets > 0 ? chunkOctets - chunks.octets : rota.rest;
    const size = Math.min(message.available, rota.rest, rest);
    const clean = chunks.writeBody(message, size);
    rota.wrote(size);
    if (message.finished && message.available === 0) {
      chunks.end(DOLLAR, now);
      this.#wroteAll(message, now);
    } else if (!clean || (chunkOctets > 0 && chunks.octets >= chunkOctets)) {
      chunks.end(PLUS, now);
      rota.stay();
    }
  }

  #wroteAll(message: OutgoingMessage, now: Millis): void {
    this.#rota.leave(message);
    message.supply.clear();
    message.wroteAll(now);
  }

  #writeControl(now: Millis): void {
    const { control } = this;
    if (this.#chunks.open !== undefined) this.#chunks.end(PLUS, now);
    this.#chunks.write(control.octets, 0, control.length);
    this.wroteAt = now;
    control.reset();
  }

  /** Says between two chunks that there will be no other. */
  #writeAbort(message: OutgoingMessage): void {
    const { control } = this;
    const id = this.newTransactId();
    writeRequestLine(control, id, "SEND");
    writeSendHead(control, message);
    writeHeader(control, "Byte-Range", formatByteRange(1, 0, message.total));
    writeEndLine(control, id, HASH, false);
  }

  /** Ends what is being written of a message and forgets it. */
  #stop(message: OutgoingMessage, now: Millis): void {
    if (this.#chunks.open === message) this.#chunks.end(HASH, now);
    this.#rota.leave(message);
    message.supply.clear();
  }

  // ---- asking for more ----

  #ask(now: Millis): void {
    if (this.#asking) return;
    this.#asking = true;
    for (let answered = true; answered; ) {
      answered = false;
      // The list may change as it is walked.
      for (let i = 0; i < this.#rota.active.length; i++) {
        const message = this.#rota.active[i] as OutgoingMessage;
        if (message.finished || message.asked || message.supply.length > this.#limits.window / 2) continue;
        message.asked = true;
        message.ask(now);
        if (!message.asked) answered = true;
      }
    }
    this.#asking = false;
  }
}
