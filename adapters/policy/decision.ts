/**
 * Asks an HTTP service whether a session may start (`policy.decision`).
 *
 * We ask `POST url` with `{ "username", "domain", "address", "port", "secure", "listener" }` and are answered 200 with
 * `{ "allow": true }` or `{ "allow": false }`. Whoever does not answer in time, or answers anything else, has not decided,
 * and then the configuration does. Nothing but the AUTH that is asked about waits for it.
 */
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

/** Plain numbers that only grow. */
export interface DecisionCounters {
  allowed: number;
  denied: number;
  /** The service did not say, and the configuration did. */
  failed: number;
}

/** Questions under way; more are not put. */
const MOST_ASKED = 4096;

const answer = v.object({ allow: v.boolean() });

export class Decision {
  readonly counters: DecisionCounters;
  readonly #settings: DecisionSettings;
  readonly #service: JsonService;
  readonly #tell: (news: DecisionNews) => void;
  #asked: number;

  constructor(settings: DecisionSettings, tell: (news: DecisionNews) => void) {
    this.counters = { allowed: 0, denied: 0, failed: 0 };
    this.#settings = settings;
    this.#tell = tell;
    const report = ({ up, text }: { readonly up: boolean; readonly text: string }) =>
      tell({ event: up ? "policyUp" : "policyDown", text: `policy.decision ${text}` });
    this.#service = new JsonService({ ...settings, retries: 0 }, report, `it is ${settings.otherwise}`);
    this.#asked = 0;
  }

  /** Never rejects. */
  async decide({ user, domain, peer, listener }: SessionWanted): Promise<Verdict> {
    const { counters } = this;
    this.#asked++;
    try {
      if (this.#asked > MOST_ASKED) throw new Error(`${MOST_ASKED} questions are waiting for an answer`);
      const { address, port, secure } = peer;
      const { json } = await this.#service.ask({ username: user, domain, address, port, secure, listener });
      const { success, output } = v.safeParse(answer, json);
      if (!success) throw new AnswerError("the answer does not say allow: true or false");
      if (output.allow) counters.allowed++;
      else counters.denied++;
      return output.allow ? "ALLOW" : "DENY";
    } catch (error) {
      counters.failed++;
      const { otherwise } = this.#settings;
      const text = `policy.decision about ${user}@${domain}: ${inWords(error)}; so it is ${otherwise}`;
      this.#tell({ event: "policyUnavailable", text });
      return otherwise === "allow" ? "ALLOW" : "UNAVAILABLE";
    } finally {
      this.#asked--;
    }
  }

  close(): void {
    this.#service.close();
  }
}
