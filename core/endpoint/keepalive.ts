/**
 * When to give a sign of life (RFC 4975 §7.1: a SEND without a body keeps NAT bindings): after so much quiet, and not
 * while the last one is unanswered.
 */
import type { Millis } from "../ports.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";

export class Keepalive {
  readonly #quiet: Millis;
  #last: OutgoingMessage | undefined;
  /** There was nobody to give a sign to, so no sooner than this. */
  #notBefore: Millis;

  /** @param seconds  0 for never */
  constructor(seconds: number) {
    this.#quiet = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
    this.#last = undefined;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  /** When the next one is due if nothing more is written. */
  deadline(wroteAt: Millis): Millis {
    if (this.#last !== undefined && !this.#last.settled) return Number.POSITIVE_INFINITY;
    return Math.max(wroteAt + this.#quiet, this.#notBefore);
  }

  sent(message: OutgoingMessage): void {
    this.#last = message;
  }

  postpone(now: Millis): void {
    this.#notBefore = now + this.#quiet;
  }
}
