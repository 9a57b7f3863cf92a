import { describe, expect, test } from "vitest";
import { checkedHeaders, checkedOwn, checkedPath, sdpPath, toPath } from "../../../core/endpoint/paths.ts";

const [a, b, c] = ["msrps://a.example:1/a;tcp", "msrps://b.example:1/b;tcp", "msrps://c.example:1/c;tcp"];

describe("paths", () => {
  test("A behind B and C sends to F behind D and E as RFC 4976 §5.1 says", () => {
    expect(toPath("B C", "D E F")).toBe("B C D E F");
    expect(sdpPath("B C", "A")).toBe("C B A");
  });

  test("without relays nothing is added", () => {
    expect(toPath("", "D E F")).toBe("D E F");
    expect(sdpPath("", "A")).toBe("A");
  });

  test.each([
    ["a path", () => checkedPath(`${a} ${b} ${c}`), true],
    ["an empty path", () => checkedPath(""), false],
    ["two spaces", () => checkedPath(`${a}  ${b}`), false],
    ["a line end in the userinfo", () => checkedPath("msrp://x\r\nTo-Path: y@a.example:1/a;tcp"), false],
    ["a URI of our own", () => checkedOwn(a as string), true],
    ["a URI without a session", () => checkedOwn("msrps://a.example:1;tcp"), false],
    ["a header", () => checkedHeaders([["Content-Disposition", "attachment"]]), true],
    ["a header with a line end", () => checkedHeaders([["X-Y", "a\r\n-------abcd$"]]), false],
    ["a header without a value", () => checkedHeaders([["X-Y", ""]]), false],
    ["a header name with a colon", () => checkedHeaders([["X:Y", "z"]]), false],
  ])("from the application: %s", (_, use, fine) => {
    if (fine) expect(use).not.toThrow();
    else expect(use).toThrow();
  });
});
