/**
 * Whose turn it is (RFC 4975 §7.1.1: "each concurrent request gets a chance to send some fair portion of data").
 *
 * Messages go round, and a turn is one quantum of body octets, whether in one chunk or in several. Short messages join
 * at once. Of the long ones each session has a few under way and the others wait in line, so that what is kept in
 * memory for them is bounded and no session waits for another.
 */
import type { EndpointLimits } from "./limits.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";

export class Rota {
  readonly #limits: EndpointLimits;
  /** Messages that take turns: of each session the short ones and at most `limits.concurrent` long ones. */
  readonly #active: OutgoingMessage[];
  /** Long messages that wait for another of their session to end, in order. */
  readonly #waiting: OutgoingMessage[];
  /** Where in `#active` the search for the next one begins. */
  #cursor: number;
  /** Whose turn it is. */
  #current: OutgoingMessage | undefined;
  /** Body octets written in this turn. */
  #used: number;

  constructor(limits: EndpointLimits) {
    this.#limits = limits;
    this.#active = [];
    this.#waiting = [];
    this.#cursor = 0;
    this.#current = undefined;
    this.#used = 0;
  }

  /** Those that take turns. */
  get active(): readonly OutgoingMessage[] {
    return this.#active;
  }

  /** Octets of messages that wait in memory. */
  get held(): number {
    let held = 0;
    for (const { supply } of this.#active) held += supply.length;
    for (const { supply } of this.#waiting) held += supply.length;
    return held;
  }

  /** Body octets that are left of this turn. */
  get rest(): number {
    return this.#limits.quantum - this.#used;
  }

  join(message: OutgoingMessage): void {
    if (message.long && message.session.long >= this.#limits.concurrent) this.#waiting.push(message);
    else this.#activate(message);
  }

  leave(message: OutgoingMessage): void {
    const { session } = message;
    const at = this.#active.indexOf(message);
    if (at < 0) {
      const waits = this.#waiting.indexOf(message);
      if (waits >= 0) this.#waiting.splice(waits, 1);
      return;
    }
    this.#active.splice(at, 1);
    if (at < this.#cursor) this.#cursor--;
    if (this.#current === message) this.#current = undefined;
    if (!message.long) return;
    session.long--;
    const next = this.#waiting.findIndex((other) => other.session === session);
    if (next >= 0) this.#activate(this.#waiting.splice(next, 1)[0] as OutgoingMessage);
  }

  /** Gives the turn to the next message that could begin a chunk. */
  next(mayBegin: (message: OutgoingMessage) => boolean): OutgoingMessage | undefined {
    const active = this.#active;
    for (let i = 0; i < active.length; i++) {
      const at = (this.#cursor + i) % active.length;
      const message = active[at] as OutgoingMessage;
      if (!mayBegin(message)) continue;
      this.#cursor = at + 1;
      if (message !== this.#current || this.rest <= 0) this.#used = 0;
      this.#current = message;
      return message;
    }
    return undefined;
  }

  wrote(octets: number): void {
    this.#used += octets;
  }

  /** Nobody else wants the turn: another quantum for whoever has it. */
  renew(): void {
    this.#used = 0;
  }

  /** A chunk ended of itself: the turn goes on with the next one of its message until the quantum is used. */
  stay(): void {
    if (this.rest > 0) this.#cursor--;
  }

  #activate(message: OutgoingMessage): void {
    this.#active.push(message);
    if (message.long) message.session.long++;
  }
}
