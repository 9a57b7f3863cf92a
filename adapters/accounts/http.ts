/**
 * Accounts behind an HTTP service.
 *
 * We ask `POST url` with `{ "username": "alice", "domain": "example.com" }`, and are answered
 *   200 `{ "ha1": "…" }`, H(A1) with MD5, or `{ "ha1": { "MD5": "…", "SHA-256": "…", "SHA-512-256": "…" } }`, or
 *   404: there is no such user.
 * Anything else is a failure: the service could not say. The password itself never travels.
 */
import * as v from "valibot";
import type { Credential, DigestAlgorithm } from "../../core/mod.ts";
import { algorithms, isHash } from "./hashes.ts";
import { AnswerError, JsonService, type ServiceSettings } from "./json-service.ts";
import type { AccountStore, Report } from "./store.ts";

export class HttpAccounts implements AccountStore {
  readonly #service: JsonService;

  constructor(settings: ServiceSettings, report: Report) {
    this.#service = new JsonService(settings, report, "AUTH gets 500");
  }

  async find(username: string, realm: string): Promise<Credential | undefined> {
    const { status, json } = await this.#service.ask({ username, domain: realm }, [404]);
    return status === 404 ? undefined : readAnswer(json);
  }

  close(): void {
    this.#service.close();
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

function readAnswer(json: unknown): Credential {
  const { success, output } = v.safeParse(answer, json);
  if (!success) throw new AnswerError("the answer has no ha1, or one that is not a hash");
  const given: { [algorithm in DigestAlgorithm]?: string | undefined } = output.ha1;
  const ha1: { [algorithm in DigestAlgorithm]?: string } = {};
  for (const algorithm of algorithms) {
    const value = given[algorithm];
    if (value !== undefined) ha1[algorithm] = value;
  }
  return { ha1 };
}
