/**
 * Making relays act for us (RFC 4976 §5.1): one AUTH dialogue for each relay of a chain, the next one through the path
 * the last one gave, and all of it again before the URIs expire.
 *
 * A dialogue is a challenge and an answer. It has one more turn when the relay calls our nonce stale, and one more when
 * it wants another Expires (423); everything else ends it. AUTHs are never pipelined (§9.1): the endpoint runs one
 * Authentication at a time.
 */
import { type Answer, answerChallenge, checkAuthenticationInfo, type NextAuth } from "../auth/answer.ts";
import { type Challenge, chooseChallenge } from "../auth/challenge.ts";
import { DOLLAR } from "../bytes/octets.ts";
import type { RandomPool } from "../bytes/random.ts";
import type { Head } from "../codec/head.ts";
import { AUTHENTICATION_INFO, EXPIRES, MAX_EXPIRES, MIN_EXPIRES, USE_PATH, WWW_AUTHENTICATE } from "../codec/header.ts";
import { parsePath } from "../codec/path.ts";
import { writeEndLine, writeHeader, writeRequestLine } from "../codec/writer.ts";
import type { Credential, Millis } from "../ports.ts";
import type { Failure } from "./failure.ts";
import { checkedPath, sdpPath, toPath } from "./paths.ts";
import type { Sender } from "./sender.ts";
import type { Asker } from "./transactions.ts";

/** A relay, and what we are there. */
export interface RelayAccount {
  /** Where AUTH goes: `msrps://relay.example.com;tcp`, a port being allowed to be missing (RFC 4976 §8). */
  readonly uri: string;
  readonly username: string;
  readonly credential: Credential;
  /** Write `uri` into Authorization; RFC 4976 has none, Kamailio wants it. Default: false. */
  readonly withUri?: boolean;
}

export interface AuthenticationOptions {
  /** From the one we are connected to outwards. */
  readonly relays: readonly RelayAccount[];
  /** Our URI, the `own` of the session that will use the path. Absent: a new one is made. */
  readonly own?: string;
  /** How long we would like the URIs to hold; the relays decide. */
  readonly expiresSeconds?: number;
  /** After which part of their life the URIs are refreshed; 0 for never. Default: 0.8. */
  readonly refreshAt?: number;
}

/** Attempts in one dialogue: challenge, answer, a stale nonce or two, a 423. A relay that wants more never ends. */
const MAX_TURNS = 6;
const CNONCE_LETTERS = 16;

/** What an Authentication needs of its endpoint. */
export interface AuthenticationHost {
  readonly sender: Sender;
  readonly random: RandomPool;
  authenticated(authentication: Authentication, now: Millis): void;
  authenticationFailed(authentication: Authentication, failure: Failure, now: Millis): void;
  forget(authentication: Authentication): void;
}

export class Authentication implements Asker {
  readonly own: string;
  readonly relays: readonly RelayAccount[];
  /** `waiting` for its turn and `asking`, both also while it is being refreshed. */
  state: "waiting" | "asking" | "valid" | "failed";
  /** The way through the relays, as it stands in a To-Path; empty before there is one. */
  usePath: string;
  /** When the first of the URIs expires; Infinity when no relay has said. */
  expiresAt: Millis;
  /** When it will be refreshed; Infinity for never. */
  refreshAt: Millis;

  readonly #host: AuthenticationHost;
  readonly #refreshShare: number;
  readonly #wishSeconds: number | undefined;
  /** What each relay let us know for the next time. */
  readonly #next: (NextAuth | undefined)[];

  // The dialogue.
  #relay: number;
  #path: string; // what the relays so far have given
  #leastSeconds: number;
  #expiresSeconds: number | undefined;
  #answer: Answer | undefined; // what the AUTH under way carries
  #challenged: boolean; // this relay has challenged us in this dialogue
  #adjusted: boolean; // it has corrected our Expires
  #turns: number;

  constructor(host: AuthenticationHost, own: string, options: AuthenticationOptions) {
    this.own = own;
    this.relays = options.relays;
    for (const relay of this.relays) checkedPath(relay.uri);
    this.state = "waiting";
    this.usePath = "";
    this.expiresAt = Number.POSITIVE_INFINITY;
    this.refreshAt = Number.POSITIVE_INFINITY;
    this.#host = host;
    this.#refreshShare = options.refreshAt ?? 0.8;
    this.#wishSeconds = options.expiresSeconds;
    this.#next = [];
    this.#relay = 0;
    this.#path = "";
    this.#leastSeconds = Number.POSITIVE_INFINITY;
    this.#expiresSeconds = undefined;
    this.#answer = undefined;
    this.#challenged = false;
    this.#adjusted = false;
    this.#turns = 0;
  }

  /** The `a=path` to show to the peer: our relays, outermost first, and ourselves. */
  get sdpPath(): string {
    return sdpPath(this.usePath, this.own);
  }

  /** Lets the URIs expire. */
  stop(): void {
    this.refreshAt = Number.POSITIVE_INFINITY;
    if (this.state === "valid") this.#host.forget(this);
  }

  // ---- for the endpoint ----

  /** It is due, and waits for its turn. */
  postpone(): void {
    this.state = "waiting";
    this.refreshAt = Number.POSITIVE_INFINITY;
  }

  /** Begins with the first relay. */
  begin(now: Millis): void {
    this.state = "asking";
    this.#path = "";
    this.#leastSeconds = Number.POSITIVE_INFINITY;
    this.#turnTo(0, now);
  }

  answered(status: number, comment: string, head: Head, now: Millis): void {
    if (this.state !== "asking") return;
    if (status === 200) this.#accepted(head, now);
    else if (status === 401) this.#wasChallenged(head, comment, now);
    else if (status === 423 && this.#adjust(head)) this.#askAgain(now);
    else this.fail({ by: "response", status, comment }, now);
  }

  fail(failure: Failure, now: Millis): void {
    if (this.state === "failed") return;
    this.state = "failed";
    this.refreshAt = Number.POSITIVE_INFINITY;
    this.#host.authenticationFailed(this, failure, now);
  }

  // ---- the dialogue ----

  #turnTo(relay: number, now: Millis): void {
    this.#relay = relay;
    this.#expiresSeconds = this.#wishSeconds;
    this.#challenged = this.#adjusted = false;
    this.#turns = 0;
    const next = this.#next[relay];
    this.#next[relay] = undefined;
    this.#ask(next?.challenge, next?.nonceCount ?? 1, now);
  }

  /** Sends an AUTH, with an answer when there is a challenge to answer. */
  #ask(challenge: Challenge | undefined, nonceCount: number, now: Millis): void {
    const account = this.relays[this.#relay] as RelayAccount;
    const { random, sender } = this.#host;
    this.#turns++;
    this.#answer =
      challenge &&
      answerChallenge({
        challenge,
        username: account.username,
        credential: account.credential,
        uri: account.uri,
        cnonce: random.text(CNONCE_LETTERS),
        nonceCount,
        withUri: account.withUri ?? false,
      });
    const id = sender.newTransactId();
    const { control } = sender;
    writeRequestLine(control, id, "AUTH");
    writeHeader(control, "To-Path", toPath(this.#path, account.uri));
    writeHeader(control, "From-Path", this.own);
    if (this.#answer !== undefined) writeHeader(control, "Authorization", this.#answer.authorization);
    if (this.#expiresSeconds !== undefined) writeHeader(control, "Expires", String(this.#expiresSeconds));
    writeEndLine(control, id, DOLLAR, false);
    sender.awaitControl(id, this, now);
    sender.flush(now);
  }

  #wasChallenged(head: Head, comment: string, now: Millis): void {
    const { credential } = this.relays[this.#relay] as RelayAccount;
    const challenge = chooseChallenge(head.values(WWW_AUTHENTICATE), credential);
    // A second challenge means that the answer was wrong, unless only the nonce was (RFC 2617 §3.2.1).
    const again = !this.#challenged || challenge?.stale === true;
    if (challenge === undefined || !again || this.#turns >= MAX_TURNS) {
      return this.fail({ by: "response", status: 401, comment }, now);
    }
    this.#challenged = true;
    this.#ask(challenge, 1, now);
  }

  /** Moves our Expires within the bounds of a 423 (§6.3); false when it has none or this is not the first. */
  #adjust(head: Head): boolean {
    const least = readSeconds(head.value(MIN_EXPIRES));
    const most = readSeconds(head.value(MAX_EXPIRES));
    if (this.#adjusted || (least === undefined && most === undefined)) return false;
    this.#adjusted = true;
    const wish = this.#expiresSeconds ?? least ?? most ?? 0;
    this.#expiresSeconds = Math.min(Math.max(wish, least ?? 0), most ?? Number.MAX_SAFE_INTEGER);
    return true;
  }

  #askAgain(now: Millis): void {
    const answer = this.#answer;
    this.#ask(answer?.challenge, (answer?.nonceCount ?? 0) + 1, now);
  }

  #accepted(head: Head, now: Millis): void {
    const answer = this.#answer;
    const info = head.value(AUTHENTICATION_INFO);
    if (answer !== undefined && info !== undefined) {
      const next = checkAuthenticationInfo(info, answer);
      if (next === undefined) return this.#distrust("the relay does not know the password", now);
      this.#next[this.#relay] = next;
    }
    // §9.1 demands Authentication-Info; Kamailio sends none. TLS has shown who it is, so we go on without.
    const path = head.value(USE_PATH) ?? "";
    if (parsePath(path) === undefined) return this.#distrust("no usable Use-Path in the relay's answer", now);
    this.#path = path;
    this.#leastSeconds = Math.min(this.#leastSeconds, readSeconds(head.value(EXPIRES)) ?? Number.POSITIVE_INFINITY);
    if (this.#relay + 1 < this.relays.length) return this.#turnTo(this.#relay + 1, now);
    this.state = "valid";
    this.usePath = path;
    this.expiresAt = now + this.#leastSeconds * 1000;
    if (this.#refreshShare > 0) this.refreshAt = now + this.#leastSeconds * 1000 * this.#refreshShare;
    this.#host.authenticated(this, now);
  }

  #distrust(comment: string, now: Millis): void {
    this.fail({ by: "proof", status: 0, comment }, now);
  }
}

/** A whole number of seconds (§7); undefined when it is none or beyond a year. */
function readSeconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,8}$/.test(value) ? Number(value) : undefined;
}
