/**
 * What is under way to another relay: octets of requests that it has not answered yet.
 *
 * A relay says 200 as soon as it has read a chunk's end-line (RFC 4976 §6.4.1), whatever becomes of it then, and reads what
 * we write in order. So a response tells that all up to its request has been read, and what lies behind that is in the
 * kernels' buffers, which take megabytes and cannot be overtaken. Only "yes" promises a response; what is sent with "no"
 * or "partial" is not waited for.
 *
 * It matters while several sessions share the connection: then somebody's chat waits behind somebody's file. A session
 * that is alone on it is left alone.
 */
import type { Millis } from "../ports.ts";
import type { Connection } from "./connection.ts";
import type { Timer } from "./timers.ts";

/** Octets that may be under way while sessions share: 10 ms at 100 MB/s, 50 ms at 20 MB/s. */
export const SHARED_WINDOW = 1024 * 1024;
/** Chunks end after so many then: each is answered, so the window moves in steps of a sixteenth. */
export const SHARED_CHUNK = 64 * 1024;
/** Two sessions whose requests come within this time share: somebody who chats writes about as often. */
const SHARED_FOR: Millis = 30_000;

export class Flight {
  /** Those that are not read from because too much of theirs is under way, oldest first. */
  readonly held: Connection[];
  /** Set while anybody is held. */
  timer: Timer | undefined;
  /** Until then there is no window. */
  openUntil: Millis;
  /** `connection.written` behind the last request that was answered. */
  answeredTo: number;
  #sentTo: number; // and behind the last one that will be
  #user: object | undefined; // the session whose request was the last
  #usedAt: Millis;
  #sharedUntil: Millis;

  constructor() {
    this.held = [];
    this.timer = undefined;
    this.openUntil = 0;
    this.answeredTo = 0;
    this.#sentTo = 0;
    this.#user = undefined;
    this.#usedAt = 0;
    this.#sharedUntil = 0;
  }

  get underWay(): number {
    return this.#sentTo - this.answeredTo;
  }

  /** A request of this session goes out. */
  usedBy(user: object, now: Millis): void {
    if (user !== this.#user) {
      if (this.#user !== undefined && now - this.#usedAt <= SHARED_FOR) this.#sharedUntil = now + SHARED_FOR;
      this.#user = user;
    }
    this.#usedAt = now;
  }

  isShared(now: Millis): boolean {
    return now < this.#sharedUntil;
  }

  isFull(now: Millis): boolean {
    return this.underWay > SHARED_WINDOW && this.isShared(now) && now >= this.openUntil;
  }

  /** A request that will be answered was written up to here. */
  sent(end: number): void {
    this.#sentTo = end;
  }

  /** And a request up to here was answered, or will never be. */
  answered(end: number): void {
    if (end > this.answeredTo) this.answeredTo = end;
  }
}
