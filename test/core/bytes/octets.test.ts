/** Octet strings, and the rules of RFC 4975 §9 by character. */
import { describe, expect, test } from "vitest";
import {
  ALPHA,
  charClass,
  DIGIT,
  IDENT,
  numberOf,
  octetString,
  octets,
  sameOctets,
  spells,
  TEXT,
  TOKEN,
  UPPER_ALPHA,
} from "../../../core/bytes/octets.ts";

const every = Array.from({ length: 256 }, (_nothing, code) => code);

describe("charClass", () => {
  const rules: [name: string, bit: number, rule: RegExp][] = [
    ["ALPHA", ALPHA, /[A-Za-z]/],
    ["DIGIT", DIGIT, /[0-9]/],
    ["UPALPHA", UPPER_ALPHA, /[A-Z]/],
    ["ident-char", IDENT, /[A-Za-z0-9.\-+%=]/],
    // token = 1*(%x21 / %x23-27 / %x2A-2B / %x2D-2E / %x30-39 / %x41-5A / %x5E-7E)
    ["token", TOKEN, /[\x21\x23-\x27\x2a-\x2b\x2d-\x2e\x30-\x39\x41-\x5a\x5e-\x7e]/],
    // utf8text = *(HTAB / %x20-7E / UTF8-NONASCII), octet by octet
    ["utf8text", TEXT, /[\t\x20-\x7e\x80-\xff]/],
  ];
  test.each(rules)("knows %s as RFC 4975 §9 has it", (_name, bit, rule) => {
    const known = every.filter((code) => ((charClass[code] as number) & bit) !== 0);
    expect(known).toEqual(every.filter((code) => rule.test(String.fromCharCode(code))));
  });
});

describe("octet strings", () => {
  test("keep every octet there and back", () => {
    const all = Uint8Array.from(every);
    expect(octets(octetString(all))).toEqual(all);
  });

  test("may be of any length", () => {
    for (const size of [0, 1, 4095, 4096, 4097, 100_000]) {
      const source = new Uint8Array(size).map((_octet, i) => i * 31);
      expect(octets(octetString(source))).toEqual(source);
    }
  });

  test("may be a part", () => {
    expect(octetString(octets("abcdef"), 2, 4)).toBe("cd");
    expect(octetString(octets("abcdef"), 4)).toBe("ef");
    expect(octetString(octets("abcdef"), 3, 3)).toBe("");
  });
});

test("the number of octets says that two differ, and goes on from the number of what stands before", () => {
  const numbers = ["", "a", "b", "ab", "ba", "aa", "\0", "\0\0"].map((text) => numberOf(octets(text), 0, text.length));
  expect(new Set(numbers).size).toBe(numbers.length);
  for (const number of numbers) expect(number).toBe(number & 0x3fffffff);
  const before = numberOf(octets("xay"), 1, 2);
  expect(numberOf(octets("b"), 0, 1, before)).not.toBe(numberOf(octets("b"), 0, 1));
});

describe("comparing", () => {
  test("sameOctets compares parts of the same length", () => {
    const a = octets("xxabc");
    expect(sameOctets(a, 2, octets("abc"), 0, 3)).toBe(true);
    expect(sameOctets(a, 2, octets("abd"), 0, 3)).toBe(false);
    expect(sameOctets(a, 2, octets("zbc"), 0, 3)).toBe(false);
    expect(sameOctets(a, 2, octets("abd"), 0, 2)).toBe(true);
    expect(sameOctets(a, 4, octets("cd"), 0, 2)).toBe(false);
  });

  const spelled: [text: string, lowerCase: string, expected: boolean][] = [
    ["yes", "yes", true],
    ["YeS", "yes", true],
    ["yes ", "yes", false],
    ["ye", "yes", false],
    ["", "", true],
    ["\x59\x05\x13", "yes", false],
    ["@[`{", "@[`{", true],
    ["@[", "`{", false],
    ["\xd9es", "\xf9es", false],
  ];
  test.each(spelled)("%j spells %j: %s", (text, lowerCase, expected) => {
    const source = octets(`x${text}x`);
    expect(spells(source, 1, 1 + text.length, lowerCase)).toBe(expected);
  });
});
