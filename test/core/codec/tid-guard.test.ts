/** The watch over bodies that go on under a transact-id of ours (RFC 4975 §7.1). */
import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import { TidGuard } from "../../../core/codec/tid-guard.ts";

const ID = "abcabd77";

/** How far `body` may be written under ID, in these pieces; -1 when all of it may. `told`: where there are no seven dashes. */
function stop(pieces: readonly string[], id = ID, told = false): number {
  const guard = new TidGuard();
  guard.begin(octets(`..${id}..`), 2, 2 + id.length);
  let before = 0;
  for (const piece of pieces) {
    const source = octets(`--${piece}${id}`);
    const dashless = told && !piece.includes("-------");
    const at = guard.check(source, 2, 2 + piece.length, dashless);
    if (at < 2 + piece.length) return before + at - 2;
    before += piece.length;
  }
  return -1;
}

/** The same, whole and cut at every pair of points. */
function stopEveryWay(body: string): number {
  const whole = stop([body]);
  for (let first = 0; first <= body.length; first++) {
    for (let second = first; second <= body.length; second++) {
      const pieces = [body.slice(0, first), body.slice(first, second), body.slice(second)];
      expect(stop(pieces)).toBe(whole);
      expect(stop(pieces, ID, true)).toBe(whole);
    }
  }
  return whole;
}

describe("a body that holds seven dashes and our id stops before the octet that completes it", () => {
  // The bar stands where it must stop and is no part of the body.
  const bodies: [name: string, body: string][] = [
    ["at its beginning", "-------abcabd7|7"],
    ["as an end-line", "text\r\n-------abcabd7|7$\r\nMSRP evil SEND"],
    ["without a CRLF before it", "text-------abcabd7|7"],
    ["behind eight dashes", "--------abcabd7|7"],
    ["behind fourteen dashes", "--------------abcabd7|7"],
    ["behind a run that broke off", "------x-------abcabd7|7"],
    ["behind a longer run that broke off", "-------x-------abcabd7|7"],
    ["behind the beginning of the id", "-------abc-------abcabd7|7"],
    ["behind all of the id but its last character", "-------abcabd7-------abcabd7|7"],
    ["behind another id that begins alike", "-------abcabc-------abcabd7|7"],
    ["twice", "-------abcabd7|7-------abcabd77"],
  ];
  test.each(bodies)("%s, wherever reads cut it", (_name, body) => {
    expect(stopEveryWay(body.replace("|", ""))).toBe(body.indexOf("|"));
  });
});

describe("a body passes whole", () => {
  const bodies: [name: string, body: string][] = [
    ["of nothing", ""],
    ["of dashes", "-".repeat(40)],
    ["with our id but no dashes", ID],
    ["with our id behind six dashes", `------${ID}`],
    ["with our id in other letters", `-------${ID.toUpperCase()}`],
    ["with our id but for its last character", "-------abcabd7-"],
    ["with the beginning of our id again and again", "-------abc".repeat(5)],
    ["with the id's beginning twice in a row", "-------abcabcabd77"],
    ["with our id behind dashes and one octet more", `-------x${ID}`],
    ["that ends with seven dashes", "abcd\r\n-------"],
    ["that ends with almost all of it", "\r\n-------abcabd7"],
  ];
  test.each(bodies)("%s", (_name, body) => {
    expect(stopEveryWay(body)).toBe(-1);
  });
});

describe("a chunk that goes on under another id", () => {
  test("begins anew: what the last one ended with does not count", () => {
    const guard = new TidGuard();
    guard.begin(octets(ID), 0, ID.length);
    expect(guard.check(octets("-------abc"), 0, 10)).toBe(10);
    guard.begin(octets(ID), 0, ID.length);
    expect(guard.check(octets("abd77"), 0, 5)).toBe(5);
  });

  test("is watched for that one, and no longer for the first", () => {
    const guard = new TidGuard();
    guard.begin(octets(ID), 0, ID.length);
    const body = octets(`-------${ID}-------zzzz9999`);
    const at = guard.check(body, 0, body.length);
    expect(at).toBe(14);
    guard.begin(octets("zzzz9999"), 0, 8);
    expect(guard.check(body, at, body.length)).toBe(body.length - 1);
  });

  test("may have an id of 4 or of 32 characters", () => {
    for (const id of ["6aef", "x".repeat(32)]) {
      expect(stop([`\r\n-------${id}$`], id)).toBe(9 + id.length - 1);
      expect(stop([`\r\n-------${id.slice(0, -1)}$`], id)).toBe(-1);
    }
  });
});
