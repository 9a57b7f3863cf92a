/**
 * A question to an HTTP service, as JSON, and its answer: in time, tried again where that may help, and not put at all
 * while the service is down.
 *
 * `fetch` verifies https as its runtime does. Redirects are not followed: the token is for this address. No error repeats
 * what was answered, since that may be a secret.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Breaker } from "./breaker.ts";
import type { Report } from "./store.ts";
import { inWords } from "./words.ts";

export interface ServiceSettings {
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string;
  /** For one attempt. */
  readonly seconds: number;
  /** Attempts after the first. */
  readonly retries: number;
}

export interface ServiceAnswer {
  readonly status: number;
  /** Of a 200. */
  readonly json?: unknown;
}

/** Octets of an answer; ours are short. */
const LONGEST_ANSWER = 16_384;
/** Before an attempt is repeated, in milliseconds. */
const RETRY_PAUSE = 100;

/** The next attempt may go better. */
class PassingError extends Error {}
/** It will not: the service has said something that we do not understand. */
export class AnswerError extends Error {}

export class JsonService {
  readonly #settings: ServiceSettings;
  readonly #breaker: Breaker;
  readonly #closed: AbortController;

  /** @param meanwhile  what happens while it does not answer, for the log */
  constructor(settings: ServiceSettings, report: Report, meanwhile: string) {
    this.#settings = settings;
    this.#closed = new AbortController();
    this.#breaker = new Breaker({
      paused: (_pause, why, again) => {
        if (!again) report({ up: false, text: `does not answer: ${inWords(why)}; ${meanwhile} until it does` });
      },
      healed: (after) => report({ up: true, text: `answers again, after ${(after / 1000).toFixed(1)} s` }),
    });
  }

  /** @param statuses  that are answers, besides 200 */
  ask(question: object, statuses: readonly number[] = []): Promise<ServiceAnswer> {
    return this.#breaker.run(() => this.#try(JSON.stringify(question), statuses));
  }

  close(): void {
    this.#closed.abort();
  }

  async #try(body: string, statuses: readonly number[]): Promise<ServiceAnswer> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#post(body, statuses);
      } catch (error) {
        if (!(error instanceof PassingError) || attempt >= this.#settings.retries) throw error;
        await sleep(RETRY_PAUSE, undefined, { signal: this.#closed.signal });
      }
    }
  }

  async #post(body: string, statuses: readonly number[]): Promise<ServiceAnswer> {
    const { url, token, seconds } = this.#settings;
    const response = await passing(
      fetch(url, {
        method: "POST",
        redirect: "manual",
        headers: {
          accept: "application/json",
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
        signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(seconds * 1000)]),
      }),
      seconds,
    );
    const { status } = response;
    if (status === 200) return { status, json: parsed(await passing(textOf(response), seconds)) };
    await response.body?.cancel();
    if (statuses.includes(status)) return { status };
    const what = `HTTP ${status}`;
    throw status >= 500 || status === 429 ? new PassingError(what) : new AnswerError(what);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AnswerError("the answer is not JSON");
  }
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const octets of response.body ?? []) {
    text += decoder.decode(octets as Uint8Array, { stream: true });
    if (text.length > LONGEST_ANSWER) throw new AnswerError(`the answer is longer than ${LONGEST_ANSWER} octets`);
  }
  return text;
}

/** What goes wrong on the way may go better the next time. */
async function passing<T>(work: Promise<T>, seconds: number): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AnswerError) throw error;
    if (error instanceof Error && error.name === "TimeoutError") throw new PassingError(`no answer in ${seconds} s`);
    // "fetch failed" is all that some runtimes say themselves; the cause knows more.
    const cause = error instanceof Error && error.cause !== undefined ? inWords(error.cause) : "";
    throw new PassingError(cause === "" ? inWords(error) : `${inWords(error)}: ${cause}`);
  }
}
