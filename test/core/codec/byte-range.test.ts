/** Byte-Range values (RFC 4975 §7.1.1, §9). */
import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import { type ByteRange, formatByteRange, readByteRange } from "../../../core/codec/byte-range.ts";

function read(text: string): ByteRange | undefined {
  const source = octets(`x${text}x`);
  return readByteRange(source, 1, source.length - 1);
}

describe("a Byte-Range", () => {
  const good: [text: string, start: number, end: number, total: number][] = [
    ["1-25/25", 1, 25, 25], // §4
    ["1-*/8", 1, -1, 8], // §5.1
    ["5-8/8", 5, 8, 8],
    ["1-*/*", 1, -1, -1], // RFC 4976 §3
    ["1-39/*", 1, 39, -1],
    ["1-0/0", 1, 0, 0], // §7.1.1: the empty SEND
    ["0-0/0", 0, 0, 0], // python3-msrplib
    ["138-148/148", 138, 148, 148],
    ["10-5/3", 10, 5, 3], // not judged: the end-line is the truth
    ["999999999999999-999999999999999/999999999999999", 999999999999999, 999999999999999, 999999999999999],
  ];
  test.each(good)("%s is read, and written again", (text, start, end, total) => {
    expect(read(text)).toEqual({ start, end, total });
    expect(formatByteRange(start, end, total)).toBe(text);
  });

  test("with zeros before is read as the number it is", () => {
    expect(read("01-0025/025")).toEqual({ start: 1, end: 25, total: 25 });
  });

  const bad: [name: string, text: string][] = [
    ["of nothing", ""],
    ["of a dash and a slash", "-/"],
    ["without a dash", "1/25"],
    ["without a slash", "1-25"],
    ["without a total", "1-25/"],
    ["without an end", "1-/25"],
    ["without a start", "-25/25"],
    ["with a star for its start", "*-25/25"],
    ["with two stars", "1-**/25"],
    ["with spaces", "1 - 25 / 25"],
    ["with a space behind it", "1-25/25 "],
    ["with a negative number", "-1-25/25"],
    ["with a plus sign", "1-+25/25"],
    ["with hexadecimal digits", "0x1-25/25"],
    ["with a fraction", "1-2.5/25"],
    ["with a unit before it, as in HTTP", "bytes 1-25/25"],
    ["with something behind it", "1-25/25/25"],
    ["with 16 digits, where numbers stop being exact", "1-*/1000000000000000"],
    ["with NUL", "1-\0/25"],
  ];
  test.each(bad)("%s is malformed", (_name, text) => {
    expect(read(text)).toBeUndefined();
  });

  test("is not read beyond its end", () => {
    const source = octets("1-25/2500");
    for (let end = 0; end < 6; end++) expect(readByteRange(source, 0, end)).toBeUndefined();
    expect(readByteRange(source, 0, 7)?.total).toBe(25);
  });
});
