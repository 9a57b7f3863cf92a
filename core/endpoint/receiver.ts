/**
 * Takes frames in (RFC 4975 §7.2, §7.3): responses to whoever waits for them, REPORTs to the message they are about,
 * SENDs to the session they are for; and answers as Failure-Report and Success-Report ask.
 *
 * An error is answered as soon as it is known, in the middle of a chunk if need be, so that the sender can stop; 200
 * only at the end-line. There is one answer to a request at most, and none to a REPORT.
 */
import { DOLLAR, HASH, octetString } from "../bytes/octets.ts";
import type { Scratch } from "../bytes/scratch.ts";
import { type ByteRange, formatByteRange, readByteRange } from "../codec/byte-range.ts";
import { AUTH, type Head, REPORT, RESPONSE, SEND } from "../codec/head.ts";
import {
  BYTE_RANGE,
  CONTENT_TYPE,
  FAILURE_REPORT,
  FROM_PATH,
  MESSAGE_ID,
  OTHER,
  STATUS,
  SUCCESS_REPORT,
  TO_PATH,
} from "../codec/header.ts";
import { Reader } from "../codec/reader.ts";
import { comment, writeEndLine, writeHeader, writeRequestLine, writeStatusLine } from "../codec/writer.ts";
import { consequence, type Fault } from "../faults.ts";
import type { Millis } from "../ports.ts";
import { IncomingMessage, type IncomingState, type Receipts } from "./incoming-message.ts";
import type { EndpointLimits } from "./limits.ts";
import type { FailureReport } from "./outgoing-message.ts";
import type { Sender } from "./sender.ts";
import type { Session } from "./session.ts";

/** A Message-ID is 4 to 32 characters by §9; UUIDs have 36 and are in use. */
const MAX_MESSAGE_ID = 128;
/** A message that has been silent for so long makes way for a new one when there are too many. */
const SILENCE: Millis = 60_000;

/** What the receiver asks of the endpoint. */
export interface Sessions {
  /** The session a SEND is for, or the status to refuse it with. */
  find(head: Head, now: Millis): Session | number;
  /** The session whose URI is the whole To-Path, if any. */
  known(head: Head): Session | undefined;
  lost(fault: Fault, now: Millis): void;
}

export class Receiver implements Receipts {
  readonly #limits: EndpointLimits;
  readonly #sender: Sender;
  readonly #sessions: Sessions;
  readonly #reader: Reader;
  #now: Millis;

  // The SEND being read.
  #transactId: string;
  #replyTo: string; // the first URI of its From-Path; empty when nothing may be answered
  #own: string; // From-Path of what we answer
  #failureReport: FailureReport;
  #answered: boolean;
  #message: IncomingMessage | undefined;
  #repeat: IncomingMessage | undefined; // stands for a message that was complete before, when it comes again
  #position: number; // of the next body octet, from 0

  constructor(limits: EndpointLimits, sender: Sender, sessions: Sessions) {
    this.#limits = limits;
    this.#sender = sender;
    this.#sessions = sessions;
    this.#now = 0;
    this.#transactId = "";
    this.#replyTo = "";
    this.#own = "";
    this.#failureReport = "no";
    this.#answered = true;
    this.#message = undefined;
    this.#repeat = undefined;
    this.#position = 0;
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

  /** Ends the messages that are coming in on a session. */
  drop(session: Session, now: Millis): void {
    for (const message of session.incoming.values()) this.#close(message, "lost", now);
  }

  refuse(message: IncomingMessage, status: number, now: Millis): void {
    const wasOpen = message.state === "open";
    message.state = "refused";
    message.status = status;
    message.session.incoming.delete(message.id);
    this.#remember(message, status);
    const current = message === this.#message && !this.#answered;
    if (current) this.#answer(status);
    // §7.1.4: what was answered with 200 already can only be reported; what comes later is answered.
    else if (message.failureReport !== "no" && !wasOpen) this.report(message, 0, message.total, status, now);
    this.#sender.flush(now);
  }

  report(message: IncomingMessage, start: number, end: number, status: number, now: Millis): void {
    if (!message.session.closed) {
      const total = message.ended ? message.total : -1;
      writeReport(this.#sender.control, this.#sender.newTransactId(), message, start, end, total, status);
    }
    this.#sender.flush(now);
  }

  #head(head: Head): void {
    this.#answered = true;
    this.#message = this.#repeat = undefined;
    if (head.kind === RESPONSE) {
      // RFC 4976 §6.4.3: what cannot be read is dropped. To-Path is not looked at: some write the whole path into it.
      if (head.flaw === undefined || head.flaw === "PATH") {
        this.#sender.transactions.answer(head.transactId(), head, this.#now);
      }
    } else if (head.kind === REPORT) {
      if (head.flaw === undefined) this.#readReport(head);
    } else {
      this.#begin(head);
      if (head.kind === SEND) this.#readSend(head);
      else this.#readOther(head);
    }
  }

  // ---- SEND ----

  /** Notes what is needed to answer a request. */
  #begin(head: Head): void {
    this.#transactId = head.transactId();
    this.#own = head.value(TO_PATH)?.split(" ")[0] ?? "";
    this.#failureReport = "yes";
    const from = head.value(FROM_PATH) ?? "";
    // §7.2: the response to a SEND goes to the previous hop only, others go all the way.
    this.#replyTo = head.kind === SEND ? (from.split(" ")[0] as string) : from;
    this.#answered = this.#replyTo === "" || this.#own === "";
  }

  #readSend(head: Head): void {
    const failureReport = (head.value(FAILURE_REPORT) ?? "yes").toLowerCase();
    const successReport = (head.value(SUCCESS_REPORT) ?? "no").toLowerCase();
    const known = failureReport === "yes" || failureReport === "partial" || failureReport === "no";
    if (known) this.#failureReport = failureReport;
    if (head.flaw !== undefined) return this.#refuse(head.flaw);
    if (!known || (successReport !== "yes" && successReport !== "no")) return this.#refuse("REPORT_FIELD");

    const session = this.#sessions.find(head, this.#now);
    if (typeof session === "number") return this.#answer(session);
    this.#own = session.own;
    const id = head.value(MESSAGE_ID) ?? "";
    if (id === "" || id.length > MAX_MESSAGE_ID) return this.#refuse("MESSAGE_ID");
    const range = readRange(head);
    if (range === undefined) return this.#refuse("BYTE_RANGE");
    // Some count an empty SEND from 0.
    this.#position = Math.max(0, range.start - 1);

    const finished = session.finished.get(id);
    if (finished !== undefined) return this.#readAgain(head, session, id, finished, successReport === "yes");
    this.#message = session.incoming.get(id);
    if (this.#message !== undefined) return this.#goOn(this.#message, head, range);
    // Without a body it is a greeting or a sign of life (§7.1), unless it ends a message we know.
    if (!head.hasBody) return;
    const contentType = head.value(CONTENT_TYPE);
    if (contentType === undefined) return this.#refuse("CONTENT_TYPE");
    const status = this.#unwelcome(session, contentType, range);
    if (status !== 0) {
      this.#rememberId(session, id, status, range.total);
      return this.#answer(status);
    }
    const message = new IncomingMessage(
      id,
      session,
      this,
      {
        contentType,
        headers: otherHeaders(head),
        successReport: successReport === "yes",
        failureReport: this.#failureReport,
        total: range.total,
        replyPath: head.value(FROM_PATH) as string,
      },
      this.#limits.ranges,
      this.#now,
    );
    session.incoming.set(id, message);
    this.#message = message;
    session.sink.messageStarted?.(message, this.#now);
  }

  /** Another chunk of a message that is coming in. */
  #goOn(message: IncomingMessage, head: Head, range: ByteRange): void {
    message.replyPath = head.value(FROM_PATH) as string;
    if (message.total < 0) message.total = range.total;
    if (message.total > message.session.maxSize) this.#giveUp(message, 413);
  }

  /** The status to refuse a new message with; 0 when it is welcome. */
  #unwelcome(session: Session, contentType: string, range: ByteRange): number {
    if (!accepts(session.acceptTypes, contentType)) return 415;
    if (range.total > session.maxSize) return 413;
    return session.incoming.size < this.#limits.incoming || this.#makeRoom(session) ? 0 : 413;
  }

  /** Ends the message that has been silent longest, if it has been so for long. */
  #makeRoom(session: Session): boolean {
    let oldest: IncomingMessage | undefined;
    for (const message of session.incoming.values()) {
      if (oldest === undefined || message.touchedAt < oldest.touchedAt) oldest = message;
    }
    if (oldest === undefined || this.#now - oldest.touchedAt < SILENCE) return false;
    this.#close(oldest, "lost", this.#now);
    return true;
  }

  /** A chunk of a message that has ended: a duplicate (§5.4), or on its way while we refused. Answered, not passed on. */
  #readAgain(
    head: Head,
    session: Session,
    id: string,
    finished: { readonly status: number; readonly total: number },
    successReport: boolean,
  ): void {
    if (finished.status !== 200) return this.#answer(finished.status);
    if (!successReport || finished.total < 0) return;
    const details = {
      contentType: "",
      headers: [],
      successReport,
      failureReport: this.#failureReport,
      total: finished.total,
      replyPath: head.value(FROM_PATH) as string,
    };
    this.#repeat = new IncomingMessage(id, session, this, details, 1, this.#now);
    this.#repeat.ended = true;
  }

  #body(source: Uint8Array, start: number, end: number): void {
    const message = this.#message;
    if (message === undefined || message.state !== "open") return;
    const position = this.#position;
    this.#position += end - start;
    // The chunk that ended in "$" has said how long the message is (§7.3.1).
    if (message.ended && this.#position > message.total) return this.#giveUp(message, 400);
    if (!message.take(position, source, start, end, this.#now)) {
      // Unless the application has refused it in the call.
      if (message.state === "open") this.#giveUp(message, 413);
      return;
    }
    const every = message.session.reportOctets;
    const there = message.received.contiguous;
    if (every === 0 || !message.successReport || message.session.confirm === "manual") return;
    if (there - message.reported < every || message.state !== "open") return;
    this.report(message, message.reported, there, 200, this.#now);
    message.reported = there;
  }

  #end(flag: number): void {
    const message = this.#message;
    if (message?.state === "open") this.#endChunk(message, flag);
    // A session that was closed meanwhile has not taken what came.
    this.#answer(message?.state === "lost" ? 481 : 200);
    this.#message = undefined;
    if (message?.state === "complete" && message.successReport && message.session.confirm === "auto") {
      message.confirm(this.#now);
    }
    // §5.4: duplicates are acknowledged like everything else.
    if (this.#repeat !== undefined && flag === DOLLAR) this.report(this.#repeat, 0, this.#repeat.total, 200, this.#now);
    this.#repeat = undefined;
  }

  #endChunk(message: IncomingMessage, flag: number): void {
    if (flag === HASH) return this.#close(message, "aborted", this.#now);
    if (flag === DOLLAR) {
      // §7.3.1: "the chunk that has a termination character of "$" defines the total length of the message".
      const total = this.#position;
      if ((message.ended && message.total !== total) || message.received.end > total) return this.#giveUp(message, 400);
      message.total = total;
      message.ended = true;
    }
    if (message.ended && message.received.covers(message.total)) this.#close(message, "complete", this.#now);
  }

  /** A bound or a contradiction ends a message. */
  #giveUp(message: IncomingMessage, status: number): void {
    this.refuse(message, status, this.#now);
    message.session.sink.messageEnded?.(message, this.#now);
  }

  #close(message: IncomingMessage, state: IncomingState, now: Millis): void {
    message.state = state;
    message.session.incoming.delete(message.id);
    // What we have lost sight of we do not want the rest of.
    if (state === "lost") this.#remember(message, 413);
    else this.#rememberId(message.session, message.id, 200, state === "complete" ? message.total : -1);
    message.session.sink.messageEnded?.(message, now);
  }

  #remember(message: IncomingMessage, status: number): void {
    this.#rememberId(message.session, message.id, status, message.total);
  }

  #rememberId(session: Session, id: string, status: number, total: number): void {
    const { finished } = session;
    finished.delete(id);
    if (finished.size >= this.#limits.finished) finished.delete(finished.keys().next().value as string);
    finished.set(id, { status, total });
  }

  // ---- answers ----

  #refuse(fault: Fault): void {
    this.#answer(consequence(fault).status ?? 400);
  }

  /** Responds to the request being read, as its Failure-Report allows (§7.1.4, §7.2). */
  #answer(status: number): void {
    if (this.#answered) return;
    this.#answered = true;
    if (this.#failureReport === "no" || (this.#failureReport === "partial" && status === 200)) return;
    const { control } = this.#sender;
    writeStatusLine(control, this.#transactId, status, comment(status));
    writeHeader(control, "To-Path", this.#replyTo);
    writeHeader(control, "From-Path", this.#own);
    writeEndLine(control, this.#transactId, DOLLAR, false);
  }

  // ---- other methods ----

  #readOther(head: Head): void {
    if (head.flaw !== undefined) return this.#refuse(head.flaw);
    const session = this.#sessions.known(head);
    // §7.3: whom it is for comes first. But an AUTH, which is for relays and not for sessions, we do not understand.
    if (session === undefined) return this.#answer(head.kind === AUTH ? 501 : 481);
    this.#own = session.own;
    const request = { method: head.method(), headers: otherHeaders(head) };
    this.#answer(head.kind === AUTH ? 501 : (session.sink.requested?.(session, request, this.#now) ?? 501));
  }

  // ---- REPORT ----

  /** §7.3.2. Nothing is ever answered; what is about nothing of ours is ignored. */
  #readReport(head: Head): void {
    const session = this.#sessions.known(head);
    const message = session?.outgoing.get(head.value(MESSAGE_ID) ?? "");
    // Namespace 000: the code means what it means in a response. Others are not ours to interpret.
    const status = /^000 +(\d{3})(?: +(.*))?$/.exec(head.value(STATUS) ?? "");
    if (session === undefined || message === undefined || status === null) return;
    const range = readRange(head);
    if (range === undefined) return;
    const report = {
      status: Number(status[1]),
      comment: status[2] ?? "",
      start: Math.max(0, range.start - 1),
      end: range.end,
      fromPath: head.value(FROM_PATH) as string,
    };
    session.sink.reported?.(message, report, this.#now);
    if (report.status < 300) message.arrived(report.start, report.end, this.#now);
    else this.#sender.fail(message, { by: "report", status: report.status, comment: report.comment }, this.#now);
  }
}

/** The Byte-Range; all of the message when there is none (§7.3.1), undefined when malformed. */
function readRange(head: Head): ByteRange | undefined {
  if (!head.has(BYTE_RANGE)) return { start: 1, end: -1, total: -1 };
  return readByteRange(head.octets, head.startOf(BYTE_RANGE), head.endOf(BYTE_RANGE));
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
    if (head.ids[line] !== OTHER) continue;
    const lineStart = head.base + (head.lineStarts[line] as number);
    const valueStart = head.base + (head.valueStarts[line] as number);
    const value = octetString(head.octets, valueStart, head.base + (head.valueEnds[line] as number));
    const name = octetString(head.octets, lineStart, valueStart).replace(/:[ \t]*$/, "");
    headers.push([name, value]);
  }
  return headers;
}

/** A REPORT on octets [start, end) of a message that came in (§7.1.2). `total` is -1 when unknown. */
function writeReport(
  to: Scratch,
  transactId: string,
  message: IncomingMessage,
  start: number,
  end: number,
  total: number,
  status: number,
): void {
  writeRequestLine(to, transactId, "REPORT");
  writeHeader(to, "To-Path", message.replyPath);
  writeHeader(to, "From-Path", message.session.own);
  writeHeader(to, "Message-ID", message.id);
  writeHeader(to, "Byte-Range", formatByteRange(end === 0 ? 1 : start + 1, end, total));
  writeHeader(to, "Status", `000 ${status} ${comment(status)}`.trimEnd());
  writeEndLine(to, transactId, DOLLAR, false);
}
