/**
 * The other side of the protocol: what talks to a relay, or to another endpoint, over one connection.
 *
 * An Endpoint is as pure as the relay: the adapter tells it what happened (`Feed`, `tick`), the application calls its
 * methods, and what follows goes to the Link and the sinks. It may be told to authenticate, open sessions and send
 * before there is a connection; all of that goes out when there is one.
 *
 *     const endpoint = new Endpoint({ host, fillRandom, sink: { authenticated } });
 *     runtime.dial(hop, options, driver, { opened: (link, now) => endpoint.connected(link, now), failed });
 *     endpoint.authenticate({ relays: [{ uri, username, credential: { password } }] }, now);
 *     // in `authenticated`
 *     const session = endpoint.open({ sink, own: it.own, usePath: it.usePath, peerPath });
 *     session.send({ contentType: "text/plain", body }, now);
 */
import { DOLLAR } from "../bytes/octets.ts";
import { RandomPool } from "../bytes/random.ts";
import type { Head } from "../codec/head.ts";
import { FROM_PATH, TO_PATH } from "../codec/header.ts";
import { firstUriEnd, parsePath } from "../codec/path.ts";
import { formatUri, readUri, sameUri, type Uri } from "../codec/uri.ts";
import { writeEndLine, writeHeader, writeRequestLine } from "../codec/writer.ts";
import type { Fault } from "../faults.ts";
import { type Feed, type Link, type Millis, MisuseError, type Timed } from "../ports.ts";
import { Authentication, type AuthenticationHost, type AuthenticationOptions } from "./authentication.ts";
import type { Failure } from "./failure.ts";
import { defaultLimits, type EndpointLimits } from "./limits.ts";
import type { OutgoingRequest } from "./other-request.ts";
import { type MessageOptions, OutgoingMessage } from "./outgoing-message.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";
import { Session, type SessionHost, type SessionOptions } from "./session.ts";
import type { EndpointSink, SessionSink } from "./sinks.ts";

export interface EndpointOptions {
  /** Fills with randomness of cryptographic strength. */
  readonly fillRandom: (target: Uint8Array) => void;
  readonly sink?: EndpointSink;
  /** Where our own URIs say that we are. Behind a relay nobody goes there, so a name of convenience will do. */
  readonly host: { readonly secure: boolean; readonly host: string; readonly port: number };
  /**
   * For those who accept connections: the session that a stranger's SEND means (RFC 4975 §5.4), when this endpoint
   * has none of that URI. Open it here and return it; 481 if there is none, 506 if another connection has it.
   */
  readonly admit?: (own: Uri, endpoint: Endpoint, now: Millis) => Session | 481 | 506;
  /** Quiet after which a SEND without a body keeps the connection alive; 0 (the default) for never. */
  readonly keepaliveSeconds?: number;
  readonly limits?: Partial<EndpointLimits>;
}

/** 130 bits; RFC 4975 §14.1 wants 80. */
const SESSION_ID_LETTERS = 26;
/** 100 bits: unlikely ever to be repeated (RFC 4975 §7.1.1). */
const MESSAGE_ID_LETTERS = 20;

export class Endpoint implements Feed, Timed {
  readonly #options: EndpointOptions;
  readonly #limits: EndpointLimits;
  readonly #sink: EndpointSink;
  readonly #random: RandomPool;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  /** By session-id. */
  readonly #sessionHost: SessionHost;
  readonly #sessions: Map<string, Session>;
  /** The session of the last request, where the next one probably belongs. */
  #lastSession: Session | undefined;
  readonly #authentications: Set<Authentication>;
  /** Those whose turn has not come: AUTHs are not pipelined (RFC 4976 §9.1). */
  readonly #queue: Authentication[];
  #authenticating: Authentication | undefined;
  #link: Link | undefined;
  #over: boolean;
  /** A read is being worked through. */
  #reading: boolean;
  /** The application has closed us in the middle of it. */
  #closing: boolean;
  /** Reasons not to read: paused sessions, and a link so full that not even responses fit. */
  #holds: number;
  #choked: boolean;
  #keepalive: OutgoingMessage | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#sink = options.sink ?? {};
    this.#random = new RandomPool(options.fillRandom);
    this.#sender = new Sender(this.#limits, this.#random);
    this.#receiver = new Receiver(this.#limits, this.#sender, {
      find: (head, now) => this.#find(head, now),
      known: (head) => this.#known(head),
      lost: (fault, now) => this.#end(fault, now),
    });
    this.#sessionHost = {
      send: (session, message, now) => this.#send(session, message, now),
      request: (request, now) => this.#request(request, now),
      sessionFailed: (session, failure, now) => this.#sessionFailed(session, failure, now),
      closeSession: (session, now) => this.#closeSession(session, now),
      holdReading: (on) => this.#holdReading(on),
    };
    this.#sessions = new Map();
    this.#lastSession = undefined;
    this.#authentications = new Set();
    this.#queue = [];
    this.#authenticating = undefined;
    this.#link = undefined;
    this.#over = false;
    this.#reading = false;
    this.#closing = false;
    this.#holds = 0;
    this.#choked = false;
    this.#keepalive = undefined;
  }

  // ---- for the application ----

  /** A new URI of our own, for a session that has to be announced before there is a connection. */
  newUri(): string {
    const sessionId = this.#random.text(SESSION_ID_LETTERS);
    return formatUri({ ...this.#options.host, userinfo: "", sessionId, transport: "tcp" });
  }

  /** Asks relays to act for us (RFC 4976 §5.1). Each session needs an authentication of its own (§3.1). */
  authenticate(options: AuthenticationOptions, now: Millis): Authentication {
    if (options.relays.length === 0) throw new MisuseError("no relay to authenticate to");
    const host: AuthenticationHost = {
      sender: this.#sender,
      random: this.#random,
      authenticated: (it, at) => this.#authenticated(it, at),
      authenticationFailed: (it, failure, at) => this.#authenticationFailed(it, failure, at),
      forget: (it) => this.#authentications.delete(it),
    };
    const authentication = new Authentication(host, options.own ?? this.newUri(), options);
    this.#authentications.add(authentication);
    this.#queue.push(authentication);
    this.#nextAuthentication(now);
    return authentication;
  }

  /** Opens a session: what comes for its URI goes to its sink. */
  open(options: SessionOptions): Session {
    const session = new Session(this.#sessionHost, options.own ?? this.newUri(), options);
    if (this.#sessions.has(session.uri.sessionId)) throw new MisuseError(`a second session for ${session.own}`);
    this.#sessions.set(session.uri.sessionId, session);
    return session;
  }

  /** Ends everything: open chunks are aborted, what was written is still sent. */
  close(now: Millis): void {
    // In the middle of a read there may be answers that are owed for it.
    if (this.#reading) this.#closing = true;
    else this.#end("CLOSED", now);
  }

  // ---- for the adapter ----

  /** There is a connection. */
  connected(link: Link, now: Millis): Feed {
    if (this.#link !== undefined) throw new MisuseError("an endpoint has one connection in its life");
    this.#link = link;
    if (this.#over) {
      link.close();
      return this;
    }
    if (this.#holds > 0) link.setReading(false);
    this.#sender.connect(link, now);
    this.#nextAuthentication(now);
    this.#sender.flush(now);
    return this;
  }

  received(bytes: Uint8Array, now: Millis): void {
    if (this.#over) return;
    this.#reading = true;
    this.#sender.cork();
    this.#receiver.read(bytes, now);
    this.#sender.uncork(now);
    this.#reading = false;
    if (this.#closing) this.#end("CLOSED", now);
    // Somebody who asks and asks and never reads the answers: let him.
    if (!this.#choked && this.#backlog > 2 * this.#limits.backlog) {
      this.#choked = true;
      this.#holdReading(true);
    }
  }

  writable(now: Millis): void {
    if (this.#over) return;
    if (this.#choked && this.#backlog < this.#limits.backlog) {
      this.#choked = false;
      this.#holdReading(false);
    }
    this.#sender.flush(now);
  }

  ended(now: Millis): void {
    this.#end("PEER", now);
  }

  get deadline(): Millis {
    if (this.#over || this.#link === undefined) return Number.POSITIVE_INFINITY;
    let deadline = Math.min(this.#sender.transactions.deadline, this.#keepaliveAt());
    for (const { refreshAt } of this.#authentications) if (refreshAt < deadline) deadline = refreshAt;
    return deadline;
  }

  tick(now: Millis): void {
    if (this.#over || this.#link === undefined) return;
    this.#sender.expire(now);
    for (const authentication of this.#authentications) {
      if (authentication.refreshAt > now) continue;
      authentication.refreshAt = Number.POSITIVE_INFINITY;
      this.#queue.push(authentication);
    }
    this.#nextAuthentication(now);
    if (this.#keepaliveAt() <= now) this.#keepAlive(now);
    this.#sender.flush(now);
  }

  // ---- sessions ----

  /** The session that is the whole To-Path (RFC 4975 §7.3). */
  #known(head: Head): Session | undefined {
    const last = this.#lastSession;
    if (last !== undefined && !last.closed && head.valueIs(TO_PATH, last.ownOctets)) return last;
    const uri = wholePath(head);
    const session = uri && this.#sessions.get(uri.sessionId);
    if (session === undefined || !sameUri(session.uri, uri as Uri)) return undefined;
    this.#lastSession = session;
    return session;
  }

  #find(head: Head, now: Millis): Session | number {
    let session: Session | number | undefined = this.#known(head);
    if (session === undefined) {
      const uri = wholePath(head);
      session = uri === undefined ? 481 : (this.#options.admit?.(uri, this, now) ?? 481);
      if (typeof session === "number") return session;
    }
    return this.#bind(session, head, now);
  }

  /** §5.4: the first SEND binds the session; where it taught us who the peer is, nobody else may use it. */
  #bind(session: Session, head: Head, now: Millis): Session | number {
    const learns = session.toPath === "";
    if (learns || (session.learnedFrom !== undefined && head.value(FROM_PATH) !== session.toPath)) {
      const path = head.value(FROM_PATH) as string;
      const peer = parsePath(path)?.uris.at(-1);
      if (peer === undefined) return 400;
      if (session.learnedFrom !== undefined && !sameUri(session.learnedFrom, peer)) return 506;
      session.learnedFrom = peer;
      session.toPath = path;
    }
    if (session.bound) return session;
    session.bound = true;
    session.sink.bound?.(session, now);
    return session;
  }

  #send(session: Session, options: MessageOptions, now: Millis, quiet = false): OutgoingMessage {
    const id = options.messageId ?? this.#random.text(MESSAGE_ID_LETTERS);
    const message = new OutgoingMessage(id, session, this.#sender, options, this.#limits, quiet);
    const refusal = this.#refusal(session, options, now);
    if (refusal !== undefined) {
      message.state = "failed";
      message.failure = refusal;
      return message;
    }
    session.outgoing.set(id, message);
    if (options.body !== undefined) message.take(options.body);
    this.#sender.enqueue(message);
    this.#sender.flush(now);
    message.supply.keep();
    return message;
  }

  #request(request: OutgoingRequest, now: Millis): void {
    const { headers, method, session } = request;
    const { transactions } = this.#sender;
    request.failure = this.#unusable(session);
    if (this.#link === undefined || transactions.unanswered >= this.#limits.unanswered) {
      request.failure ??= { by: "limit", status: 0, comment: "no connection yet, or too many requests unanswered" };
    }
    if (request.failure !== undefined) return;
    const { control } = this.#sender;
    const id = this.#sender.newTransactId();
    writeRequestLine(control, id, method);
    writeHeader(control, "To-Path", session.toPath);
    writeHeader(control, "From-Path", session.own);
    for (const [name, value] of headers) writeHeader(control, name, value);
    writeEndLine(control, id, DOLLAR, false);
    this.#sender.awaitControl(id, request, now);
    this.#sender.flush(now);
  }

  /** Why nothing can be sent on a session. */
  #unusable(session: Session): Failure | undefined {
    if (this.#over || this.#closing) return { by: "connection", status: 0, comment: "the connection has ended" };
    if (session.closed) return { by: "session", status: 481, comment: "the session is closed" };
    return session.failure && { ...session.failure, by: "session" };
  }

  /** Why a message cannot be sent at all. */
  #refusal(session: Session, { body }: MessageOptions, now: Millis): Failure | undefined {
    const unusable = this.#unusable(session);
    if (unusable !== undefined) return unusable;
    if (body !== undefined && body.length + this.#sender.held > this.#limits.held) {
      return { by: "limit", status: 0, comment: "too much waits in memory already; give long messages bit by bit" };
    }
    if (this.#makeRoom(session, now)) return undefined;
    return { by: "limit", status: 0, comment: "too many messages are on their way" };
  }

  /** Forgets a message whose fate is known, or else the one that has waited longest for its report. */
  #makeRoom(session: Session, now: Millis): boolean {
    if (session.outgoing.size < this.#limits.messages) return true;
    let oldest: OutgoingMessage | undefined;
    for (const message of session.outgoing.values()) {
      if (message.settled) return session.outgoing.delete(message.id);
      if (message.state !== "waiting") oldest ??= message;
    }
    if (oldest === undefined) return false;
    this.#sender.fail(oldest, { by: "limit", status: 0, comment: "too many messages wait for a report" }, now);
    return session.outgoing.delete(oldest.id);
  }

  #sessionFailed(session: Session, failure: Failure, now: Millis): void {
    session.failure = failure;
    this.#failMessages(session, { ...failure, by: "session" }, now);
    session.sink.failed?.(session, failure, now);
  }

  #closeSession(session: Session, now: Millis): void {
    for (const message of session.outgoing.values()) if (message.state === "waiting") message.abort(now);
    this.#failMessages(session, { by: "session", status: 0, comment: "the session was closed" }, now);
    this.#receiver.drop(session, now);
    this.#sessions.delete(session.uri.sessionId);
    if (this.#lastSession === session) this.#lastSession = undefined;
  }

  #failMessages(session: Session, failure: Failure, now: Millis): void {
    for (const message of session.outgoing.values()) if (!message.settled) this.#sender.fail(message, failure, now);
  }

  // ---- authentications ----

  #nextAuthentication(now: Millis): void {
    if (this.#authenticating !== undefined || this.#link === undefined || this.#over) return;
    this.#authenticating = this.#queue.shift();
    this.#authenticating?.begin(now);
  }

  #authenticated(authentication: Authentication, now: Millis): void {
    this.#authenticating = undefined;
    this.#sink.authenticated?.(authentication, now);
    this.#nextAuthentication(now);
  }

  #authenticationFailed(authentication: Authentication, failure: Failure, now: Millis): void {
    if (this.#authenticating === authentication) this.#authenticating = undefined;
    this.#authentications.delete(authentication);
    this.#sink.authenticationFailed?.(authentication, failure, now);
    this.#nextAuthentication(now);
  }

  // ---- keeping alive ----

  #keepaliveAt(): Millis {
    const seconds = this.#options.keepaliveSeconds ?? 0;
    if (seconds === 0 || (this.#keepalive !== undefined && !this.#keepalive.settled)) return Number.POSITIVE_INFINITY;
    return this.#sender.wroteAt + seconds * 1000;
  }

  /** §7.1: a SEND without a body, along a session, or to our relays alone while there is none. */
  #keepAlive(now: Millis): void {
    this.#keepalive = undefined;
    for (const session of this.#sessions.values()) {
      if (session.toPath === "" || session.failure !== undefined) continue;
      this.#keepalive = this.#send(session, {}, now, true);
      return;
    }
    for (const authentication of this.#authentications) {
      const { own, state, usePath } = authentication;
      if (state !== "valid") continue;
      const sink: SessionSink = { failed: (_, failure, at) => authentication.fail(failure, at) };
      this.#keepalive = this.#send(new Session(this.#sessionHost, own, { sink, peerPath: usePath }), {}, now, true);
      return;
    }
    // Nobody to write to: look again after another while.
    this.#sender.wroteAt = now;
  }

  // ---- the connection ----

  get #backlog(): number {
    return this.#link?.backlog ?? 0;
  }

  #holdReading(on: boolean): void {
    this.#holds += on ? 1 : -1;
    if (this.#holds === (on ? 1 : 0)) this.#link?.setReading(!on);
  }

  #end(why: Fault | "PEER" | "CLOSED", now: Millis): void {
    if (this.#over) return;
    this.#over = true;
    this.#receiver.stop();
    // What is told now may make the application send: nothing of that goes out any more.
    this.#sender.cork();
    const failure: Failure = { by: "connection", status: 0, comment: "the connection has ended" };
    for (const session of this.#sessions.values()) {
      this.#failMessages(session, failure, now);
      this.#receiver.drop(session, now);
    }
    this.#queue.length = 0;
    for (const authentication of [...this.#authentications]) {
      if (authentication.state === "asking") authentication.fail(failure, now);
    }
    this.#sender.disconnect(failure, now);
    this.#link?.close();
    this.#sink.ended?.(why, now);
  }
}

/** The To-Path, where it is a single URI. */
function wholePath(head: Head): Uri | undefined {
  const start = head.startOf(TO_PATH);
  const end = head.endOf(TO_PATH);
  return firstUriEnd(head.octets, start, end) === end ? readUri(head.octets, start, end) : undefined;
}
