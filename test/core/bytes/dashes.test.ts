/** The searches for seven dashes, against the plainest search there is. */
import { describe, expect, test } from "vitest";
import { findDashes, findDashesBehindCrlf, seventhDash } from "../../../core/bytes/dashes.ts";
import { octets } from "../../../core/bytes/octets.ts";

const searches = [
  { name: "findDashes", find: findDashes, what: "-------" },
  { name: "findDashesBehindCrlf", find: findDashesBehindCrlf, what: "\r\n-------" },
];

describe.each(searches)("$name", ({ find, what }) => {
  /** Compares with indexOf for every part of `text`. */
  const agree = (text: string) => {
    const source = octets(text);
    for (let start = 0; start <= text.length; start++) {
      for (let end = start; end <= text.length; end++) {
        const plain = text.slice(start, end).indexOf(what);
        const found = find(source, start, end);
        if (found !== (plain < 0 ? -1 : start + plain)) expect([text, start, end, found]).toEqual(plain);
      }
    }
  };

  test("finds what it looks for at every offset, and nothing beyond its bounds", () => {
    for (let before = 0; before < 30; before++) agree(`${"x".repeat(before)}${what}${"y".repeat(12)}`);
  });

  test("finds it behind runs of every length that come to nothing", () => {
    for (let count = 0; count < 24; count++) {
      agree(`${"-".repeat(count)}x${what}`);
      agree(`${"-".repeat(count)}${what}`);
      agree(`\r\n${"-".repeat(count)}${what}`);
      agree(`\r\n${"-".repeat(count)}\r${what}`);
      agree(`\r\n${"-".repeat(count)}\n${what}-`);
    }
  });

  test("agrees with the plainest search on every short text of dashes and line ends", () => {
    // All texts of ten characters where the choices matter: 3^10 of them.
    const letters = ["-", "\r\n", "x"];
    for (let number = 0; number < 3 ** 10; number++) {
      let rest = number;
      let text = "";
      for (let i = 0; i < 10; i++) {
        text += letters[rest % 3];
        rest = Math.trunc(rest / 3);
      }
      const source = octets(`${text}${what}`);
      const found = find(source, 0, source.length);
      if (found !== (text + what).indexOf(what)) expect([text, found]).toEqual((text + what).indexOf(what));
    }
  });
});

describe("every seventh octet", () => {
  test("is looked at up to the end and no further, and seven dashes are never missed", () => {
    for (let before = 0; before < 130; before++) {
      const source = octets(`${"x".repeat(before)}-------${"y".repeat(before)}`);
      const found = seventhDash(source, 6, source.length);
      expect(source[found], `behind ${before}`).toBe(0x2d);
      expect(found % 7).toBe(6);
      expect(seventhDash(source, 6, found)).toBeGreaterThanOrEqual(found);
      expect(seventhDash(source, found, source.length)).toBe(found);
      expect(seventhDash(source, found + 7, source.length)).toBeGreaterThanOrEqual(source.length);
    }
  });
});
