/**
 * The messages a session has sent, by Message-ID: those whose fate is open, and the last few of the others, because a
 * REPORT may still call one back that the next hop had accepted (RFC 4975 §7.3.2, RFC 4976 §6.4.1).
 */
import type { Millis } from "../ports.ts";
import type { Failure } from "./failure.ts";
import type { EndpointLimits } from "./limits.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";

export class SentMessages {
  readonly #limits: EndpointLimits;
  readonly #open: Map<string, OutgoingMessage>;
  readonly #settled: Map<string, OutgoingMessage>;

  constructor(limits: EndpointLimits) {
    this.#limits = limits;
    this.#open = new Map();
    this.#settled = new Map();
  }

  find(id: string): OutgoingMessage | undefined {
    return this.#open.get(id) ?? this.#settled.get(id);
  }

  /**
   * Makes room for another: if there are too many, the one that has waited longest for its report is given up.
   *
   * @returns false when all of them are still being sent
   */
  makeRoom(now: Millis): boolean {
    if (this.#open.size < this.#limits.messages) return true;
    for (const message of this.#open.values()) {
      if (message.state === "waiting") continue;
      message.fail({ by: "limit", status: 0, comment: "too many messages wait for a report" }, now);
      return true;
    }
    return false;
  }

  /** Is there a message of this id that is not settled? */
  has(id: string): boolean {
    return this.#open.has(id);
  }

  add(message: OutgoingMessage): void {
    this.#settled.delete(message.id);
    this.#open.set(message.id, message);
  }

  /** Nothing of what was asked for is still to come. */
  settle(message: OutgoingMessage): void {
    if (!this.#open.delete(message.id)) return;
    if (this.#settled.size >= this.#limits.remembered)
      this.#settled.delete(this.#settled.keys().next().value as string);
    this.#settled.set(message.id, message);
  }

  /** Gives up what is still being sent. */
  abort(now: Millis): void {
    for (const message of [...this.#open.values()]) message.abort(now);
  }

  /** Fails whatever still waits for something. */
  fail(failure: Failure, now: Millis): void {
    for (const message of [...this.#open.values()]) message.fail(failure, now);
  }
}
