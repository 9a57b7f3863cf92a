/**
 * One store as the relay asks it: in time or not at all, from the cache where that is allowed, and counted.
 */
import { performance } from "node:perf_hooks";
import type { Credential } from "../../core/mod.ts";
import { CredentialCache } from "./cache.ts";
import type { AccountStore, CacheSettings } from "./store.ts";
import { within } from "./within.ts";

/** How long a store may take for an answer: long before a client gives its AUTH up, which takes 30 seconds. */
const ANSWER_SECONDS = 5;
/** Questions of one store under way. More wait in vain: at a store that answers, these are done in a moment. */
const MOST_ASKED = 4096;
/** No account has a longer name, and what is asked for is kept. */
const LONGEST_USERNAME = 255;

/** Upper bounds of the histogram of answers, in seconds; the last bucket has none. */
export const LATENCY_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] as const;

/** Plain numbers that only grow. */
export interface LookupCounters {
  /** By the store. */
  found: number;
  missing: number;
  /** The store could not say. */
  failed: number;
  /** Answered, found or missing, without asking the store again. */
  cached: number;
  /** What the store took for its answers and failures, in all. */
  seconds: number;
  /** How many of them took up to each of LATENCY_SECONDS, and longer than all: not cumulative. */
  readonly latency: number[];
}

export class Lookup {
  readonly counters: LookupCounters;
  readonly #store: AccountStore;
  readonly #cache: CredentialCache | undefined;
  readonly #seconds: number;
  #asked: number;

  constructor(store: AccountStore, cache?: CacheSettings, seconds: number = ANSWER_SECONDS) {
    this.counters = {
      found: 0,
      missing: 0,
      failed: 0,
      cached: 0,
      seconds: 0,
      latency: Array.from({ length: LATENCY_SECONDS.length + 1 }, () => 0),
    };
    this.#store = store;
    this.#cache = cache === undefined ? undefined : new CredentialCache(cache);
    this.#seconds = seconds;
    this.#asked = 0;
  }

  /** How many users' answers are kept. */
  get cachedUsers(): number {
    return this.#cache?.size ?? 0;
  }

  find(username: string, domain: string): Promise<Credential | undefined> {
    // A NUL is no part of a name in any database, and some refuse the question.
    if (username.length > LONGEST_USERNAME || username.includes("\0")) return Promise.resolve(undefined);
    const known = this.#cache?.find(username, domain);
    if (known !== undefined) {
      this.counters.cached++;
      return known;
    }
    const answer = this.#ask(username, domain);
    this.#cache?.keep(username, domain, answer);
    return answer;
  }

  forget(username: string, domain: string): void {
    this.#cache?.forget(username, domain);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async #ask(username: string, domain: string): Promise<Credential | undefined> {
    const { counters } = this;
    const began = performance.now();
    this.#asked++;
    try {
      if (this.#asked > MOST_ASKED) throw new Error(`${MOST_ASKED} questions are waiting for an answer`);
      const found = await within(this.#seconds, this.#store.find(username, domain));
      if (found === undefined) counters.missing++;
      else counters.found++;
      return found;
    } catch (error) {
      counters.failed++;
      throw error;
    } finally {
      this.#asked--;
      this.#took((performance.now() - began) / 1000);
    }
  }

  #took(seconds: number): void {
    const { latency } = this.counters;
    this.counters.seconds += seconds;
    const bucket = LATENCY_SECONDS.findIndex((bound) => seconds <= bound);
    const index = bucket < 0 ? latency.length - 1 : bucket;
    latency[index] = (latency[index] ?? 0) + 1;
  }
}
