/**
 * Requests that are neither SEND nor REPORT nor AUTH (RFC 4975 §12), such as the NICKNAME of chat rooms (RFC 7701 §7).
 *
 * They carry headers and no body, travel the whole path, and so do their responses (RFC 4976 §6.4.3).
 */
import type { Head } from "../codec/head.ts";
import { type Millis, MisuseError } from "../ports.ts";
import type { Failure } from "./failure.ts";
import { checkedHeaders } from "./paths.ts";
import type { Session } from "./session.ts";
import type { Asker } from "./transactions.ts";

/** A request that came in. */
export interface OtherRequest {
  readonly method: string;
  /** The headers that MSRP does not know; octet strings. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** One of ours. `SessionSink.answered` tells how it ended. */
export class OutgoingRequest implements OtherRequest, Asker {
  readonly session: Session;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  /** The status of the response; 0 as long as there is none. */
  status: number;
  comment: string;
  /** Why there will be no response. */
  failure: Failure | undefined;

  constructor(session: Session, method: string, headers: readonly (readonly [string, string])[]) {
    if (!/^[A-Z]+$/.test(method) || ["SEND", "REPORT", "AUTH"].includes(method))
      throw new MisuseError(`not for other-request: ${method}`);
    this.session = session;
    this.method = method;
    this.headers = checkedHeaders(headers);
    this.status = 0;
    this.comment = "";
    this.failure = undefined;
  }

  answered(status: number, comment: string, _head: Head, now: Millis): void {
    this.status = status;
    this.comment = comment;
    this.session.sink.answered?.(this, now);
  }

  fail(failure: Failure, now: Millis): void {
    this.failure = failure;
    this.session.sink.answered?.(this, now);
  }
}
