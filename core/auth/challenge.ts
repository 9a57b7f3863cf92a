/**
 * The WWW-Authenticate header (RFC 4976 §4.3, §7 and §9.1): what a relay asks a client to prove.
 *
 * **One header for each algorithm, the strongest first and MD5 last.** RFC 7616 §3.7 demands that order and that no
 * algorithm comes twice, and clients that follow it take the first they know. The old ones get along with it too:
 * - python3-msrplib (Blink, SylkServer) and the AG Projects relay, when it passes a 401 on, keep headers in a
 *   dictionary, so the last of one name wins. The first ignores `algorithm` and computes MD5: MD5 must be last.
 * - crocodile-msrp reads them all, takes the first it can answer and can MD5 only. It does not read two challenges
 *   in one line, so we never join them.
 * - A client that reads only the first and cannot SHA-256 would be lost; we have found none. Its operator offers
 *   that domain MD5 alone.
 *
 * All the challenges of a response carry the same nonce and opaque, and each names its algorithm if there are several,
 * so a client that mixes them up still sends something true. A lone MD5 is not named: RFC 4976's own examples do not.
 * `opaque` is always there, since python3-msrplib fails without it. Separators are comma and one space: the AG Projects
 * test client splits at exactly these.
 */
import type { Credential, DigestAlgorithm } from "../ports.ts";
import { algorithmNamed, algorithms } from "./digest.ts";
import { quoted, readParameters } from "./parameters.ts";

/** What every challenge of one response has in common. */
export interface ChallengeTerms {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string;
  /** The credentials were right but the nonce was not: the client may try again without asking anybody. */
  readonly stale: boolean;
}

/** Writes one WWW-Authenticate value for each algorithm offered, in the order in which they must be sent. */
export function writeChallenges(terms: ChallengeTerms, offered: readonly DigestAlgorithm[]): string[] {
  // §9.1: qop is quoted here; there is no `domain`.
  let common = `Digest realm=${quoted(terms.realm)}, qop="auth", nonce=${quoted(terms.nonce)}`;
  common += `, opaque=${quoted(terms.opaque)}`;
  if (terms.stale) common += ", stale=true";
  const wanted = algorithms.filter((algorithm) => offered.includes(algorithm));
  if (wanted.length === 1 && wanted[0] === "MD5") return [common];
  return wanted.map((algorithm) => `${common}, algorithm=${algorithm}`);
}

/** A challenge that a client can answer. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly stale: boolean;
  readonly algorithm: DigestAlgorithm;
  /** False when the header did not name the algorithm; then the answer does not either. */
  readonly algorithmNamed: boolean;
}

/**
 * Reads the WWW-Authenticate values of a 401 and chooses the strongest challenge that the credential can answer
 * (RFC 7616 §5.8); among equals the first.
 *
 * @param values  octet strings; one may hold several challenges
 * @returns undefined when there is none: Basic (§9.1), an unknown algorithm, -sess, no `qop`, or a value we cannot read
 */
export function chooseChallenge(values: readonly string[], credential: Credential): Challenge | undefined {
  const challenges = values.flatMap(readChallenges).filter(({ algorithm }) => {
    return credential.password !== undefined || credential.ha1?.[algorithm] !== undefined;
  });
  return algorithms
    .map((algorithm) => challenges.find((challenge) => challenge.algorithm === algorithm))
    .find((challenge) => challenge !== undefined);
}

/** The Digest challenges of one WWW-Authenticate value that we can compute; the others are ignored (RFC 7616 §3.3). */
export function readChallenges(value: string): Challenge[] {
  const challenges: Challenge[] = [];
  for (const { scheme, values } of readParameters(value) ?? []) {
    const realm = values.get("realm");
    const nonce = values.get("nonce");
    const named = values.get("algorithm");
    const algorithm = algorithmNamed(named ?? "MD5");
    const qops = values.get("qop")?.split(/[ \t,]+/) ?? [];
    if (scheme !== "digest" || !realm || !nonce || algorithm === undefined || !qops.includes("auth")) continue;
    const stale = values.get("stale")?.toLowerCase() === "true";
    const opaque = values.get("opaque");
    challenges.push({ realm, nonce, opaque, stale, algorithm, algorithmNamed: named !== undefined });
  }
  return challenges;
}
