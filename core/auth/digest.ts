/**
 * The arithmetic of Digest (RFC 2617 §3.2.2, RFC 7616 §3.4) as RFC 4976 §9.1 uses it: qop is always `auth`, the method
 * is AUTH and the URI is the rightmost one of To-Path. The -sess variants do not exist here (§9.1: underspecified
 * together with nextnonce).
 *
 * Every string is an octet string; whoever holds configured text has turned it into UTF-8 octets before (utf8.ts).
 */
import { md5 } from "@noble/hashes/legacy.js";
import { sha256, sha512_256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { octets } from "../bytes/octets.ts";
import type { DigestAlgorithm } from "../ports.ts";

/**
 * What we can compute, most preferred first (RFC 7616 §3.7): SHA-256 is mandatory there and SHA-512-256 its backup,
 * MD5 is for compatibility.
 */
export const algorithms = ["SHA-256", "SHA-512-256", "MD5"] as const satisfies readonly DigestAlgorithm[];

/** The part of a request that both digests of one exchange have in common; `qop` is always `auth`. */
export interface Exchange {
  readonly nonce: string;
  /** Eight hex digits as they stand in the header: they are hashed as text. */
  readonly nc: string;
  readonly cnonce: string;
}

/** The algorithm an `algorithm` parameter names, in any case; undefined for those we do not know, -sess among them. */
export function algorithmNamed(token: string): DigestAlgorithm | undefined {
  return algorithms.find((algorithm) => algorithm === token.toUpperCase());
}

/** H(A1) of a password. */
export function passwordHash(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(algorithm, `${username}:${realm}:${password}`);
}

/** The `response` of an Authorization: proves to the relay that the client knows the password. */
export function requestDigest(algorithm: DigestAlgorithm, ha1: string, exchange: Exchange, uri: string): string {
  return digest(algorithm, ha1, exchange, `AUTH:${uri}`);
}

/** The `rspauth` of an Authentication-Info: proves the same to the client. A2 has no method (RFC 2617 §3.2.3). */
export function answerDigest(algorithm: DigestAlgorithm, ha1: string, exchange: Exchange, uri: string): string {
  return digest(algorithm, ha1, exchange, `:${uri}`);
}

/** KD(H(A1), nonce ":" nc ":" cnonce ":auth:" H(A2)), for any A2. */
export function digest(algorithm: DigestAlgorithm, ha1: string, exchange: Exchange, a2: string): string {
  const { nonce, nc, cnonce } = exchange;
  return hash(algorithm, `${ha1}:${nonce}:${nc}:${cnonce}:auth:${hash(algorithm, a2)}`);
}

/** Lower-case hex of the hash of an octet string. */
export function hash(algorithm: DigestAlgorithm, octetString: string): string {
  return bytesToHex(functions[algorithm](octets(octetString)));
}

const functions = { MD5: md5, "SHA-256": sha256, "SHA-512-256": sha512_256 } as const;

/** Equality that takes as long for a near miss as for a far one. The lengths are no secret. */
export function sameSecret(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
