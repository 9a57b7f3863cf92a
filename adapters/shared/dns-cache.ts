/**
 * Answers that are kept for as long as they hold. Whoever asks for what is being asked for already waits for the same
 * answer, so a relay that is needed by a thousand clients at once is looked up once.
 */

/** An answer, and for how long it holds. */
export interface Answer<T> {
  readonly value: T;
  readonly seconds: number;
}

/**
 * Bounds for what a stranger's zone says of itself: nobody has us ask for every message, and nobody who has moved is
 * looked for at his old address for a day.
 */
export const LEAST_SECONDS = 5;
export const MOST_SECONDS = 3600;
/** That there is no such name holds for so long (RFC 2308 has the zone say it, and node:dns does not tell us). */
const ABSENT_SECONDS = 10;
/** So does that nobody answered: not longer than it takes to be answered again. */
const SILENT_SECONDS = 2;
/** Names that are kept; more push out those that were not asked for longest. */
const MOST_NAMES = 2048;

interface Entry<T> {
  readonly value: Promise<T>;
  until: number; // Infinity while it is being asked for
}

export class DnsCache<T> {
  readonly #ask: (name: string) => Promise<Answer<T>>;
  readonly #now: () => number;
  /** The one not asked for longest is the first. */
  readonly #entries: Map<string, Entry<T>>;

  /**
   * @param ask  rejects when there is no answer
   * @param now  milliseconds that only move forward
   */
  constructor(ask: (name: string) => Promise<Answer<T>>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
    this.#entries = new Map();
  }

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): Promise<T> {
    let entry = this.#entries.get(name);
    this.#entries.delete(name);
    if (entry === undefined || entry.until <= this.#now()) entry = this.#lookUp(name);
    this.#entries.set(name, entry);
    if (this.#entries.size > MOST_NAMES) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as string);
    }
    return entry.value;
  }

  #lookUp(name: string): Entry<T> {
    const hold = (seconds: number) => {
      entry.until = this.#now() + 1000 * seconds;
    };
    const value = this.#ask(name).then(
      (answer) => {
        hold(Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, answer.seconds)));
        return answer.value;
      },
      (error: unknown) => {
        hold(isAbsence(error) ? ABSENT_SECONDS : SILENT_SECONDS);
        throw error;
      },
    );
    // Whoever asked hears of it; an answer that nobody waits for any more is nobody's error.
    value.catch(() => {});
    const entry: Entry<T> = { value, until: Number.POSITIVE_INFINITY };
    return entry;
  }
}

/** Is this the answer that there is nothing, as opposed to none at all? */
export function isAbsence(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "ENOTFOUND" || code === "ENODATA";
}
