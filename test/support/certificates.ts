/**
 * An authority and certificates in memory. Making one takes a few milliseconds, so a test makes what it needs.
 */
import { makeAuthority, makeCertificate } from "../../adapters/shared/certificate-maker.ts";
import type { KeyPair } from "../../adapters/shared/runtime.ts";

export { makeAuthority, makeCertificate };

export interface TestAuthority extends KeyPair {
  /** A certificate for DNS names and IP addresses. */
  issue(...names: string[]): Promise<KeyPair>;
  /** One that ended yesterday. */
  issueExpired(...names: string[]): Promise<KeyPair>;
}

export async function testAuthority(name = "parley test authority"): Promise<TestAuthority> {
  const authority = await makeAuthority({ name, days: 2 });
  return {
    ...authority,
    issue: (...names) => makeCertificate({ authority, names, days: 1 }),
    issueExpired: (...names) => makeCertificate({ authority, names, days: -1 }),
  };
}
