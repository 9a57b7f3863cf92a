/**
 * The messages that come in on a session, by Message-ID: those that are not over, and the ids of the last few that are,
 * since a duplicate is to be known as one (RFC 4975 §5.4) and chunks of a refused message may still be on their way.
 */
import type { Millis } from "../ports.ts";
import type { IncomingMessage, IncomingState } from "./incoming-message.ts";
import type { EndpointLimits } from "./limits.ts";

/** A message that has been silent for so long makes way for a new one when there are too many. */
const SILENCE: Millis = 60_000;

/** What is left of a message that is over. */
export interface Past {
  /** What its chunks are answered with. */
  readonly status: number;
  /** Its length if it was complete, or else -1. */
  readonly total: number;
}

export class Inbox {
  readonly #limits: EndpointLimits;
  readonly #open: Map<string, IncomingMessage>;
  readonly #past: Map<string, Past>;

  constructor(limits: EndpointLimits) {
    this.#limits = limits;
    this.#open = new Map();
    this.#past = new Map();
  }

  find(id: string): IncomingMessage | undefined {
    return this.#open.get(id);
  }

  past(id: string): Past | undefined {
    return this.#past.get(id);
  }

  /** Makes room for another message; false when there are too many and none of them has been silent for long. */
  makeRoom(now: Millis): boolean {
    if (this.#open.size < this.#limits.incoming) return true;
    let oldest: IncomingMessage | undefined;
    for (const message of this.#open.values()) {
      if (oldest === undefined || message.touchedAt < oldest.touchedAt) oldest = message;
    }
    if (oldest === undefined || now - oldest.touchedAt < SILENCE) return false;
    this.end(oldest, "lost", now);
    return true;
  }

  add(message: IncomingMessage): void {
    this.#open.set(message.id, message);
  }

  /** A message is over, by no doing of the application. */
  end(message: IncomingMessage, state: Exclude<IncomingState, "open" | "refused">, now: Millis): void {
    message.state = state;
    this.#open.delete(message.id);
    // What we have lost sight of we do not want the rest of.
    this.remember(message.id, state === "lost" ? 413 : 200, state === "complete" ? message.total : -1);
    message.session.sink.messageEnded?.(message, now);
  }

  /** A message is refused. */
  refuse(message: IncomingMessage, status: number): void {
    message.state = "refused";
    message.status = status;
    this.#open.delete(message.id);
    this.remember(message.id, status, -1);
  }

  remember(id: string, status: number, total = -1): void {
    this.#past.delete(id);
    if (this.#past.size >= this.#limits.remembered) this.#past.delete(this.#past.keys().next().value as string);
    this.#past.set(id, { status, total });
  }

  /** The session or the connection has ended. */
  clear(now: Millis): void {
    for (const message of [...this.#open.values()]) this.end(message, "lost", now);
  }
}
