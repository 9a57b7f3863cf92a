/** What the operator's rules say: of a session that starts, of a pair of users, of a message. */
import { describe, expect, test } from "vitest";
import type { PolicyRule } from "../../../core/ports.ts";
import { allowsSession, fits, judgeMessage, termsOf } from "../../../core/session/policy.ts";

const MOST = Number.MAX_SAFE_INTEGER;

describe("a pattern", () => {
  test.each([
    ["alice", "alice", true],
    ["alice", "Alice", true],
    ["alice", "alice2", false],
    ["*", "", true],
    ["a*e", "alice", true],
    ["a*e", "ae", true],
    ["a*a", "a", false],
    ["*.example.net", "relay.example.net", true],
    ["*.example.net", "example.net", false],
    ["*a*b*", "xaybz", true],
    ["*a*b*", "xbyaz", false],
    ["image/*", "image/png", true],
    ["a.c", "abc", false],
  ])("%s fits %s: %s", (pattern, text, expected) => expect(fits(pattern, text)).toBe(expected));
});

describe("a session", () => {
  test.each<[string, PolicyRule[], boolean]>([
    ["without rules", [], true],
    ["of a user who is denied", [{ action: "deny", user: "alice" }], false],
    ["of another user", [{ action: "deny", user: "eve" }], true],
    ["of a domain that is denied", [{ action: "deny", domain: "*.com" }], false],
    ["when everybody else is denied", [{ action: "allow", user: "alice" }, { action: "deny" }], true],
    ["when everybody is denied", [{ action: "allow", user: "bob" }, { action: "deny" }], false],
    ["of whom only one peer is denied", [{ action: "deny", user: "alice", peer: "x" }], true],
    ["of whom only one peer is allowed", [{ action: "allow", user: "alice", peer: "x" }, { action: "deny" }], true],
    ["that may send no pictures", [{ action: "deny", contentType: "image/*" }], true],
  ])("%s", (_, rules, expected) => expect(allowsSession(rules, "alice", "example.com")).toBe(expected));
});

describe("a pair of users", () => {
  const pair = [{ user: "alice", domain: "example.com", peer: "relay.example.net" }];
  const terms = (rules: PolicyRule[], parties = pair) => termsOf(rules, parties, false);

  test("about whom no rule says anything costs nothing", () => {
    expect(terms([])).toMatchObject({ free: true });
    expect(
      terms([
        { action: "deny", user: "eve" },
        { action: "deny", peer: "example.org" },
      ]),
    ).toMatchObject({ free: true });
    expect(terms([{ action: "allow" }, { action: "deny", contentType: "*" }])).toMatchObject({ free: true });
  });

  test.each<[string, PolicyRule[], boolean]>([
    ["its peer is denied", [{ action: "deny", peer: "*.example.net" }], true],
    [
      "its peer is allowed and all others are not",
      [{ action: "allow", peer: "*.example.net" }, { action: "deny" }],
      false,
    ],
    ["its peer is denied for others", [{ action: "deny", user: "bob", peer: "*.example.net" }], false],
    ["something of it may be allowed", [{ action: "allow", contentType: "text/*" }, { action: "deny" }], false],
  ])("is denied when %s: %s", (_, rules, denied) => expect(terms(rules).denied).toBe(denied));

  test("is denied when either of them is", () => {
    const both = [...pair, { user: "bob", domain: "example.net", peer: "example.com" }];
    expect(terms([{ action: "deny", user: "bob", peer: "*" }], both).denied).toBe(true);
  });
});

describe("a message", () => {
  const parties = [{ user: "alice", domain: "example.com", peer: "x" }];
  const judge = (rules: PolicyRule[], type: string, total: number) =>
    judgeMessage(termsOf(rules, parties, false), type, total);
  const onlyText: PolicyRule[] = [{ action: "allow", contentType: "text/*" }, { action: "deny" }];

  test("is judged by its type", () => {
    expect(judge([{ action: "deny", contentType: "image/*" }], "IMAGE/png", 5)).toBe("POLICY_TYPE");
    expect(judge([{ action: "deny", contentType: "image/*" }], "text/plain", 5)).toBe(MOST);
    expect(judge(onlyText, "text/plain", 5)).toBe(MOST);
    expect(judge(onlyText, "image/png", 5)).toBe("POLICY_TYPE");
  });

  test("is judged by its size, and by how large it becomes when that is not known", () => {
    const small: PolicyRule[] = [{ action: "deny", largerThan: 100 }];
    expect(judge(small, "", 100)).toBe(MOST);
    expect(judge(small, "", 101)).toBe("MESSAGE_TOO_LARGE");
    expect(judge(small, "", -1)).toBe(100);
  });

  test("is judged by both together", () => {
    const rules: PolicyRule[] = [{ action: "deny", contentType: "image/*", largerThan: 100 }];
    expect(judge(rules, "image/png", -1)).toBe(100);
    expect(judge(rules, "image/png", 200)).toBe("MESSAGE_TOO_LARGE");
    expect(judge(rules, "text/plain", 200)).toBe(MOST);
  });

  test("is allowed by the rule before the one that would deny it", () => {
    const rules: PolicyRule[] = [
      { action: "allow", user: "alice", contentType: "image/*" },
      { action: "deny", largerThan: 10 },
    ];
    expect(judge(rules, "image/png", 5000)).toBe(MOST);
    expect(judge(rules, "text/plain", 5000)).toBe("MESSAGE_TOO_LARGE");
  });
});
