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
  /** Messages that take turns: of each session the short ones and at most `limits.concurrent` long ones. */
  readonly #active: OutgoingMessage[];
  /** Long messages that wait for another of their session to end, in order. */
  readonly #waiting: OutgoingMessage[];
  /** Where in `#active` the search for the next one begins. */
  #cursor: number;
  /** Whose turn it is. */
  #last: OutgoingMessage | undefined;
  /** Body octets written since the turn passed to `#last`. */
  #turn: number;
  #corked: boolean; // a read is being worked through; all goes out at its end
  #pumping: boolean;
  #asking: boolean;

  constructor(limits: EndpointLimits, random: RandomPool) {
    this.transactions = new Transactions();
    this.control = new Scratch();
    this.wroteAt = 0;
    this.#limits = limits;
    this.#chunks = new ChunkWriter(random, this.transactions);
    this.#active = [];
    this.#waiting = [];
    this.#cursor = 0;
    this.#last = undefined;
    this.#turn = 0;
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

  /** Octets of messages given whole that wait in memory. */
  get held(): number {
    let held = 0;
    for (const { supply } of this.#active) held += supply.length;
    for (const { supply } of this.#waiting) held += supply.length;
    return held;
  }

  /** A message joins in. */
  enqueue(message: OutgoingMessage): void {
    const { session } = message;
    if (message.long && session.long >= this.#limits.concurrent) this.#waiting.push(message);
    else this.#activate(message);
  }

  supplied(_message: OutgoingMessage, now: Millis): void {
    this.flush(now);
  }

  abort(message: OutgoingMessage, now: Millis): void {
    if (message.begun && message.state === "waiting" && this.#chunks.open !== message) this.#writeAbort(message);
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
    if (open === undefined) return this.#search(undefined);
    const ready = open.available > 0;
    if (ready && this.#turn < this.#limits.quantum) return open;
    const other = this.#search(open);
    if (other === undefined) {
      this.#turn = 0;
      return ready ? open : undefined;
    }
    this.#chunks.end(PLUS, now);
    return other;
  }

  /** The next active message, in turn, that could begin a chunk. */
  #search(except: OutgoingMessage | undefined): OutgoingMessage | undefined {
    const active = this.#active;
    const full = this.transactions.unanswered >= this.#limits.unanswered;
    for (let i = 0; i < active.length; i++) {
      const at = (this.#cursor + i) % active.length;
      const message = active[at] as OutgoingMessage;
      if (message === except || !this.#chunks.mayBegin(message)) continue;
      if (full && message.failureReport === "yes") continue;
      this.#cursor = at + 1;
      if (message !== this.#last || this.#turn >= this.#limits.quantum) this.#turn = 0;
      this.#last = message;
      return message;
    }
    return undefined;
  }

  #writePiece(message: OutgoingMessage, now: Millis): void {
    const chunks = this.#chunks;
    if (chunks.open !== message) {
      const size = chunks.shortSize(message);
      if (size >= 0) {
        chunks.writeShort(message, size, now);
        this.#turn += size;
        if (message.finished && message.available === 0) this.#wroteAll(message, now);
        else this.#goOn();
        return;
      }
      chunks.begin(message);
      // §7.1.1: no chunk of less than 2048 octets only because the turn was nearly over.
      if (this.#limits.quantum - this.#turn < SHORT_CHUNK) this.#turn = 0;
    }
    const { chunkOctets } = message;
    const quantum = this.#limits.quantum - this.#turn;
    const rest = chunkOctets > 0 ? chunkOctets - chunks.octets : quantum;
    const size = Math.min(message.available, quantum, rest);
    const clean = chunks.writeBody(message, size);
    this.#turn += size;
    if (message.finished && message.available === 0) {
      chunks.end(DOLLAR, now);
      this.#wroteAll(message, now);
    } else if (!clean || (chunkOctets > 0 && chunks.octets >= chunkOctets)) {
      chunks.end(PLUS, now);
      this.#goOn();
    }
  }

  /** The chunk ended of itself: the turn is not over before its quantum is. */
  #goOn(): void {
    if (this.#turn < this.#limits.quantum) this.#cursor--;
  }

  #wroteAll(message: OutgoingMessage, now: Millis): void {
    this.#remove(message);
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

  // ---- who is active ----

  #activate(message: OutgoingMessage): void {
    this.#active.push(message);
    if (message.long) message.session.long++;
  }

  /** Ends what is being written of a message and forgets it. */
  #stop(message: OutgoingMessage, now: Millis): void {
    if (this.#chunks.open === message) this.#chunks.end(HASH, now);
    this.#remove(message);
    message.supply.clear();
  }

  #remove(message: OutgoingMessage): void {
    const { session } = message;
    const at = this.#active.indexOf(message);
    if (at < 0) {
      const waits = this.#waiting.indexOf(message);
      if (waits >= 0) this.#waiting.splice(waits, 1);
      return;
    }
    this.#active.splice(at, 1);
    if (at < this.#cursor) this.#cursor--;
    if (this.#last === message) this.#last = undefined;
    if (!message.long) return;
    session.long--;
    const next = this.#waiting.findIndex((other) => other.session === session);
    if (next >= 0) this.#activate(this.#waiting.splice(next, 1)[0] as OutgoingMessage);
  }

  // ---- asking for more ----

  #ask(now: Millis): void {
    if (this.#asking) return;
    this.#asking = true;
    for (let answered = true; answered; ) {
      answered = false;
      for (let i = 0; i < this.#active.length; i++) {
        const message = this.#active[i] as OutgoingMessage;
        if (message.finished || message.asked || message.supply.length > this.#limits.window / 2) continue;
        message.asked = true;
        message.session.sink.wanted?.(message, message.room, now);
        if (!message.asked) answered = true;
      }
    }
    this.#asking = false;
  }
}
