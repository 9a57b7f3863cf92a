import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeAuthority, makeCertificate, testAuthority } from "../support/certificates.ts";

describe("certificates we make", () => {
  it("belong to their key and their authority", async () => {
    const authority = await makeAuthority({ name: "parley", days: 3650 });
    const pair = await makeCertificate({ authority, names: ["relay.example.com"], days: 90 });
    const root = new X509Certificate(authority.cert);
    const leaf = new X509Certificate(pair.cert);
    expect(root.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(pair.key))).toBe(true);
    expect(root.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
  });

  it("carry DNS names and addresses of both families", async () => {
    const authority = await testAuthority();
    const leaf = new X509Certificate(
      (await authority.issue("relay.example.com", "*.example.net", "192.0.2.1", "::1")).cert,
    );
    expect(leaf.subjectAltName).toMatch(
      /^DNS:relay.example.com, DNS:\*.example.net, IP Address:192.0.2.1, IP Address:(::1|0:0:0:0:0:0:0:1)$/,
    );
  });

  it("are valid from a little before now, for as long as asked", async () => {
    const authority = await testAuthority();
    const now = Date.now();
    const fresh = new X509Certificate((await authority.issue("a.example.com")).cert);
    expect(Date.parse(fresh.validFrom)).toBeLessThan(now);
    expect(Date.parse(fresh.validTo)).toBeGreaterThan(now);
    const expired = new X509Certificate((await authority.issueExpired("a.example.com")).cert);
    expect(Date.parse(expired.validTo)).toBeLessThan(now);
    expect(Date.parse(expired.validFrom)).toBeLessThan(Date.parse(expired.validTo));
  });

  it("have serial numbers of their own", async () => {
    const authority = await testAuthority();
    const pairs = await Promise.all([authority.issue("a.example.com"), authority.issue("a.example.com")]);
    const serials = new Set(pairs.map((pair) => new X509Certificate(pair.cert).serialNumber));
    expect(serials.size).toBe(2);
  });

  it("need a name", async () => {
    const authority = await testAuthority();
    await expect(authority.issue()).rejects.toThrow("a certificate needs a name");
  });
});
