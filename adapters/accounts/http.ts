/**
 * Accounts behind an HTTP service.
 *
 * We ask `POST url` with `{ "username": "alice", "domain": "example.com" }`, and are answered
 *   200 `{ "ha1": "…" }`, H(A1) with MD5, or `{ "ha1": { "MD5": "…", "SHA-256": "…", "SHA-512-256": "…" } }`, or
 *   404: there is no such user.
 * Anything else is a failure: the service could not say. The password itself never travels.
 *
 * `fetch` verifies https as its runtime does. Redirects are not followed: the token is for this address.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import type { Credential, DigestAlgorithm } from "../../core/mod.ts";
import { Breaker } from "./breaker.ts";
import { algorithms, isHash } from "./hashes.ts";
import type { AccountStore, HttpSettings, Report } from "./store.ts";
import { inWords } from "./words.ts";

/** Octets of an answer; ours has three hashes. */
const LONGEST_ANSWER = 16_384;
/** Before an attempt is repeated, in milliseconds. */
const RETRY_PAUSE = 100;

/** The next attempt may go better. */
class PassingError extends Error {}
/** It will not: the service has said something that we do not understand. */
class AnswerError extends Error {}

export class HttpAccounts implements AccountStore {
  readonly #settings: HttpSettings;
  readonly #breaker: Breaker;
  readonly #closed: AbortController;

  constructor(settings: HttpSettings, report: Report) {
    this.#settings = settings;
    this.#closed = new AbortController();
    this.#breaker = new Breaker({
      paused: (_pause, why, again) => {
        if (!again) report({ up: false, text: `does not answer: ${inWords(why)}; AUTH gets 500 until it does` });
      },
      healed: (after) => report({ up: true, text: `answers again, after ${(after / 1000).toFixed(1)} s` }),
    });
  }

  find(username: string, realm: string): Promise<Credential | undefined> {
    return this.#breaker.run(() => this.#find(username, realm));
  }

  close(): void {
    this.#closed.abort();
  }

  async #find(username: string, domain: string): Promise<Credential | undefined> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#ask(username, domain);
      } catch (error) {
        if (!(error instanceof PassingError) || attempt >= this.#settings.retries) throw error;
        await sleep(RETRY_PAUSE, undefined, { signal: this.#closed.signal });
      }
    }
  }

  async #ask(username: string, domain: string): Promise<Credential | undefined> {
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
        body: JSON.stringify({ username, domain }),
        signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(seconds * 1000)]),
      }),
      seconds,
    );
    if (response.status === 200) return readAnswer(await passing(textOf(response), seconds));
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    const what = `HTTP ${response.status}`;
    throw response.status >= 500 || response.status === 429 ? new PassingError(what) : new AnswerError(what);
  }
}

const hash = (algorithm: DigestAlgorithm) =>
  v.pipe(
    v.string(),
    v.check((text) => isHash(text, algorithm)),
    v.toLowerCase(),
  );

const answer = v.object({
  ha1: v.union([
    v.pipe(
      hash("MD5"),
      v.transform((MD5) => ({ MD5 })),
    ),
    v.object({
      MD5: v.optional(hash("MD5")),
      "SHA-256": v.optional(hash("SHA-256")),
      "SHA-512-256": v.optional(hash("SHA-512-256")),
    }),
  ]),
});

function readAnswer(text: string): Credential {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AnswerError("the answer is not JSON");
  }
  const { success, output } = v.safeParse(answer, json);
  // Nothing of the answer is repeated: it may be a secret.
  if (!success) throw new AnswerError("the answer has no ha1, or one that is not a hash");
  const given: { [algorithm in DigestAlgorithm]?: string | undefined } = output.ha1;
  const ha1: { [algorithm in DigestAlgorithm]?: string } = {};
  for (const algorithm of algorithms) {
    const value = given[algorithm];
    if (value !== undefined) ha1[algorithm] = value;
  }
  return { ha1 };
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
