/**
 * The client's side of an AUTH (RFC 4976 §5.1): answer a challenge, then check that the relay knows the password too.
 *
 * Used by core/endpoint. The client's dice and its patience (one retry after a 401, no more) are the endpoint's affair.
 */
import type { Credential } from "../ports.ts";
import { readAuthenticationInfo } from "./authentication-info.ts";
import { writeAuthorization } from "./authorization.ts";
import type { Challenge } from "./challenge.ts";
import { answerDigest, passwordHash, requestDigest, sameSecret } from "./digest.ts";
import { utf8Octets } from "./utf8.ts";

export interface AnswerInput {
  readonly challenge: Challenge;
  /** Text, as a person typed it. */
  readonly username: string;
  /** Must be able to answer: `chooseChallenge` with the same credential sees to it. */
  readonly credential: Credential;
  /** The rightmost URI of the To-Path that will be sent (§9.1). */
  readonly uri: string;
  /** Random text of our own, new for each AUTH. */
  readonly cnonce: string;
  /** How often this nonce was used, this time included: 1 for a new one. */
  readonly nonceCount: number;
  /** Write the `uri` parameter. RFC 4976 §7 has none; Kamailio insists on it. */
  readonly withUri?: boolean;
}

/** An answer that was given, and what the relay's 200 is held against. */
export interface Answer {
  /** Value of the Authorization header. */
  readonly authorization: string;
  readonly challenge: Challenge;
  readonly cnonce: string;
  readonly nonceCount: number;
  /** The `rspauth` that only a relay knowing the password can send. */
  readonly rspauth: string;
}

/** Answers a challenge; undefined when the credential says nothing for its algorithm. */
export function answerChallenge(input: AnswerInput): Answer | undefined {
  const { challenge, cnonce, nonceCount, uri } = input;
  const { algorithm, nonce, opaque, realm } = challenge;
  const { ha1: stored, password } = input.credential;
  const username = utf8Octets(input.username);
  if (stored?.[algorithm] === undefined && password === undefined) return undefined;
  const ha1 = stored?.[algorithm] ?? passwordHash(algorithm, username, realm, utf8Octets(password ?? ""));
  const exchange = { nonce, nc: nonceCount.toString(16).padStart(8, "0"), cnonce };
  const response = requestDigest(algorithm, ha1, exchange, uri);
  const authorization = writeAuthorization(
    { ...exchange, username, realm, response, algorithm, opaque },
    { withAlgorithm: challenge.algorithmNamed, uri: input.withUri ? uri : undefined },
  );
  return { authorization, challenge, cnonce, nonceCount, rspauth: answerDigest(algorithm, ha1, exchange, uri) };
}

/** With what the next AUTH can be answered before it is challenged. */
export interface NextAuth {
  readonly challenge: Challenge;
  readonly nonceCount: number;
}

/**
 * Checks the Authentication-Info of a 200.
 *
 * @param value  the header value; §9.1 demands it, but relays exist that send none: that is for the caller to judge
 * @returns what to answer with next time, or undefined when whoever sent this does not know the password
 */
export function checkAuthenticationInfo(value: string, answer: Answer): NextAuth | undefined {
  const info = readAuthenticationInfo(value);
  if (info === undefined || info.cnonce !== answer.cnonce) return undefined;
  if (Number.parseInt(info.nc, 16) !== answer.nonceCount) return undefined;
  if (!sameSecret(info.rspauth, answer.rspauth)) return undefined;
  // RFC 2617 §3.2.3: with nextnonce the count starts again; without it the same nonce goes on.
  if (info.nextNonce === undefined) return { challenge: answer.challenge, nonceCount: answer.nonceCount + 1 };
  return { challenge: { ...answer.challenge, nonce: info.nextNonce, stale: false }, nonceCount: 1 };
}
