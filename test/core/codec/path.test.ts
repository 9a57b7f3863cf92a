/** To-Path, From-Path and Use-Path (RFC 4975 §9, RFC 4976 §7). */
import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import { firstUriEnd, MAX_PATH, parsePath, readPath } from "../../../core/codec/path.ts";

const one = "msrps://a.example.org:9000/kjfjan;tcp";
const two = "MSRP://Bob@B.example.NET:8145/foo;WS;x=1";

describe("a path", () => {
  test("of one URI is read, and the text stays as written", () => {
    expect(parsePath(two)).toMatchObject({ texts: [two], uris: [{ host: "b.example.net", userinfo: "Bob" }] });
  });

  test("of several URIs is read from left to right (§7.1)", () => {
    expect(parsePath(`${one} ${two} ${one}`)?.texts).toEqual([one, two, one]);
  });

  test("is read from the middle of other octets", () => {
    const source = octets(`To-Path: ${one} ${two}\r\n`);
    expect(readPath(source, 9, source.length - 2)?.texts).toEqual([one, two]);
  });

  const bad: [name: string, text: string][] = [
    ["of nothing", ""],
    ["with a space before it", ` ${one}`],
    ["with a space behind it", `${one} `],
    ["with two spaces between its URIs", `${one}  ${two}`],
    ["with a tab between its URIs", `${one}\t${two}`],
    ["with a comma between its URIs", `${one},${two}`],
    ["with one URI that is none", `${one} sip:bob@example.com ${two}`],
  ];
  test.each(bad)("%s is refused", (_name, text) => {
    expect(parsePath(text)).toBeUndefined();
  });

  test("of 32 URIs is read, and of 33 refused", () => {
    expect(parsePath(Array(MAX_PATH).fill(one).join(" "))?.uris.length).toBe(32);
    expect(
      parsePath(
        Array(MAX_PATH + 1)
          .fill(one)
          .join(" "),
      ),
    ).toBeUndefined();
  });

  test("has its first URI up to the first space", () => {
    const source = octets(`${one} ${two}`);
    expect(firstUriEnd(source, 0, source.length)).toBe(one.length);
    expect(firstUriEnd(source, one.length + 1, source.length)).toBe(source.length);
    expect(firstUriEnd(source, 3, 3)).toBe(3);
  });
});
