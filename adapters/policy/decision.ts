/**
 * Asks an HTTP service whether a session may start (`policy.decision`).
 *
 * We ask `POST url` with `{ "username", "domain", "address", "port", "secure", "listener" }` and are answered 200 with
 * `{ "allow": true }` or `{ "allow": false }`. Whoever does not answer in time, or answers anything else, has not decided,
 * and then the configuration does. Nothing but the AUTH that is asked about waits for it.
 */
import { performance } from "node:perf_hooks";
import * as v from "valibot";
import type { SessionWanted } from "../../core/mod.ts";
import { AnswerError, JsonService } from "../accounts/json-service.ts";
import { inWords } from "../accounts/words.ts";

export interface DecisionSettings {
  readonly url: string;
  readonly token?: string;
  readonly seconds: number;
  /** When the service does not say. */
  readonly otherwise: "allow" | "deny";
}

export type Verdict = "ALLOW" | "DENY" | "UNAVAILABLE";

/** A line for the log. */
export interface DecisionNews {
  readonly event: "policyUnavailable" | "policyDown" | "policyUp";
  readonly text: string;
}

/** What came of a question; failed: the service did not say, and the configuration did. */
export type DecisionOutcome = "allowed" | "denied" | "failed";

export interface DecisionEvents {
  tell(news: DecisionNews): void;
  count(outcome: DecisionOutcome): void;
}

/** Questions under way; more are not put. */
const MOST_ASKED = 4096;
/** Failures are told once in this time, in milliseconds. */
const QUIET = 10_000;

const answer = v.object({ allow: v.boolean() });

export class Decision {
  readonly #settings: DecisionSettings;
  readonly #service: JsonService;
  readonly #events: DecisionEvents;
  #asked: number;
  /** When a failure was told last, and how many have not been told since. */
  #toldAt: number;
  #untold: number;

  constructor(settings: DecisionSettings, events: DecisionEvents) {
    this.#settings = settings;
    this.#events = events;
    const report = ({ up, text }: { readonly up: boolean; readonly text: string }) =>
      events.tell({ event: up ? "policyUp" : "policyDown", text: `policy.decision ${text}` });
    this.#service = new JsonService({ ...settings, retries: 0 }, report, `it is ${settings.otherwise}`);
    this.#asked = 0;
    this.#toldAt = Number.NEGATIVE_INFINITY;
    this.#untold = 0;
  }

  /** Never rejects. */
  async decide({ user, domain, peer, listener }: SessionWanted): Promise<Verdict> {
    this.#asked++;
    try {
      if (this.#asked > MOST_ASKED) throw new Error(`${MOST_ASKED} questions are waiting for an answer`);
      const { address, port, secure } = peer;
      const { json } = await this.#service.ask({ username: user, domain, address, port, secure, listener });
      const { success, output } = v.safeParse(answer, json);
      if (!success) throw new AnswerError("the answer does not say allow: true or false");
      this.#events.count(output.allow ? "allowed" : "denied");
      return output.allow ? "ALLOW" : "DENY";
    } catch (error) {
      this.#events.count("failed");
      const { otherwise } = this.#settings;
      this.#failed(`policy.decision about ${user}@${domain}: ${inWords(error)}; so it is ${otherwise}`);
      return otherwise === "allow" ? "ALLOW" : "UNAVAILABLE";
    } finally {
      this.#asked--;
    }
  }

  #failed(text: string): void {
    const now = performance.now();
    if (now - this.#toldAt < QUIET) {
      this.#untold++;
      return;
    }
    const more = this.#untold === 0 ? "" : `; ${this.#untold} more have failed since it was said last`;
    this.#toldAt = now;
    this.#untold = 0;
    this.#events.tell({ event: "policyUnavailable", text: `${text}${more}` });
  }

  close(): void {
    this.#service.close();
  }
}
