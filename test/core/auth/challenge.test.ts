import { describe, expect, test } from "vitest";
import { chooseChallenge, readChallenges, writeChallenges } from "../../../core/auth/challenge.ts";

const terms = { realm: "example.com", nonce: "n0nce", opaque: "0paque", stale: false };
const common = 'Digest realm="example.com", qop="auth", nonce="n0nce", opaque="0paque"';
const password = { password: "secret" };

describe("a challenge that is written", () => {
  test("for MD5 alone looks as in RFC 4976 §5.1, without algorithm, with the opaque that python3-msrplib needs", () => {
    expect(writeChallenges(terms, ["MD5"])).toEqual([common]);
  });

  test("names any other algorithm", () => {
    expect(writeChallenges(terms, ["SHA-512-256"])).toEqual([`${common}, algorithm=SHA-512-256`]);
  });

  test("of several algorithms comes strongest first and MD5 last, in headers of their own (RFC 7616 §3.7)", () => {
    const expected = [`${common}, algorithm=SHA-256`, `${common}, algorithm=SHA-512-256`, `${common}, algorithm=MD5`];
    expect(writeChallenges(terms, ["MD5", "SHA-512-256", "SHA-256"])).toEqual(expected);
    expect(writeChallenges(terms, ["SHA-256", "SHA-512-256", "MD5"])).toEqual(expected);
  });

  test("says stale=true unquoted, and nothing otherwise", () => {
    expect(writeChallenges({ ...terms, stale: true }, ["MD5"])).toEqual([`${common}, stale=true`]);
  });

  test("has no domain parameter and no auth-int (RFC 4976 §9.1)", () => {
    for (const value of writeChallenges(terms, ["MD5", "SHA-256"])) expect(value).not.toMatch(/domain|auth-int|-sess/);
  });

  test("quotes the realm", () => {
    expect(writeChallenges({ ...terms, realm: 'a"b' }, ["MD5"])[0]).toContain(String.raw`realm="a\"b"`);
  });
});

describe("old clients find MD5 in what we offer", () => {
  const values = writeChallenges(terms, ["SHA-256", "MD5"]);

  test("python3-msrplib, which keeps the last header, ignores algorithm and computes MD5", () => {
    const kept = values.at(-1) ?? "";
    const parameters = Object.fromEntries([...kept.matchAll(/(\w+)=("[^"]+"|[^",]+)/g)].map((m) => [m[1], m[2]]));
    expect(parameters).toMatchObject({ algorithm: "MD5", opaque: '"0paque"', realm: '"example.com"' });
  });

  test("crocodile-msrp, which tries each header in turn and knows only MD5", () => {
    expect(values.find((value) => !/algorithm=(?!MD5)/.test(value))).toBe(`${common}, algorithm=MD5`);
  });

  test("a client that merges all parameters, since nonce and opaque are the same in each", () => {
    expect(new Set(values.map((value) => value.replace(/, algorithm=.*/, "")))).toEqual(new Set([common]));
  });
});

describe("a challenge that is read", () => {
  test("is what was written", () => {
    expect(readChallenges(writeChallenges({ ...terms, stale: true }, ["SHA-256"])[0] ?? "")).toEqual([
      { ...terms, stale: true, algorithm: "SHA-256", algorithmNamed: true },
    ]);
  });

  test("needs no opaque and no algorithm (RFC 4976 §5.1)", () => {
    expect(readChallenges('Digest realm="intra.example.com", qop="auth", nonce="dcd98b71"')).toEqual([
      {
        realm: "intra.example.com",
        nonce: "dcd98b71",
        opaque: undefined,
        stale: false,
        algorithm: "MD5",
        algorithmNamed: false,
      },
    ]);
  });

  test("may offer auth-int besides auth", () => {
    expect(readChallenges('Digest realm="r", nonce="n", qop="auth-int , auth"')).toHaveLength(1);
  });

  test("says stale in any case (RFC 4976 §6.3 writes TRUE)", () => {
    expect(readChallenges('Digest realm="r", nonce="n", qop="auth", stale=TRUE')[0]?.stale).toBe(true);
  });

  test.each([
    ["Basic", 'Basic realm="r"'],
    ["no qop (RFC 4976 §9.1)", 'Digest realm="r", nonce="n"'],
    ["auth-int alone", 'Digest realm="r", nonce="n", qop="auth-int"'],
    ["no nonce", 'Digest realm="r", qop="auth"'],
    ["no realm", 'Digest nonce="n", qop="auth"'],
    ["MD5-sess", 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess'],
    ["an unknown algorithm", 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA3-256'],
    ["malformed", 'Digest realm="r'],
  ])("is ignored: %s", (_, value) => {
    expect(readChallenges(value)).toEqual([]);
  });
});

describe("of several challenges", () => {
  const values = writeChallenges(terms, ["MD5", "SHA-256", "SHA-512-256"]).reverse();

  test("the strongest is chosen, wherever it stands (RFC 7616 §5.8)", () => {
    expect(chooseChallenge(values, password)?.algorithm).toBe("SHA-256");
  });

  test("the strongest is chosen when they were joined in one header", () => {
    expect(chooseChallenge([values.join(", ")], password)?.algorithm).toBe("SHA-256");
  });

  test("one that the stored hash can answer is chosen", () => {
    expect(chooseChallenge(values, { ha1: { MD5: "0".repeat(32) } })?.algorithm).toBe("MD5");
  });

  test("those we do not understand are passed over (RFC 8760 §2.4)", () => {
    const others = ['Basic realm="r"', "Negotiate", `${common}, algorithm=SHA-256-sess`];
    expect(chooseChallenge([...others, common], password)?.algorithm).toBe("MD5");
    expect(chooseChallenge(others, password)).toBeUndefined();
  });

  test("the first of equal ones is chosen", () => {
    expect(chooseChallenge([common, common.replace("n0nce", "other")], password)?.nonce).toBe("n0nce");
  });

  test("none is chosen without anything to answer with", () => {
    expect(chooseChallenge(values, {})).toBeUndefined();
    expect(chooseChallenge([], password)).toBeUndefined();
  });
});
