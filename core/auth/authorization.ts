/**
 * The Authorization header (RFC 4976 §4.4, §7 and §9.1): a client's claim to be somebody.
 *
 * Reading it is strict about what the digest rests on and about nothing else. `uri` may be missing (RFC 4976 §7 and
 * python3-msrplib) or present (RFC 7977 §8.1.2 and any HTTP library); the digest is always over the rightmost To-Path
 * URI (§9.1), so a `uri` that says something else is a fault (RFC 7616 §3.4.6). Parameters we do not know are ignored:
 * among them `userhash` and `username*`, which we never offer.
 */
import type { DigestAlgorithm } from "../ports.ts";
import { algorithmNamed, type Exchange } from "./digest.ts";
import { quoted, readParameters } from "./parameters.ts";

/** What a client claims. Strings are octet strings unless said otherwise. */
export interface Authorization extends Exchange {
  readonly username: string;
  readonly realm: string;
  /** Lower-case hex. */
  readonly response: string;
  /** undefined: the client used one we do not know. No parameter means MD5 (RFC 2617 §3.2.1). */
  readonly algorithm: DigestAlgorithm | undefined;
  readonly opaque: string | undefined;
}

/**
 * Reads an Authorization value.
 *
 * @param value  an octet string
 * @param toUri  the rightmost To-Path URI of the same request
 * @returns undefined when malformed, and the relay answers AUTH_MALFORMED
 */
export function readAuthorization(value: string, toUri: string): Authorization | undefined {
  const schemes = readParameters(value);
  const only = schemes?.length === 1 ? schemes[0] : undefined;
  // §9.1: relays MUST NOT accept Basic.
  if (only?.scheme !== "digest") return undefined;
  const username = only.values.get("username");
  const realm = only.values.get("realm");
  const nonce = only.values.get("nonce");
  const cnonce = only.values.get("cnonce");
  const nc = only.values.get("nc");
  const response = only.values.get("response");
  if (!username || !realm || !nonce || !cnonce || !nc || !response) return undefined;
  // §7: 8LHEX and 32LHEX. Digits A-F are as good, since both are compared as numbers; the count begins at one.
  if (!/^[0-9a-f]{8}$/i.test(nc) || Number.parseInt(nc, 16) === 0) return undefined;
  if (!/^([0-9a-f]{32}){1,2}$/i.test(response)) return undefined;
  // §9.1: clients MUST include qop, and auth-int makes no sense for MSRP.
  if (only.values.get("qop") !== "auth") return undefined;
  if ((only.values.get("uri") ?? toUri) !== toUri) return undefined;
  return {
    username,
    realm,
    nonce,
    nc,
    cnonce,
    response: response.toLowerCase(),
    algorithm: algorithmNamed(only.values.get("algorithm") ?? "MD5"),
    opaque: only.values.get("opaque"),
  };
}

/** How an Authorization is written beyond what it claims. */
export interface AuthorizationStyle {
  /** False leaves `algorithm` out, as the challenge did (RFC 7616 §3.4: the value supplied there). */
  readonly withAlgorithm: boolean;
  /** Written when given. RFC 4976 §7 has no `uri`, and the AG Projects relay fails on it; Kamailio insists on it. */
  readonly uri?: string | undefined;
}

/** Writes an Authorization value. §9.1: `qop` and `nc` are not quoted. */
export function writeAuthorization(claim: Authorization, style: AuthorizationStyle): string {
  const parts = [
    `username=${quoted(claim.username)}`,
    `realm=${quoted(claim.realm)}`,
    `nonce=${quoted(claim.nonce)}`,
    "qop=auth",
    `nc=${claim.nc}`,
    `cnonce=${quoted(claim.cnonce)}`,
    `response="${claim.response}"`,
  ];
  if (style.uri !== undefined) parts.push(`uri=${quoted(style.uri)}`);
  if (claim.opaque !== undefined) parts.push(`opaque=${quoted(claim.opaque)}`);
  if (style.withAlgorithm && claim.algorithm !== undefined) parts.push(`algorithm=${claim.algorithm}`);
  return `Digest ${parts.join(", ")}`;
}
