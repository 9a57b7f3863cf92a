import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answer, answerChallenge, checkAuthenticationInfo } from "../../../core/auth/answer.ts";
import { Authenticator, type Claim } from "../../../core/auth/authenticator.ts";
import { readAuthenticationInfo, writeAuthenticationInfo } from "../../../core/auth/authentication-info.ts";
import { type Challenge, chooseChallenge } from "../../../core/auth/challenge.ts";
import { passwordHash } from "../../../core/auth/digest.ts";
import type { Credential, DigestAlgorithm } from "../../../core/ports.ts";
import { octetString } from "./octet-string.ts";

const uri = "msrps://alice@example.com;tcp";
const credential = { password: "sécret" };
const username = "älice";
const challenge: Challenge = {
  realm: "example.com",
  nonce: "n0nce",
  opaque: "0paque",
  stale: false,
  algorithm: "MD5",
  algorithmNamed: false,
};

function answer(changes: Partial<Parameters<typeof answerChallenge>[0]> = {}): Answer {
  const given = answerChallenge({ challenge, username, credential, uri, cnonce: "c", nonceCount: 1, ...changes });
  if (given === undefined) throw new Error("no answer");
  return given;
}

describe("an answer", () => {
  test("has the shape of RFC 4976 §5.1, opaque as it came, and no uri", () => {
    expect(answer().authorization).toMatch(
      /^Digest username="\xc3\xa4lice", realm="example\.com", nonce="n0nce", qop=auth, nc=00000001, cnonce="c", response="[0-9a-f]{32}", opaque="0paque"$/,
    );
  });

  test("has a uri when asked for, which Kamailio insists on", () => {
    expect(answer({ withUri: true }).authorization).toContain(`, uri="${uri}"`);
  });

  test("names the algorithm when the challenge did", () => {
    const named = { ...challenge, algorithm: "SHA-256", algorithmNamed: true } as const;
    expect(answer({ challenge: named }).authorization).toContain(", algorithm=SHA-256");
  });

  test("counts in hex", () => {
    expect(answer({ nonceCount: 26 }).authorization).toContain("nc=0000001a,");
  });

  test("needs no password where H(A1) is given", () => {
    const ha1 = passwordHash("MD5", "\xc3\xa4lice", "example.com", "s\xc3\xa9cret");
    expect(answer({ credential: { ha1: { MD5: ha1 } } }).authorization).toBe(answer().authorization);
  });

  test("cannot be given without either", () => {
    const input = { challenge, username, uri, cnonce: "c", nonceCount: 1 };
    expect(answerChallenge({ ...input, credential: {} })).toBeUndefined();
    expect(answerChallenge({ ...input, credential: { ha1: { "SHA-256": "00" } } })).toBeUndefined();
  });
});

describe("the relay's Authentication-Info", () => {
  const given = answer();
  const exchange = { nonce: "n0nce", nc: "00000001", cnonce: "c" };

  test("with the right rspauth gives the nonce for next time", () => {
    const value = writeAuthenticationInfo("next", given.rspauth, exchange);
    expect(checkAuthenticationInfo(value, given)).toEqual({
      challenge: { ...challenge, nonce: "next" },
      nonceCount: 1,
    });
  });

  test("without nextnonce lets the nonce go on", () => {
    const value = `rspauth="${given.rspauth}", cnonce="c", nc=00000001, qop=auth`;
    expect(checkAuthenticationInfo(value, given)).toEqual({ challenge, nonceCount: 2 });
  });

  test("may quote nc and qop, as python3-msrplib does", () => {
    const value = `qop="auth", rspauth="${given.rspauth}",cnonce="c",nc="00000001"`;
    expect(checkAuthenticationInfo(value, given)).toBeDefined();
  });

  test.each([
    ["a wrong rspauth", writeAuthenticationInfo("next", "0".repeat(32), exchange)],
    [
      "the client's own response sent back",
      `rspauth="${/response="(\w+)/.exec(given.authorization)?.[1]}", cnonce="c", nc=00000001, qop=auth`,
    ],
    ["another cnonce", writeAuthenticationInfo("next", given.rspauth, { ...exchange, cnonce: "d" })],
    ["another nc", writeAuthenticationInfo("next", given.rspauth, { ...exchange, nc: "00000002" })],
    ["no rspauth", 'nextnonce="next", cnonce="c", nc=00000001, qop=auth'],
    ["no qop", `rspauth="${given.rspauth}", cnonce="c", nc=00000001`],
    ["a scheme", `Digest ${writeAuthenticationInfo("next", given.rspauth, exchange)}`],
    ["nothing", ""],
  ])("proves nothing with %s", (_, value) => {
    expect(checkAuthenticationInfo(value, given)).toBeUndefined();
  });

  test("reads back", () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from('a"\\, =\xc3\xa4')), minLength: 1 });
    fc.assert(
      fc.property(text, text, (nextNonce, cnonce) => {
        const value = writeAuthenticationInfo(nextNonce, "ab", { nonce: "", cnonce, nc: "0000000f" });
        expect(readAuthenticationInfo(value)).toEqual({ nextNonce, rspauth: "ab", cnonce, nc: "0000000f" });
      }),
    );
  });

  test("of any octets is a proof or none, never a throw", () => {
    fc.assert(
      fc.property(octetString, (value) => {
        expect(checkAuthenticationInfo(value, given)).toBeUndefined();
      }),
    );
  });
});

describe("client and relay together", () => {
  const accounts: [string, Credential][] = [
    ["a password", credential],
    ["a hash", { ha1: { "SHA-512-256": passwordHash("SHA-512-256", "\xc3\xa4lice", "example.com", "s\xc3\xa9cret") } }],
  ];
  const offers: DigestAlgorithm[][] = [["MD5"], ["SHA-256"], ["SHA-512-256"], ["MD5", "SHA-256", "SHA-512-256"]];
  const pairs = accounts.flatMap(([name, account]) => offers.map((offer) => [name, offer, account] as const));

  test.each(pairs)("a client with %s is let in by a domain that offers %s, three times over", (_, offered, account) => {
    const domain = { name: "example.com", algorithms: offered };
    const relay = new Authenticator((target) => target.fill(7), 300);
    let next = { challenge: chooseChallenge(relay.challenge(domain, false, 0), account), nonceCount: 1 };
    if (next.challenge === undefined) return expect(account.ha1).toBeDefined(); // no hash for what is offered
    for (let round = 0; round < 3; round++) {
      const given = answer({
        challenge: next.challenge as Challenge,
        nonceCount: next.nonceCount,
        credential: account,
      });
      const outcome = relay.finish(relay.begin(given.authorization, uri, domain) as Claim, account, round);
      const checked = checkAuthenticationInfo(typeof outcome === "string" ? outcome : outcome.info, given);
      if (checked === undefined) throw new Error(`round ${round}: ${JSON.stringify(outcome)}`);
      next = round === 0 ? checked : { challenge: given.challenge, nonceCount: given.nonceCount + 1 };
    }
  });
});
