/**
 * Writes the chunks of messages, one after the other (RFC 4975 §7.1, §7.1.1).
 *
 * There are two kinds. A short chunk, of 2048 octets at most, says exactly which octets it holds and goes out whole. A
 * long one says `*`, stays open for as long as its message has octets and nobody else wants the link, and can be
 * interrupted at any moment. It is opened only when 2048 octets or the end of the message are at hand, because nobody
 * should cut smaller chunks than that (§7.1.1).
 */
import { DOLLAR, PLUS } from "../bytes/octets.ts";
import type { RandomPool } from "../bytes/random.ts";
import { Scratch } from "../bytes/scratch.ts";
import { formatByteRange } from "../codec/byte-range.ts";
import { TidGuard } from "../codec/tid-guard.ts";
import { writeEndLine, writeHeader, writeRequestLine } from "../codec/writer.ts";
import type { Link, Millis } from "../ports.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import type { Transaction, Transactions } from "./transactions.ts";

/** Larger chunks MUST be interruptible, smaller ones SHOULD NOT be cut off a longer message (§7.1.1). */
export const SHORT_CHUNK = 2048;
/** 70 bits; §7.1 wants 64. */
const TRANSACT_ID_LETTERS = 14;

export class ChunkWriter {
  /** The message whose chunk is open on the wire. */
  open: OutgoingMessage | undefined;
  /** Body octets written to the open chunk. */
  octets: number;
  /** Octets written to the link since it was given to us. */
  written: number;
  link: Link | undefined;
  readonly #random: RandomPool;
  readonly #transactions: Transactions;
  readonly #scratch: Scratch;
  readonly #guard: TidGuard;
  readonly #id: Uint8Array;
  #transactId: string; // of the open chunk
  #transaction: Transaction | undefined; // of the open chunk, if it wants a response

  constructor(random: RandomPool, transactions: Transactions) {
    this.open = undefined;
    this.octets = 0;
    this.written = 0;
    this.link = undefined;
    this.#random = random;
    this.#transactions = transactions;
    this.#scratch = new Scratch();
    this.#guard = new TidGuard();
    this.#id = new Uint8Array(TRANSACT_ID_LETTERS);
    this.#transactId = "";
    this.#transaction = undefined;
  }

  /** How many octets have left for the kernel. */
  get taken(): number {
    return this.written - (this.link?.backlog ?? 0);
  }

  newTransactId(): string {
    return this.#random.text(TRANSACT_ID_LETTERS);
  }

  write(octets: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.written += end - start;
    this.link?.write(octets, start, end);
  }

  /** How many octets a short chunk of this message would have now; -1 when a long one is due. */
  shortSize(message: OutgoingMessage): number {
    const { available, chunkOctets, finished } = message;
    if (finished && available <= (chunkOctets || SHORT_CHUNK) && available <= SHORT_CHUNK) return available;
    return chunkOctets > 0 && chunkOctets <= SHORT_CHUNK ? chunkOctets : -1;
  }

  /** Is there enough at hand to open a chunk? */
  mayBegin(message: OutgoingMessage): boolean {
    const { available, chunkOctets, finished } = message;
    return finished || available >= (chunkOctets > 0 ? Math.min(chunkOctets, SHORT_CHUNK) : SHORT_CHUNK);
  }

  /** Writes a short chunk whole. */
  writeShort(message: OutgoingMessage, size: number, now: Millis): void {
    const { supply } = message;
    const { octets, start } = supply;
    const scratch = this.#scratch.reset();
    // All of it is at hand, so an id that occurs in it can be avoided beforehand (§7.1).
    do this.#newId();
    while (this.#guard.check(octets, start, start + size) < start + size);
    const last = message.finished && size === message.available;
    this.#begin(message, message.octetsSent + size);
    if (message.contentType !== undefined) scratch.copy(octets, start, start + size);
    writeEndLine(scratch, this.#transactId, last ? DOLLAR : PLUS, message.contentType !== undefined);
    this.write(scratch.octets, 0, scratch.length);
    supply.start += size;
    message.octetsSent += size;
    this.octets = size;
    this.#ended(now);
  }

  /** Opens a long chunk. */
  begin(message: OutgoingMessage): void {
    this.#scratch.reset();
    this.#newId();
    this.#begin(message, -1);
    this.write(this.#scratch.octets, 0, this.#scratch.length);
    this.open = message;
    this.octets = 0;
  }

  /**
   * Writes body octets of the open chunk.
   *
   * @returns false when the next ones would look like its end-line: then it must be interrupted (§7.1)
   */
  writeBody(message: OutgoingMessage, size: number): boolean {
    const { supply } = message;
    const { octets, start } = supply;
    const upTo = this.#guard.check(octets, start, start + size);
    this.write(octets, start, upTo);
    supply.start = upTo;
    message.octetsSent += upTo - start;
    this.octets += upTo - start;
    return upTo === start + size;
  }

  /** Ends the open chunk with `$`, `+` or `#`. */
  end(flag: number, now: Millis): void {
    const scratch = this.#scratch.reset();
    writeEndLine(scratch, this.#transactId, flag, true);
    this.write(scratch.octets, 0, scratch.length);
    this.open = undefined;
    this.#ended(now);
  }

  #newId(): void {
    this.#random.letters(this.#id, 0, TRANSACT_ID_LETTERS);
    this.#guard.begin(this.#id, 0, TRANSACT_ID_LETTERS);
  }

  /** Composes the head of a chunk that begins where the message stands. `rangeEnd` is -1 for a star. */
  #begin(message: OutgoingMessage, rangeEnd: number): void {
    const scratch = this.#scratch;
    this.#transactId = String.fromCharCode(...this.#id);
    writeRequestLine(scratch, this.#transactId, "SEND");
    writeSendHead(scratch, message);
    // §7.1.1: a range without octets still begins at 1.
    const first = rangeEnd === 0 || message.total === 0 ? 1 : message.octetsSent + 1;
    writeHeader(scratch, "Byte-Range", formatByteRange(first, rangeEnd, message.total));
    for (const [name, value] of message.headers) writeHeader(scratch, name, value);
    if (message.contentType !== undefined) {
      // §7.1: the last of the headers.
      writeHeader(scratch, "Content-Type", message.contentType);
      scratch.text("\r\n");
    }
    message.begun = true;
    this.#transaction = undefined;
    if (message.failureReport === "yes") {
      this.#transaction = this.#transactions.await(this.#transactId, message);
      message.unanswered++;
    } else if (message.failureReport === "partial") {
      this.#transactions.listen(this.#transactId, message);
    }
  }

  #ended(now: Millis): void {
    if (this.#transaction === undefined) return;
    this.#transactions.start(this.#transaction, this.written, this.taken, now);
    this.#transaction = undefined;
  }
}

/** The headers that are the same in every chunk of a message. */
export function writeSendHead(to: Scratch, message: OutgoingMessage): void {
  const { failureReport, session, successReport } = message;
  writeHeader(to, "To-Path", session.toPath);
  writeHeader(to, "From-Path", session.own);
  writeHeader(to, "Message-ID", message.id);
  if (successReport) writeHeader(to, "Success-Report", "yes");
  if (failureReport !== "yes") writeHeader(to, "Failure-Report", failureReport);
}
