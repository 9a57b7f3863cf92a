/**
 * What an endpoint tells the application.
 *
 * All of it is optional. The application may call the endpoint from within these calls: `now` is there to be passed on.
 * Octets are borrowed until the call returns.
 */
import type { Fault } from "../faults.ts";
import type { Millis } from "../ports.ts";
import type { Authentication } from "./authentication.ts";
import type { Failure } from "./failure.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import type { OtherRequest, OutgoingRequest } from "./other-request.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import type { Report } from "./report.ts";
import type { Session } from "./session.ts";

export type { Report } from "./report.ts";

/** What concerns the connection. */
export interface EndpointSink {
  /**
   * The relays know us; `authentication.usePath` leads through them. Called again after every refresh, with new URIs:
   * the old ones hold until they expire, so sessions and peers want to hear of the new ones before.
   */
  authenticated?(authentication: Authentication, now: Millis): void;
  /** A relay refused us. After a failed refresh the URIs we have hold until `authentication.expiresAt`. */
  authenticationFailed?(authentication: Authentication, failure: Failure, now: Millis): void;
  /**
   * The connection is over: the peer ended it, we closed it, or the peer broke the framing. Every message and
   * authentication that was under way has been told before.
   */
  ended?(why: Fault | "PEER" | "CLOSED", now: Millis): void;
}

/** What concerns one session. */
export interface SessionSink {
  /** The first SEND has come: the session is in use (RFC 4975 §5.4) and, if it was not before, the peer is known. */
  bound?(session: Session, now: Millis): void;
  /** The session has failed (§7.3.2, §10.8, §10.10): it sends no more. Close it; a new one needs new URIs. */
  failed?(session: Session, failure: Failure, now: Millis): void;

  /** Up to `room` octets of the message are wanted: `message.write`, now or later. Asked once until answered. */
  wanted?(message: OutgoingMessage, room: number, now: Millis): void;
  /** `message.state` has changed. */
  advanced?(message: OutgoingMessage, now: Millis): void;
  /** A REPORT on the message came, before its state changes by it. */
  reported?(message: OutgoingMessage, report: Report, now: Millis): void;

  /** The first chunk of a message has come; not necessarily the one with its first octets. */
  messageStarted?(message: IncomingMessage, now: Millis): void;
  /** source[start, end) belongs at `position` of the message, counted from 0. Octets may come again (§7.3.1). */
  octets?(
    message: IncomingMessage,
    position: number,
    source: Uint8Array,
    start: number,
    end: number,
    now: Millis,
  ): void;
  /** No more of the message will come; `message.state` says why. */
  messageEnded?(message: IncomingMessage, now: Millis): void;

  /** A request of another method came (RFC 4975 §12). Returns the status to answer with; absent: 501 (§10.9). */
  requested?(session: Session, request: OtherRequest, now: Millis): number;
  /** A request of ours was answered, or will not be. */
  answered?(request: OutgoingRequest, now: Millis): void;
}
