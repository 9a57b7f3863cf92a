import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Octets, utf8Text } from "../../../core/auth/utf8.ts";
import { octetString } from "./octet-string.ts";

test.each([
  ["alice", "alice"],
  ["Jäsøn", "J\xc3\xa4s\xc3\xb8n"],
  ["100%", "100%"],
  ["%41", "%41"],
  ["\u{1f98a}", "\xf0\x9f\xa6\x8a"],
  ["", ""],
])("the octets of %j", (text, octets) => {
  expect(utf8Octets(text)).toBe(octets);
  expect(utf8Text(octets)).toBe(text);
});

test.each([
  ["Latin-1", "J\xe4s\xf8n"],
  ["a sequence cut short", "\xc3"],
  ["an overlong slash", "\xc0\xaf"],
  ["a surrogate", "\xed\xa0\x80"],
  ["above U+10FFFF", "\xf4\x90\x80\x80"],
])("%s is not UTF-8", (_, octets) => {
  expect(utf8Text(octets)).toBeUndefined();
});

test("a lone surrogate is replaced, not thrown at", () => {
  expect(utf8Octets("a\ud800b")).toBe("a\xef\xbf\xbdb");
});

test("text comes back from its octets", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(utf8Text(utf8Octets(text))).toBe(text);
    }),
  );
});

test("any octets are text or not, and the text has these octets", () => {
  fc.assert(
    fc.property(octetString, (octets) => {
      const text = utf8Text(octets);
      if (text !== undefined) expect(utf8Octets(text)).toBe(octets);
    }),
  );
});
