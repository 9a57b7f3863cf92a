/**
 * Takes frames in (RFC 4975 §7.2, §7.3): responses to whoever waits for them, REPORTs to the message they are about,
 * SENDs to the session they are for; and answers as Failure-Report and Success-Report ask.
 *
 * An error is answered as soon as it is known, in the middle of a chunk if need be, so that the sender can stop; 200
 * only at the end-line.
 */
import { DOLLAR, HASH, octetString } from "../bytes/octets.ts";
import type { ByteRange } from "../codec/byte-range.ts";
import { AUTH, type Head, REPORT, RESPONSE, SEND } from "../codec/head.ts";
import {
  CONTENT_DISPOSITION,
  CONTENT_TYPE,
  FAILURE_REPORT,
  FROM_PATH,
  MESSAGE_ID,
  OTHER,
  SUCCESS_REPORT,
} from "../codec/header.ts";
import { Reader } from "../codec/reader.ts";
import { consequence, type Fault } from "../faults.ts";
import type { Millis } from "../ports.ts";
import { IncomingMessage, type Receipts } from "./incoming-message.ts";
import type { EndpointLimits } from "./limits.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { Reply } from "./reply.ts";
import { type Reported, readRange, readReport, writeReport } from "./report.ts";
import type { Sender } from "./sender.ts";
import type { Session } from "./session.ts";

/** A Message-ID is 4 to 32 characters by §9; UUIDs have 36 and are in use. */
const MAX_MESSAGE_ID = 128;

/** What the receiver asks of the endpoint. */
export interface Sessions {
  /** The session a SEND is for, or the status to refuse it with. */
  find(head: Head, now: Millis): Session | number;
  /** The session whose URI is the whole To-Path, if any. */
  known(head: Head): Session | undefined;
  /** The message of ours that a REPORT is about, if any. */
  sent(head: Head): OutgoingMessage | undefined;
  lost(fault: Fault, now: Millis): void;
}

export class Receiver implements Receipts {
  readonly #limits: EndpointLimits;
  readonly #sender: Sender;
  readonly #sessions: Sessions;
  readonly #reader: Reader;
  readonly #reply: Reply;
  #now: Millis;

  // The SEND being read.
  #message: IncomingMessage | undefined;
  #position: number; // of the next body octet, from 0
  #duplicate: Reported | undefined; // a message that came again and wants its report again

  constructor(limits: EndpointLimits, sender: Sender, sessions: Sessions) {
    this.#limits = limits;
    this.#sender = sender;
    this.#sessions = sessions;
    this.#reply = new Reply(sender.control);
    this.#now = 0;
    this.#message = undefined;
    this.#position = 0;
    this.#duplicate = undefined;
    this.#reader = new Reader(
      {
        head: (head) => this.#head(head),
        body: (source, start, end) => this.#body(source, start, end),
        end: (flag) => this.#end(flag),
        lost: (fault) => sessions.lost(fault, this.#now),
      },
      limits.headerBytes,
    );
  }

  read(bytes: Uint8Array, now: Millis): void {
    this.#now = now;
    this.#reader.read(bytes);
  }

  /** Takes nothing more. */
  stop(): void {
    this.#reader.stop();
  }

  refuse(message: IncomingMessage, status: number, now: Millis): void {
    const wasOpen = message.state === "open";
    message.session.inbox.refuse(message, status);
    if (message === this.#message && this.#reply.open) this.#reply.give(status);
    // §7.1.4: what was answered with 200 already can only be reported; what comes later is answered.
    else if (message.failureReport !== "no" && !wasOpen) this.report(message, 0, message.total, status, now);
    this.#sender.flush(now);
  }

  report(message: IncomingMessage, start: number, end: number, status: number, now: Millis): void {
    const { id, replyPath, session } = message;
    // §7.1.2: none for a session that is no longer valid.
    if (session.closed) return;
    const about = { id, replyPath, own: session.own, total: message.ended ? message.total : -1 };
    writeReport(this.#sender.control, this.#sender.newTransactId(), about, start, end, status);
    this.#sender.flush(now);
  }

  #head(head: Head): void {
    this.#reply.close();
    this.#message = undefined;
    this.#duplicate = undefined;
    if (head.kind === RESPONSE) {
      // RFC 4976 §6.4.3: what cannot be read is dropped. To-Path is not looked at: some write the whole path into it.
      if (head.flaw === undefined || head.flaw === "PATH") {
        this.#sender.transactions.answer(head.transactId(), head, this.#now);
      }
      return;
    }
    if (head.kind === REPORT) {
      if (head.flaw === undefined) this.#readReport(head);
      return;
    }
    this.#reply.begin(head);
    const status = head.kind === SEND ? this.#readSend(head) : this.#readOther(head);
    if (status !== 0) this.#reply.give(status);
  }

  // ---- SEND ----

  /** Finds out what a chunk is part of; returns the status to refuse it with, or 0. */
  #readSend(head: Head): number {
    const failureReport = (head.value(FAILURE_REPORT) ?? "yes").toLowerCase();
    const successReport = (head.value(SUCCESS_REPORT) ?? "no").toLowerCase();
    const known = failureReport === "yes" || failureReport === "partial" || failureReport === "no";
    if (known) this.#reply.failureReport = failureReport;
    if (head.flaw !== undefined) return statusOf(head.flaw);
    if (!known || (successReport !== "yes" && successReport !== "no")) return statusOf("REPORT_FIELD");

    const session = this.#sessions.find(head, this.#now);
    if (typeof session === "number") return session;
    this.#reply.own = session.own;
    const id = head.value(MESSAGE_ID) ?? "";
    if (id === "" || id.length > MAX_MESSAGE_ID) return statusOf("MESSAGE_ID");
    const range = readRange(head);
    if (range === undefined) return statusOf("BYTE_RANGE");
    // Some count an empty SEND from 0.
    this.#position = Math.max(0, range.start - 1);

    const replyPath = head.value(FROM_PATH) as string;
    const past = session.inbox.past(id);
    if (past !== undefined) {
      // A duplicate (§5.4), or on its way while we refused: answered and reported once more, but not passed on.
      const { total } = past;
      if (successReport === "yes" && total >= 0) this.#duplicate = { id, replyPath, own: session.own, total };
      return past.status === 200 ? 0 : past.status;
    }
    this.#message = session.inbox.find(id);
    if (this.#message !== undefined) return this.#continue(this.#message, replyPath, range);
    // Without a body it is a greeting or a sign of life (§7.1), unless it belongs to a message we know.
    return head.hasBody ? this.#start(head, session, id, replyPath, range, successReport === "yes") : 0;
  }

  #continue(message: IncomingMessage, replyPath: string, range: ByteRange): number {
    message.replyPath = replyPath;
    if (message.total < 0) message.total = range.total;
    if (message.total > message.session.maxSize) this.#giveUp(message, 413);
    return 0;
  }

  #start(
    head: Head,
    session: Session,
    id: string,
    replyPath: string,
    { total }: ByteRange,
    successReport: boolean,
  ): number {
    const contentType = head.value(CONTENT_TYPE);
    if (contentType === undefined) return statusOf("CONTENT_TYPE");
    const status = this.#unwelcome(session, contentType, total);
    if (status !== 0) {
      session.inbox.remember(id, status);
      return status;
    }
    const { failureReport } = this.#reply;
    const details = { contentType, headers: otherHeaders(head), successReport, failureReport, total, replyPath };
    const message = new IncomingMessage(id, session, this, details, this.#limits.ranges, this.#now);
    session.inbox.add(message);
    this.#message = message;
    session.sink.messageStarted?.(message, this.#now);
    return 0;
  }

  /** The status to refuse a new message with; 0 when it is welcome. */
  #unwelcome(session: Session, contentType: string, total: number): number {
    if (!accepts(session.acceptTypes, contentType)) return 415;
    return total > session.maxSize || !session.inbox.makeRoom(this.#now) ? 413 : 0;
  }

  #body(source: Uint8Array, start: number, end: number): void {
    const message = this.#message;
    if (message === undefined || message.state !== "open") return;
    const position = this.#position;
    this.#position += end - start;
    // The chunk that ended in "$" has said how long the message is (§7.3.1).
    if (message.ended && this.#position > message.total) return this.#giveUp(message, 400);
    const taken = message.take(position, source, start, end, this.#now);
    // The application may have refused it in the call.
    if (message.state !== "open") return;
    if (!taken) this.#giveUp(message, 413);
    else message.reportPart(this.#now);
  }

  #end(flag: number): void {
    const message = this.#message;
    if (message?.state === "open") this.#endChunk(message, flag);
    // A session that was closed meanwhile has not taken what came.
    this.#reply.give(message?.state === "lost" ? 481 : 200);
    this.#message = undefined;
    if (message?.session.confirm === "auto") message.confirm(this.#now);
    if (this.#duplicate !== undefined && flag === DOLLAR) {
      const { total } = this.#duplicate;
      writeReport(this.#sender.control, this.#sender.newTransactId(), this.#duplicate, 0, total, 200);
    }
    this.#duplicate = undefined;
  }

  #endChunk(message: IncomingMessage, flag: number): void {
    const { inbox } = message.session;
    if (flag === HASH) return inbox.end(message, "aborted", this.#now);
    if (flag === DOLLAR) {
      // §7.3.1: "the chunk that has a termination character of "$" defines the total length of the message".
      const total = this.#position;
      if ((message.ended && message.total !== total) || message.received.end > total) return this.#giveUp(message, 400);
      message.total = total;
      message.ended = true;
    }
    if (message.ended && message.received.covers(message.total)) inbox.end(message, "complete", this.#now);
  }

  /** A bound or a contradiction ends a message. */
  #giveUp(message: IncomingMessage, status: number): void {
    this.refuse(message, status, this.#now);
    message.session.sink.messageEnded?.(message, this.#now);
  }

  // ---- other requests ----

  #readOther(head: Head): number {
    if (head.flaw !== undefined) return statusOf(head.flaw);
    const session = this.#sessions.known(head);
    // §10.9: AUTH is for relays, and we are none.
    if (head.kind === AUTH) return 501;
    // §7.3: whom it is for comes before what it wants.
    if (session === undefined) return 481;
    this.#reply.own = session.own;
    const request = { method: head.method(), headers: otherHeaders(head) };
    return session.sink.requested?.(session, request, this.#now) ?? 501;
  }

  /** §7.3.2. What is about nothing of ours is ignored. */
  #readReport(head: Head): void {
    const message = this.#sessions.sent(head);
    const report = readReport(head);
    if (message === undefined || report === undefined) return;
    message.session.sink.reported?.(message, report, this.#now);
    const { comment, end, start, status } = report;
    if (status < 300) message.arrived(start, end, this.#now);
    else message.fail({ by: "report", status, comment }, this.#now);
  }
}

function statusOf(fault: Fault): number {
  return consequence(fault).status ?? 400;
}

/** Is a media type among those of an `a=accept-types` (§8.6)? */
function accepts(acceptTypes: readonly string[], contentType: string): boolean {
  const type = (contentType.split(";")[0] as string).trim().toLowerCase();
  const major = `${type.split("/")[0]}/*`;
  return acceptTypes.some((accepted) => accepted === "*" || accepted === type || accepted === major);
}

function otherHeaders(head: Head): [string, string][] {
  const headers: [string, string][] = [];
  for (let line = 0; line < head.headerCount; line++) {
    const id = head.ids[line];
    if (id !== OTHER && id !== CONTENT_DISPOSITION) continue;
    const lineStart = head.base + (head.lineStarts[line] as number);
    const valueStart = head.base + (head.valueStarts[line] as number);
    const value = octetString(head.octets, valueStart, head.base + (head.valueEnds[line] as number));
    const name = octetString(head.octets, lineStart, valueStart).replace(/:[ \t]*$/, "");
    headers.push([name, value]);
  }
  return headers;
}
