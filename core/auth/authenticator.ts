/**
 * The relay's side of an AUTH: challenge, claim, check (RFC 4976 §5.1, §6.3, §9.1).
 *
 * An AUTH is judged in two steps, because the account has to be looked up in between: `begin` reads the claim,
 * `finish` checks it. Nothing is remembered from one to the other but the Claim, which the relay holds.
 *
 * Whoever guesses learns nothing from us: an unknown user, a wrong password, a wrong realm and an algorithm that is
 * not offered get the same answer after the same hashing. stale=true is only for those who proved the password
 * (RFC 2617 §3.2.1), so it tells nothing new either.
 */
import type { Credential, DomainConfig, Millis } from "../ports.ts";
import { writeAuthenticationInfo } from "./authentication-info.ts";
import { type Authorization, readAuthorization } from "./authorization.ts";
import { writeChallenges } from "./challenge.ts";
import { answerDigest, passwordHash, requestDigest, sameSecret } from "./digest.ts";
import { Nonces } from "./nonce.ts";
import { utf8Octets, utf8Text } from "./utf8.ts";

/** A claim that was read and not yet checked. */
export interface Claim {
  /** Whom to look up: text, no longer octets. */
  readonly username: string;
  readonly domain: DomainConfig;
  /** The rightmost To-Path URI, over which the digest goes (§9.1). */
  readonly toUri: string;
  readonly authorization: Authorization;
}

/** The client is who it says. */
export interface Proven {
  /** Value of the Authentication-Info header that §9.1 demands in the 200. */
  readonly info: string;
}

export class Authenticator {
  readonly #nonces: Nonces;

  /** @param maxUsedNonces  bound of the table that stops replays; see nonce.ts */
  constructor(fillRandom: (target: Uint8Array) => void, nonceSeconds: number, maxUsedNonces?: number) {
    this.#nonces = new Nonces(fillRandom, nonceSeconds, maxUsedNonces);
  }

  /** For how long a nonce is good, those that are out included. */
  set nonceSeconds(seconds: number) {
    this.#nonces.lifetime = seconds * 1000;
  }

  /** Values for the WWW-Authenticate headers of a 401, one header each, to be sent in this order (challenge.ts). */
  challenge(domain: DomainConfig, stale: boolean, now: Millis): string[] {
    const realm = utf8Octets(domain.name);
    const nonce = this.#nonces.issue(realm, now);
    return writeChallenges({ realm, nonce, opaque: this.#nonces.opaque(realm), stale }, domain.algorithms);
  }

  /**
   * Reads what an AUTH claims.
   *
   * @param value  the Authorization header as an octet string; undefined when there is none
   * @param toUri  the rightmost To-Path URI, octet for octet
   */
  begin(value: string | undefined, toUri: string, domain: DomainConfig): Claim | "AUTH_CHALLENGED" | "AUTH_MALFORMED" {
    if (value === undefined) return "AUTH_CHALLENGED";
    const authorization = readAuthorization(value, toUri);
    if (authorization === undefined) return "AUTH_MALFORMED";
    // RFC 4975 §9: header values are UTF-8. Other octets could not name an account of the configuration.
    const username = utf8Text(authorization.username);
    if (username === undefined) return "AUTH_MALFORMED";
    return { username, domain, toUri, authorization };
  }

  /**
   * Checks a claim.
   *
   * @param credential  what is stored for the user; undefined when there is no such user
   */
  finish(
    claim: Claim,
    credential: Credential | undefined,
    now: Millis,
  ): Proven | "AUTH_WRONG" | "AUTH_STALE" | "AUTH_EXPIRED" {
    const { authorization, domain, toUri } = claim;
    const realm = utf8Octets(domain.name);
    // The same hashing for everybody, also where H(A1) is stored or there is no user; `acceptable` only decides whether
    // the result may count.
    const algorithm = authorization.algorithm ?? "MD5";
    const hashed = (password: string) => passwordHash(algorithm, authorization.username, realm, utf8Octets(password));
    const proves = (ha1: string) =>
      sameSecret(requestDigest(algorithm, ha1, authorization, toUri), authorization.response);
    const computed = hashed(credential?.password ?? "");
    const stored = credential?.ha1?.[algorithm];
    const known = stored !== undefined || credential?.password !== undefined;
    const candidates = [stored ?? computed, ...(credential?.olderPasswords ?? []).map(hashed)];
    const ha1 = candidates.filter(proves)[0];
    const offered = authorization.algorithm !== undefined && domain.algorithms.includes(authorization.algorithm);
    const acceptable = known && offered && authorization.realm === realm;
    if (ha1 === undefined || !acceptable) return "AUTH_WRONG";
    if (credential?.expired === true) return "AUTH_EXPIRED";

    const nonceCount = Number.parseInt(authorization.nc, 16);
    if (!this.#nonces.use(authorization.nonce, nonceCount, realm, now)) return "AUTH_STALE";

    const rspauth = answerDigest(algorithm, ha1, authorization, toUri);
    return { info: writeAuthenticationInfo(this.#nonces.issue(realm, now), rspauth, authorization) };
  }
}
