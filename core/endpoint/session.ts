/**
 * A session: our URI, the way to the peer's, and the messages in both directions (RFC 4975 §5.4, §8).
 *
 * Most sessions know their peer from its session description. One that does not learns it from the first SEND, whose
 * From-Path leads back all the way; from then on it is taken, and others get a 506.
 */
import { octets } from "../bytes/octets.ts";
import type { Uri } from "../codec/uri.ts";
import { type Millis, MisuseError } from "../ports.ts";
import type { Failure } from "./failure.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { type OtherRequest, OutgoingRequest } from "./other-request.ts";
import type { MessageOptions, OutgoingMessage } from "./outgoing-message.ts";
import { checkedOwn, checkedPath, toPath } from "./paths.ts";
import type { SessionSink } from "./sinks.ts";

export interface SessionOptions {
  readonly sink: SessionSink;
  /** Our URI; the one authenticated with where relays act for us. Absent: a new one is made. */
  readonly own?: string;
  /** The way through our relays (`Authentication.usePath`). */
  readonly usePath?: string;
  /** The peer's `a=path`. Absent: learned from the first SEND. */
  readonly peerPath?: string;
  /** What we take, as in `a=accept-types`; `*` and `text/*` are understood. Other types get 415. Default: `["*"]`. */
  readonly acceptTypes?: readonly string[];
  /** Longest message we take, as in `a=max-size`; longer ones get 413. */
  readonly maxSize?: number;
  /** Success REPORTs each so many octets; 0 (the default) for one at the end of the message. */
  readonly reportOctets?: number;
  /** `manual`: success is reported when the application calls `message.confirm`. Default: when all has arrived. */
  readonly confirm?: "auto" | "manual";
  /** Cut chunks at this many octets; 0 (the default) for as few chunks as possible (RFC 4975 §7.1.1). */
  readonly chunkOctets?: number;
}

/** What a session needs of its endpoint. */
export interface SessionHost {
  send(session: Session, options: MessageOptions, now: Millis): OutgoingMessage;
  request(request: OutgoingRequest, now: Millis): void;
  sessionFailed(session: Session, failure: Failure, now: Millis): void;
  closeSession(session: Session, now: Millis): void;
  holdReading(on: boolean): void;
}

export class Session {
  /** Our URI in this session. */
  readonly own: string;
  readonly sink: SessionSink;
  readonly acceptTypes: readonly string[];
  readonly maxSize: number;
  readonly reportOctets: number;
  readonly confirm: "auto" | "manual";
  readonly chunkOctets: number;
  /** To-Path of what we send; empty while the peer is unknown. */
  toPath: string;
  /** Why the session has failed. */
  failure: Failure | undefined;
  closed: boolean;

  // For the endpoint.
  readonly uri: Uri;
  readonly ownOctets: Uint8Array;
  /** Someone has sent to us. */
  bound: boolean;
  /** The peer's own URI, if the first SEND taught it to us: nobody else may use the session. */
  learnedFrom: Uri | undefined;
  readonly incoming: Map<string, IncomingMessage>;
  /** Messages that have ended, by Message-ID: what they are answered with. `total` is -1 for those not complete. */
  readonly finished: Map<string, { readonly status: number; readonly total: number }>;
  readonly outgoing: Map<string, OutgoingMessage>;
  /** Long messages that are going out. */
  long: number;
  readonly #host: SessionHost;
  #paused: boolean;

  constructor(host: SessionHost, own: string, options: SessionOptions) {
    this.own = own;
    this.sink = options.sink;
    this.acceptTypes = (options.acceptTypes ?? ["*"]).map((type) => type.toLowerCase());
    this.maxSize = options.maxSize ?? Number.POSITIVE_INFINITY;
    this.reportOctets = options.reportOctets ?? 0;
    this.confirm = options.confirm ?? "auto";
    this.chunkOctets = options.chunkOctets ?? 0;
    this.toPath = "";
    this.failure = undefined;
    this.closed = false;
    this.uri = checkedOwn(own);
    this.ownOctets = octets(own);
    this.bound = false;
    this.learnedFrom = undefined;
    this.incoming = new Map();
    this.finished = new Map();
    this.outgoing = new Map();
    this.long = 0;
    this.#host = host;
    this.#paused = false;
    if (options.peerPath !== undefined) this.reroute(options.usePath ?? "", options.peerPath);
  }

  /** Sends a message. It may have failed already when this returns: the session has, or a bound is reached. */
  send(options: MessageOptions, now: Millis): OutgoingMessage {
    if (this.toPath === "") throw new MisuseError("nobody has bound to this session yet: there is no path to send to");
    return this.#host.send(this, options, now);
  }

  /** Sends a request of another method (RFC 4975 §12), such as NICKNAME. It may have failed when this returns. */
  request(method: string, headers: OtherRequest["headers"], now: Millis): OutgoingRequest {
    if (this.toPath === "") throw new MisuseError("nobody has bound to this session yet: there is no path to send to");
    const request = new OutgoingRequest(this, method, headers);
    this.#host.request(request, now);
    return request;
  }

  /**
   * Sends by another way from the next chunk on, after a refresh or a new offer (RFC 4975 §8.4).
   *
   * @param usePath   the way through our relays
   * @param peerPath  the peer's `a=path`
   */
  reroute(usePath: string, peerPath: string): void {
    this.toPath = toPath(usePath === "" ? "" : checkedPath(usePath), checkedPath(peerPath));
  }

  /** Stops reading from the connection, with all its sessions, until `resume`. What has been read may still come. */
  pause(): void {
    if (this.#paused || this.closed) return;
    this.#paused = true;
    this.#host.holdReading(true);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#host.holdReading(false);
  }

  /** Ends the session here: what is under way is given up, and requests for it are answered with 481. */
  close(now: Millis): void {
    if (this.closed) return;
    this.closed = true;
    this.resume();
    this.#host.closeSession(this, now);
  }

  // ---- for the endpoint ----

  /** A message of ours has failed: does that end the session? */
  suffered({ failure, quiet }: OutgoingMessage, now: Millis): void {
    if (failure === undefined || this.failure !== undefined || this.closed) return;
    // Nobody answered a sign of life: that was the question.
    const silent = quiet && failure.by === "timeout";
    if (silent || endsSession(failure)) this.#host.sessionFailed(this, failure, now);
  }
}

/** Does the failure of one message mean that the session has failed? */
function endsSession({ by, status }: Failure): boolean {
  // §10.8, §10.10: there is no such session, or it is not for us.
  if (by === "response") return status === 481 || status === 506;
  // §7.3.2: octets that were reported as lost end it. But 408 is as good as a timeout of our own, which ends a message
  // (§10.4), and 413 and 415 are about the message or its type (§10.5, §10.6).
  return by === "report" && status !== 408 && status !== 413 && status !== 415;
}
