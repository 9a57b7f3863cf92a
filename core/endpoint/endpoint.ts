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
import { RandomPool } from "../bytes/random.ts";
import type { Head } from "../codec/head.ts";
import { FROM_PATH, MESSAGE_ID, TO_PATH } from "../codec/header.ts";
import { firstUriEnd } from "../codec/path.ts";
import { formatUri, readUri, sameUri, type Uri } from "../codec/uri.ts";
import type { Fault } from "../faults.ts";
import { type Feed, type Link, type Millis, MisuseError, type Timed } from "../ports.ts";
import { Authentication, type AuthenticationHost, type AuthenticationOptions } from "./authentication.ts";
import { Authentications } from "./authentications.ts";
import type { Failure } from "./failure.ts";
import { Keepalive } from "./keepalive.ts";
import { defaultLimits, type EndpointLimits } from "./limits.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
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

export class Endpoint implements Feed, Timed {
  readonly #options: EndpointOptions;
  readonly #limits: EndpointLimits;
  readonly #sink: EndpointSink;
  readonly #random: RandomPool;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #sessionHost: SessionHost;
  /** By session-id. */
  readonly #sessions: Map<string, Session>;
  /** The session of the last request, where the next one probably belongs. */
  #lastSession: Session | undefined;
  readonly #authentications: Authentications;
  readonly #authenticationHost: AuthenticationHost;
  readonly #keepalive: Keepalive;
  /** Carries the last sign of life that was for our relays alone. */
  #probe: Session | undefined;
  #link: Link | undefined;
  #over: boolean;
  /** A read is being worked through. */
  #reading: boolean;
  /** The application has closed us in the middle of it. */
  #closing: boolean;
  /** Reasons not to read: paused sessions, and a link so full that not even responses fit. */
  #holds: number;
  #choked: boolean;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#sink = options.sink ?? {};
    this.#random = new RandomPool(options.fillRandom);
    this.#sender = new Sender(this.#limits, this.#random);
    this.#receiver = new Receiver(this.#limits, this.#sender, {
      find: (head, now) => this.#find(head, now),
      known: (head) => this.#known(head),
      sent: (head) => this.#sent(head),
      lost: (fault, now) => this.#end(fault, now),
    });
    this.#sessionHost = this.#makeSessionHost();
    this.#sessions = new Map();
    this.#lastSession = undefined;
    this.#authentications = new Authentications();
    this.#authenticationHost = this.#makeAuthenticationHost();
    this.#keepalive = new Keepalive(options.keepaliveSeconds ?? 0);
    this.#probe = undefined;
    this.#link = undefined;
    this.#over = false;
    this.#reading = false;
    this.#closing = false;
    this.#holds = 0;
    this.#choked = false;
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
    const authentication = new Authentication(this.#authenticationHost, options.own ?? this.newUri(), options);
    this.#authentications.add(authentication);
    this.#authenticate(now);
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
    this.#authenticate(now);
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
    const { transactions, wroteAt } = this.#sender;
    return Math.min(transactions.deadline, this.#authentications.deadline, this.#keepalive.deadline(wroteAt));
  }

  tick(now: Millis): void {
    if (this.#over || this.#link === undefined) return;
    this.#sender.expire(now);
    this.#authentications.tick(now);
    this.#authenticate(now);
    if (this.#keepalive.deadline(this.#sender.wroteAt) <= now) this.#keepAlive(now);
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

  #sent(head: Head): OutgoingMessage | undefined {
    const id = head.value(MESSAGE_ID) ?? "";
    return this.#known(head)?.sent.find(id) ?? this.#probe?.sent.find(id);
  }

  #find(head: Head, now: Millis): Session | number {
    let session: Session | number | undefined = this.#known(head);
    if (session === undefined) {
      const uri = wholePath(head);
      session = uri === undefined ? 481 : (this.#options.admit?.(uri, this, now) ?? 481);
      if (typeof session === "number") return session;
    }
    return session.bind(head.value(FROM_PATH) as string, now) || session;
  }

  #makeSessionHost(): SessionHost {
    const isOver = () => this.#over || this.#closing;
    return {
      sender: this.#sender,
      random: this.#random,
      limits: this.#limits,
      get over() {
        return isOver();
      },
      closed: (session, now) => {
        this.#sessions.delete(session.uri.sessionId);
        if (this.#lastSession === session) this.#lastSession = undefined;
        // Last, because who hears of it may open another with the same URI.
        session.inbox.clear(now);
      },
      holdReading: (on) => this.#holdReading(on),
    };
  }

  // ---- authentications ----

  #authenticate(now: Millis): void {
    if (this.#link !== undefined && !this.#over) this.#authentications.next(now);
  }

  #makeAuthenticationHost(): AuthenticationHost {
    return {
      sender: this.#sender,
      random: this.#random,
      authenticated: (it, now) => {
        this.#authentications.done(it);
        this.#sink.authenticated?.(it, now);
        this.#authenticate(now);
      },
      authenticationFailed: (it, failure, now) => {
        this.#authentications.forget(it);
        this.#sink.authenticationFailed?.(it, failure, now);
        this.#authenticate(now);
      },
      forget: (it) => this.#authentications.forget(it),
    };
  }

  // ---- keeping alive ----

  /** Asks our relays, and nobody else, whether they still know us; `authenticationFailed` when they do not. */
  probe(authentication: Authentication, now: Millis): void {
    const { own, state, usePath } = authentication;
    if (state !== "valid" || this.#over) return;
    const sink: SessionSink = { failed: (_, failure, at) => authentication.fail(failure, at) };
    // Not among the sessions: nothing may come for it but what is said about the probe, at once or by a relay far away.
    this.#probe = new Session(this.#sessionHost, own, { sink, peerPath: usePath });
    this.#keepalive.sent(this.#probe.ping(now));
  }

  /** §7.1: a SEND without a body, along a session, or to our relays alone while there is none. */
  #keepAlive(now: Millis): void {
    for (const session of this.#sessions.values()) {
      if (session.toPath !== "" && session.failure === undefined) return this.#keepalive.sent(session.ping(now));
    }
    const authentication = this.#authentications.valid();
    if (authentication === undefined) return this.#keepalive.postpone(now);
    this.probe(authentication, now);
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
    for (const session of [...this.#sessions.values()]) {
      session.sent.fail(failure, now);
      session.inbox.clear(now);
    }
    this.#authentications.end(failure, now);
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
