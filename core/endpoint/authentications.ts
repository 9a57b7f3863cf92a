/**
 * The authentications of an endpoint: one at a time, because AUTHs are not pipelined (RFC 4976 §9.1), and each again
 * before its URIs expire.
 */
import type { Millis } from "../ports.ts";
import type { Authentication } from "./authentication.ts";
import type { Failure } from "./failure.ts";

export class Authentications {
  readonly #all: Set<Authentication>;
  readonly #queue: Authentication[];
  #current: Authentication | undefined;

  constructor() {
    this.#all = new Set();
    this.#queue = [];
    this.#current = undefined;
  }

  /** When the next of them is due. */
  get deadline(): Millis {
    let deadline = Number.POSITIVE_INFINITY;
    for (const { refreshAt } of this.#all) if (refreshAt < deadline) deadline = refreshAt;
    return deadline;
  }

  add(authentication: Authentication): void {
    this.#all.add(authentication);
    this.#queue.push(authentication);
  }

  /** It has failed, or its application wants no more of it. */
  forget(authentication: Authentication): void {
    this.#all.delete(authentication);
    this.done(authentication);
  }

  /** Its dialogue is over. */
  done(authentication: Authentication): void {
    if (this.#current === authentication) this.#current = undefined;
  }

  /** Begins the next dialogue, unless one is under way. */
  next(now: Millis): void {
    this.#current ??= this.#queue.shift();
    if (this.#current?.state === "waiting") this.#current.begin(now);
  }

  /** Puts those in the queue that are due. */
  tick(now: Millis): void {
    for (const authentication of this.#all) {
      if (authentication.refreshAt > now) continue;
      authentication.postpone();
      this.#queue.push(authentication);
    }
  }

  /** One whose path holds, if there is any. */
  valid(): Authentication | undefined {
    for (const authentication of this.#all) if (authentication.state === "valid") return authentication;
    return undefined;
  }

  /** The connection has ended. */
  end(failure: Failure, now: Millis): void {
    this.#queue.length = 0;
    for (const authentication of [...this.#all])
      if (authentication.state !== "valid") authentication.fail(failure, now);
  }
}
