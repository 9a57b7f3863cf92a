import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Authenticator, type Claim, type Proven } from "../../../core/auth/authenticator.ts";
import { answerDigest, passwordHash, requestDigest } from "../../../core/auth/digest.ts";
import { utf8Octets } from "../../../core/auth/utf8.ts";
import type { Credential, DigestAlgorithm, DomainConfig, Millis } from "../../../core/ports.ts";
import { octetString } from "./octet-string.ts";

const counted = vi.hoisted(() => ({ hashes: 0 }));
vi.mock(import("@noble/hashes/legacy.js"), async (original) => {
  const legacy = await original();
  const md5 = (octets: Uint8Array) => {
    counted.hashes++;
    return legacy.md5(octets);
  };
  return { ...legacy, md5: md5 as typeof legacy.md5 };
});

const uri = "msrps://alice@example.com;tcp";
const domain: DomainConfig = { name: "example.com", algorithms: ["SHA-256", "MD5"] };
const stored: Credential = { password: "secret" };

function fillRandom(target: Uint8Array): void {
  target.forEach((_, i) => (target[i] = (i * 7 + 3) & 0xff));
}

let relay: Authenticator;
beforeEach(() => {
  relay = new Authenticator(fillRandom, 300, 8);
});

/** The value of a parameter in a header we wrote. */
function parameter(header: string | undefined, name: string): string {
  return new RegExp(`\\b${name}="?([^",]*)`).exec(header ?? "")?.[1] ?? "";
}

function challenged(now: Millis = 0, at = relay): { nonce: string; opaque: string } {
  const [header] = at.challenge(domain, false, now);
  return { nonce: parameter(header, "nonce"), opaque: parameter(header, "opaque") };
}

interface Said {
  username?: string;
  realm?: string;
  password?: string;
  nonce: string;
  opaque?: string;
  count?: number;
  algorithm?: DigestAlgorithm;
  /** Written into the header instead of `algorithm`. */
  named?: string;
}

/** An Authorization as python3-msrplib writes it: everything quoted, no uri; names MD5 only when told to. */
function authorization(said: Said): string {
  const { username = "alice", realm = "example.com", password = "secret", nonce, count = 1 } = said;
  const algorithm = said.algorithm ?? "MD5";
  const exchange = { nonce, nc: count.toString(16).padStart(8, "0"), cnonce: "0a4f113b" };
  const ha1 = passwordHash(algorithm, utf8Octets(username), realm, utf8Octets(password));
  const response = requestDigest(algorithm, ha1, exchange, uri);
  const fields: Record<string, string> = { username: utf8Octets(username), realm, ...exchange, qop: "auth", response };
  if (said.opaque !== undefined) fields["opaque"] = said.opaque;
  if (said.named ?? said.algorithm) fields["algorithm"] = said.named ?? algorithm;
  return `Digest ${Object.entries(fields)
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ")}`;
}

/** One AUTH from header to verdict, "OK" for success; null when nobody has that name. */
function verdict(header: string | undefined, credential: Credential | null = stored, now: Millis = 1): string {
  const claim = relay.begin(header, uri, domain);
  if (typeof claim === "string") return claim;
  const outcome = relay.finish(claim, credential ?? undefined, now);
  return typeof outcome === "string" ? outcome : "OK";
}

describe("an AUTH that proves the password", () => {
  test("gets an Authentication-Info with all that RFC 4976 §9.1 demands, nc and qop unquoted", () => {
    const { nonce, opaque } = challenged();
    const claim = relay.begin(authorization({ nonce, opaque }), uri, domain) as Claim;
    expect(claim.username).toBe("alice");
    const outcome = relay.finish(claim, stored, 1);
    const ha1 = passwordHash("MD5", "alice", "example.com", "secret");
    const rspauth = answerDigest("MD5", ha1, { nonce, nc: "00000001", cnonce: "0a4f113b" }, uri);
    expect(outcome).toEqual({
      info: expect.stringMatching(
        new RegExp(`^nextnonce="[0-9a-z.]+", rspauth="${rspauth}", cnonce="0a4f113b", nc=00000001, qop=auth$`),
      ),
    });
  });

  test("may use nextnonce, or the same nonce with a higher count", () => {
    const { nonce, opaque } = challenged();
    const claim = relay.begin(authorization({ nonce, opaque }), uri, domain) as Claim;
    const outcome = relay.finish(claim, stored, 1);
    const next = parameter(typeof outcome === "string" ? "" : outcome.info, "nextnonce");
    expect(verdict(authorization({ nonce: next, opaque }))).toBe("OK");
    expect(verdict(authorization({ nonce, opaque, count: 2 }))).toBe("OK");
    expect(verdict(authorization({ nonce: next, opaque, count: 2 }))).toBe("OK");
  });

  test.each<[string, DigestAlgorithm | undefined, Credential]>([
    ["no algorithm, which means MD5", undefined, stored],
    ["MD5", "MD5", stored],
    ["SHA-256", "SHA-256", stored],
    ["H(A1) of MD5", "MD5", { ha1: { MD5: passwordHash("MD5", "alice", "example.com", "secret") } }],
    ["H(A1) of SHA-256", "SHA-256", { ha1: { "SHA-256": passwordHash("SHA-256", "alice", "example.com", "secret") } }],
    ["H(A1) of another algorithm, but a password", "MD5", { password: "secret", ha1: { "SHA-256": "00" } }],
  ])("with %s", (_, algorithm, credential) => {
    const said = algorithm === undefined ? challenged() : { ...challenged(), algorithm };
    expect(verdict(authorization(said), credential)).toBe("OK");
  });

  test("may leave opaque out, or send another: the nonce says all", () => {
    const { nonce } = challenged();
    expect(verdict(authorization({ nonce }))).toBe("OK");
    expect(verdict(authorization({ nonce, opaque: "", count: 2 }))).toBe("OK");
    expect(verdict(authorization({ nonce, opaque: "5ccc069c", count: 3 }))).toBe("OK");
  });

  test("may belong to a user whose name and password are not ASCII", () => {
    const said = { ...challenged(), username: "Jäsøn Doe", password: "gehéim€" };
    const claim = relay.begin(authorization(said), uri, domain) as Claim;
    expect(claim.username).toBe("Jäsøn Doe");
    expect(verdict(authorization(said), { password: "gehéim€" })).toBe("OK");
  });

  test("may belong to a domain whose name is not ASCII", () => {
    const umlaut = { name: "bücher.example", algorithms: ["MD5"] as const };
    const nonce = parameter(relay.challenge(umlaut, false, 0)[0], "nonce");
    const header = authorization({ nonce, realm: utf8Octets(umlaut.name) });
    expect(relay.finish(relay.begin(header, uri, umlaut) as Claim, stored, 1)).toHaveProperty("info");
  });

  test("gets its cnonce back whatever it holds, without a way out of the quotes", () => {
    const { nonce } = challenged();
    const exchange = { nonce, nc: "00000001", cnonce: 'a"b\\c' };
    const response = requestDigest("MD5", passwordHash("MD5", "alice", "example.com", "secret"), exchange, uri);
    const header = `Digest username="alice", realm="example.com", nonce="${nonce}", nc=00000001, qop=auth, cnonce="a\\"b\\\\c", response="${response}"`;
    const outcome = relay.finish(relay.begin(header, uri, domain) as Claim, stored, 1);
    expect(outcome).toMatchObject({ info: expect.stringContaining(String.raw`cnonce="a\"b\\c", nc=00000001`) });
  });
});

describe("a credential that is made for a while", () => {
  const rotated = { password: "new secret", olderPasswords: ["secret", "oldest secret"] };

  test.each(["new secret", "secret", "oldest secret"])(
    "is good with %s, the newest and those before it",
    (password) => {
      const said = { ...challenged(), password };
      expect(verdict(authorization(said), rotated)).toBe("OK");
    },
  );

  test("is not good with a secret that is none of them", () => {
    expect(verdict(authorization({ ...challenged(), password: "other secret" }), rotated)).toBe("AUTH_WRONG");
  });

  test("is proven by the relay with the password that the client has", () => {
    const said = { ...challenged(), password: "oldest secret" };
    const proven = relay.finish(relay.begin(authorization(said), uri, domain) as Claim, rotated, 1);
    const ha1 = passwordHash("MD5", "alice", "example.com", "oldest secret");
    const exchange = { nonce: said.nonce, nc: "00000001", cnonce: parameter((proven as Proven).info, "cnonce") };
    expect(parameter((proven as Proven).info, "rspauth")).toBe(answerDigest("MD5", ha1, exchange, uri));
  });

  test("is told to have ended to those who prove it, and to nobody else", () => {
    const over = { password: "secret", expired: true };
    expect(verdict(authorization(challenged()), over)).toBe("AUTH_EXPIRED");
    expect(verdict(authorization({ ...challenged(), password: "guess" }), over)).toBe("AUTH_WRONG");
  });
});

describe("an AUTH that proves nothing", () => {
  test.each<[string, Partial<Said>, Credential | null, string]>([
    ["a wrong password", { password: "guess" }, stored, "AUTH_WRONG"],
    ["an unknown user", {}, null, "AUTH_WRONG"],
    ["an unknown user with an empty password", { password: "" }, null, "AUTH_WRONG"],
    ["an account without password or hash", { password: "" }, {}, "AUTH_WRONG"],
    ["a hash for another algorithm only", {}, { ha1: { "SHA-256": "00" } }, "AUTH_WRONG"],
    ["another realm than ours", { realm: "other.example" }, stored, "AUTH_WRONG"],
    ["an algorithm the domain does not offer", { algorithm: "SHA-512-256" }, stored, "AUTH_WRONG"],
    ["a -sess variant", { named: "MD5-sess" }, stored, "AUTH_WRONG"],
    ["an unknown algorithm", { named: "SHA3-256" }, stored, "AUTH_WRONG"],
  ])("%s", (_, said, credential, fault) => {
    expect(verdict(authorization({ ...challenged(), ...said }), credential)).toBe(fault);
  });

  test("without an Authorization is challenged", () => {
    expect(verdict(undefined)).toBe("AUTH_CHALLENGED");
  });

  test.each([
    ["nothing in it", ""],
    ["Basic", "Basic YWxpY2U6c2VjcmV0"],
    ["no nonce", authorization({ nonce: "x" }).replace('nonce="x", ', "")],
    ["a username that is not UTF-8", authorization({ nonce: "x" }).replace("alice", "\xe4lice")],
  ])("with %s is malformed", (_, header) => {
    expect(verdict(header)).toBe("AUTH_MALFORMED");
  });

  test("costs us the same hashing for an unknown user, a wrong password and a stored hash", () => {
    const cost = (credential: Credential | null, said: Partial<Said>) => {
      const header = authorization({ ...challenged(), ...said });
      counted.hashes = 0;
      expect(verdict(header, credential)).toBe("AUTH_WRONG");
      return counted.hashes;
    };
    const wrong = cost(stored, { password: "guess" });
    expect(wrong).toBeGreaterThan(0);
    expect(cost(null, {})).toBe(wrong);
    expect(cost({ ha1: { MD5: "0".repeat(32) } }, {})).toBe(wrong);
    expect(cost(stored, { realm: "other.example" })).toBe(wrong);
    expect(cost(stored, { named: "MD5-sess" })).toBe(wrong);
  });
});

describe("an AUTH with the right password and a nonce that is no good is stale", () => {
  test("the same Authorization twice", () => {
    const header = authorization(challenged());
    expect(verdict(header)).toBe("OK");
    expect(verdict(header)).toBe("AUTH_STALE");
  });

  test("the same Authorization in two connections at once: only the first that is finished passes", () => {
    const header = authorization(challenged());
    const [one, two] = [relay.begin(header, uri, domain) as Claim, relay.begin(header, uri, domain) as Claim];
    expect(relay.finish(two, stored, 1)).toHaveProperty("info");
    expect(relay.finish(one, stored, 1)).toBe("AUTH_STALE");
  });

  test("expired", () => {
    expect(verdict(authorization(challenged(0)), stored, 300_000)).toBe("AUTH_STALE");
  });

  test("guessed", () => {
    expect(verdict(authorization({ nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093" }))).toBe("AUTH_STALE");
  });

  test("of another realm of ours", () => {
    const [header] = relay.challenge({ name: "other.example", algorithms: ["MD5"] }, false, 0);
    expect(verdict(authorization({ nonce: parameter(header, "nonce") }))).toBe("AUTH_STALE");
  });

  test("of before a restart", () => {
    const before = new Authenticator((target) => target.fill(9), 300);
    expect(verdict(authorization(challenged(0, before)))).toBe("AUTH_STALE");
  });

  test("used, and evicted from the table of used nonces since", () => {
    const header = authorization(challenged());
    expect(verdict(header)).toBe("OK");
    for (let i = 0; i < 8; i++) expect(verdict(authorization(challenged()))).toBe("OK");
    expect(verdict(header)).toBe("AUTH_STALE");
  });

  test("but with a wrong password it is just wrong (RFC 2617 §3.2.1)", () => {
    expect(verdict(authorization({ ...challenged(0), password: "guess" }), stored, 300_000)).toBe("AUTH_WRONG");
  });

  test("and a failed attempt does not use the nonce up", () => {
    const said = challenged();
    expect(verdict(authorization({ ...said, password: "guess" }))).toBe("AUTH_WRONG");
    expect(verdict(authorization(said))).toBe("OK");
  });

  test("and the client that answers the new challenge gets in: it retries exactly once", () => {
    expect(verdict(authorization(challenged(0)), stored, 300_000)).toBe("AUTH_STALE");
    const [header] = relay.challenge(domain, true, 300_000);
    expect(header).toContain("stale=true");
    expect(verdict(authorization({ nonce: parameter(header, "nonce") }), stored, 300_001)).toBe("OK");
  });
});

test("any octets in an Authorization are a claim or a fault, and nobody gets in", () => {
  const { nonce } = challenged();
  const near = authorization({ nonce, password: "guess" });
  const cut = fc.tuple(fc.nat(near.length), fc.nat(8), octetString);
  fc.assert(
    fc.property(fc.oneof(octetString, cut), (made) => {
      const value = typeof made === "string" ? made : near.slice(0, made[0]) + made[2] + near.slice(made[0] + made[1]);
      expect(verdict(value)).not.toBe("OK");
    }),
    { numRuns: 500 },
  );
});
