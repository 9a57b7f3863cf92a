/**
 * Answers of a store that are used again for a while, and questions that are put once although many ask.
 *
 * A client that comes back after a network failure brings all the others with it; the store is asked for each user
 * once. That there is no such user is remembered too, for a shorter time, so that a new account soon works. What
 * went wrong is not remembered.
 */
import { performance } from "node:perf_hooks";
import type { Credential } from "../../core/mod.ts";
import type { CacheSettings } from "./store.ts";

interface Entry {
  readonly answer: Promise<Credential | undefined>;
  /** Infinity while it is being asked for. */
  until: number;
}

export class CredentialCache {
  readonly #settings: CacheSettings;
  readonly #now: () => number;
  /** By domain and user; the one asked for longest ago is the first. */
  readonly #entries: Map<string, Entry>;

  constructor(settings: CacheSettings, now: () => number = () => performance.now()) {
    this.#settings = settings;
    this.#now = now;
    this.#entries = new Map();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known, or being asked for; undefined when the store has to be asked. */
  find(username: string, domain: string): Promise<Credential | undefined> | undefined {
    const key = keyOf(username, domain);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.answer;
  }

  /** Keeps the answer that comes, for as long as it may be used. */
  keep(username: string, domain: string, answer: Promise<Credential | undefined>): void {
    const key = keyOf(username, domain);
    const entry: Entry = { answer, until: Number.POSITIVE_INFINITY };
    // Whoever was forgotten, or pushed out, while he was asked for is not remembered when the answer comes.
    const settled = (seconds: number) => {
      entry.until = this.#now() + 1000 * seconds;
      if (seconds === 0 && this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    answer.then(
      (found) => settled(found === undefined ? this.#settings.negativeSeconds : this.#settings.seconds),
      () => settled(0),
    );
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#settings.entries) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest as string);
  }

  /** The account has changed: the next question goes to the store. */
  forget(username: string, domain: string): void {
    this.#entries.delete(keyOf(username, domain));
  }
}

/** Neither a domain nor UTF-8 text of an AUTH may hold it in any other place. */
function keyOf(username: string, domain: string): string {
  return `${domain}\n${username}`;
}
