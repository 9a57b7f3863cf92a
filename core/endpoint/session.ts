/**
 * A session: our URI, the way to the peer's, and the messages in both directions (RFC 4975 §5.4, §8).
 *
 * Most sessions know their peer from its session description. One that does not learns it from the first SEND, whose
 * From-Path leads back all the way; from then on it is taken, and others get a 506.
 */
import { DOLLAR, octets } from "../bytes/octets.ts";
import type { RandomPool } from "../bytes/random.ts";
import { parsePath } from "../codec/path.ts";
import { sameUri, type Uri } from "../codec/uri.ts";
import { writeEndLine, writeHeader, writeRequestLine } from "../codec/writer.ts";
import { type Millis, MisuseError } from "../ports.ts";
import type { Failure } from "./failure.ts";
import { Inbox } from "./inbox.ts";
import type { EndpointLimits } from "./limits.ts";
import { type OtherRequest, OutgoingRequest } from "./other-request.ts";
import { type MessageOptions, OutgoingMessage } from "./outgoing-message.ts";
import { checkedOwn, checkedPath, toPath } from "./paths.ts";
import type { Sender } from "./sender.ts";
import { SentMessages } from "./sent-messages.ts";
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
  readonly sender: Sender;
  readonly random: RandomPool;
  readonly limits: EndpointLimits;
  /** The connection is over, or about to be. */
  readonly over: boolean;
  closed(session: Session, now: Millis): void;
  holdReading(on: boolean): void;
}

/** 100 bits: unlikely ever to be repeated (RFC 4975 §7.1.1). */
const MESSAGE_ID_LETTERS = 20;

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
  /** Someone has sent to us. */
  bound: boolean;

  // For the endpoint.
  readonly uri: Uri;
  readonly ownOctets: Uint8Array;
  readonly inbox: Inbox;
  readonly sent: SentMessages;
  /** Long messages that are going out. */
  long: number;
  /** The peer's own URI, if the first SEND taught it to us: nobody else may use the session. */
  #learnedFrom: Uri | undefined;
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
    this.bound = false;
    this.uri = checkedOwn(own);
    this.ownOctets = octets(own);
    this.inbox = new Inbox(host.limits);
    this.sent = new SentMessages(host.limits);
    this.long = 0;
    this.#learnedFrom = undefined;
    this.#host = host;
    this.#paused = false;
    if (options.peerPath !== undefined) this.reroute(options.usePath ?? "", options.peerPath);
  }

  // ---- for the application ----

  /** Sends a message. It may have failed already when this returns: the session has, or a bound is reached. */
  send(options: MessageOptions, now: Millis): OutgoingMessage {
    return this.#send(options, now, false);
  }

  /** Sends a request of another method (RFC 4975 §12), such as NICKNAME. It may have failed when this returns. */
  request(method: string, headers: OtherRequest["headers"], now: Millis): OutgoingRequest {
    this.#mustKnowPeer();
    const { sender } = this.#host;
    const { control } = sender;
    const request = new OutgoingRequest(this, method, headers);
    request.failure = this.#unusable ?? sender.unableToAsk;
    if (request.failure !== undefined) return request;
    const id = sender.newTransactId();
    writeRequestLine(control, id, method);
    writeHeader(control, "To-Path", this.toPath);
    writeHeader(control, "From-Path", this.own);
    for (const [name, value] of headers) writeHeader(control, name, value);
    writeEndLine(control, id, DOLLAR, false);
    sender.awaitControl(id, request, now);
    sender.flush(now);
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
    this.resume();
    this.closed = true;
    this.sent.abort(now);
    this.sent.fail({ by: "session", status: 0, comment: "the session was closed" }, now);
    this.#host.closed(this, now);
  }

  // ---- for the endpoint ----

  /** Sends a sign of life; the application hears of it only if nobody answers. */
  ping(now: Millis): OutgoingMessage {
    return this.#send({}, now, true);
  }

  /**
   * A SEND came by the path `fromPath`. The first one binds the session (§5.4); where it taught us who the peer is,
   * nobody else may use it.
   *
   * @returns 0, or the status to refuse it with
   */
  bind(fromPath: string, now: Millis): number {
    if (this.toPath === "" || (this.#learnedFrom !== undefined && fromPath !== this.toPath)) {
      const peer = parsePath(fromPath)?.uris.at(-1);
      if (peer === undefined) return 400;
      if (this.#learnedFrom !== undefined && !sameUri(this.#learnedFrom, peer)) return 506;
      // The same peer by another way, after a refresh at its relay.
      this.#learnedFrom = peer;
      this.toPath = fromPath;
    }
    if (this.bound) return 0;
    this.bound = true;
    this.sink.bound?.(this, now);
    return 0;
  }

  /** A message of ours has failed: does that end the session? */
  suffered({ failure, quiet }: OutgoingMessage, now: Millis): void {
    if (failure === undefined || this.failure !== undefined || this.closed) return;
    // Nobody answered a sign of life: that was the question. A relay that says so means the same (§10.4).
    const silent = quiet && (failure.by === "timeout" || failure.status === 408);
    if (!silent && !endsSession(failure)) return;
    this.failure = failure;
    this.sent.fail({ ...failure, by: "session" }, now);
    this.sink.failed?.(this, failure, now);
  }

  #send(options: MessageOptions, now: Millis, quiet: boolean): OutgoingMessage {
    this.#mustKnowPeer();
    const { limits, random, sender } = this.#host;
    const id = options.messageId ?? random.text(MESSAGE_ID_LETTERS);
    if (this.sent.has(id)) throw new MisuseError(`a second message ${id} while the first is on its way`);
    const message = new OutgoingMessage(id, this, sender, options, limits, quiet);
    message.failure = this.#unusable ?? this.#overfull(options, now);
    if (message.failure !== undefined) {
      message.state = "failed";
      return message;
    }
    this.sent.add(message);
    if (options.body !== undefined) message.take(options.body.subarray(message.from));
    sender.enqueue(message);
    sender.flush(now);
    message.supply.keep();
    return message;
  }

  #mustKnowPeer(): void {
    if (this.toPath === "") throw new MisuseError("nobody has bound to this session yet: there is no path to send to");
  }

  /** Why nothing can be sent. */
  get #unusable(): Failure | undefined {
    if (this.#host.over) return { by: "connection", status: 0, comment: "the connection has ended" };
    if (this.closed) return { by: "session", status: 481, comment: "the session is closed" };
    return this.failure && { ...this.failure, by: "session" };
  }

  /** Why this message cannot be sent now. */
  #overfull({ body }: MessageOptions, now: Millis): Failure | undefined {
    const { limits, sender } = this.#host;
    if (body !== undefined && body.length + sender.held > limits.held) {
      return { by: "limit", status: 0, comment: "too much waits in memory already; give long messages bit by bit" };
    }
    if (this.sent.makeRoom(now)) return undefined;
    return { by: "limit", status: 0, comment: "too many messages are on their way" };
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
