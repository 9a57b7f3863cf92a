/** Names of header fields and their numbers (RFC 4975 §9, RFC 4976 §7). */
import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import {
  CONTENT_DISPOSITION,
  headerId,
  headerNames,
  mayRepeat,
  OTHER,
  WWW_AUTHENTICATE,
} from "../../../core/codec/header.ts";

function idOf(name: string): number {
  const source = octets(`x${name}:`);
  return headerId(source, 1, 1 + name.length);
}

describe("a header name", () => {
  test.each(headerNames.map((name, id) => ({ name, id })))("$name has its number in any case", ({ name, id }) => {
    expect([name, name.toLowerCase(), name.toUpperCase()].map(idOf)).toEqual([id, id, id]);
  });

  test.each(headerNames)("%s is another one with any of its characters changed", (name) => {
    for (let at = 0; at < name.length; at++) {
      for (const other of ["x", "-", "_", "~", "0"]) {
        const changed = name.slice(0, at) + other + name.slice(at + 1);
        if (changed.toLowerCase() !== name.toLowerCase()) expect(idOf(changed)).not.toBe(headerNames.indexOf(name));
      }
    }
  });

  test.each(["", "X", "Subject", "Keep-Alive", "Content-Language", "To-Path-", "x".repeat(23), "x".repeat(24)])(
    "%s is none of ours",
    (name) => {
      expect(idOf(name)).toBe(OTHER);
    },
  );

  test("of every header we know stands once, but for WWW-Authenticate and what belongs to the content", () => {
    const repeating = headerNames.map((_name, id) => id).filter(mayRepeat);
    expect(repeating).toEqual([WWW_AUTHENTICATE, CONTENT_DISPOSITION]);
    expect(mayRepeat(OTHER)).toBe(true);
  });
});
