/**
 * The Authentication-Info header of a 200 to AUTH (RFC 4976 §4.5, §7 and §9.1): the relay proves in turn that it knows
 * the password (`rspauth`), and hands out the nonce for the next AUTH, which spares a refresh its 401.
 */
import type { Exchange } from "./digest.ts";
import { quoted, readParameters } from "./parameters.ts";

export interface AuthenticationInfo {
  readonly nextNonce: string | undefined;
  readonly rspauth: string;
  /** Of the request that is answered; a relay may not change them (RFC 7616 §3.5). */
  readonly cnonce: string;
  readonly nc: string;
}

/** Writes the value for the request `exchange`. §9.1: `nc` and `qop` are not quoted, commas separate. */
export function writeAuthenticationInfo(nextNonce: string, rspauth: string, { cnonce, nc }: Exchange): string {
  return `nextnonce=${quoted(nextNonce)}, rspauth="${rspauth}", cnonce=${quoted(cnonce)}, nc=${nc}, qop=auth`;
}

/** Reads an Authentication-Info value; undefined when malformed or without what §9.1 demands. */
export function readAuthenticationInfo(value: string): AuthenticationInfo | undefined {
  const only = readParameters(value);
  if (only?.length !== 1 || only[0]?.scheme !== "") return undefined;
  const { values } = only[0];
  const rspauth = values.get("rspauth");
  const cnonce = values.get("cnonce");
  const nc = values.get("nc");
  if (!rspauth || !cnonce || !nc || values.get("qop") !== "auth") return undefined;
  // An empty nextnonce is none.
  return { nextNonce: values.get("nextnonce") || undefined, rspauth: rspauth.toLowerCase(), cnonce, nc };
}
