/** The buffer heads are composed in. */
import { describe, expect, test } from "vitest";
import { octetString, octets } from "../../../core/bytes/octets.ts";
import { Scratch } from "../../../core/bytes/scratch.ts";

describe("a Scratch", () => {
  test("grows with what is composed, from any size", () => {
    for (const capacity of [0, 1, 10, 1024]) {
      const to = new Scratch(capacity);
      let expected = "";
      for (let i = 0; i < 300; i++) {
        to.text("ab").octet(0x63).number(i).copy(octets("..xyz.."), 2, 5).copy(octets("!"));
        expected += `abc${i}xyz!`;
      }
      expect(octetString(to.take())).toBe(expected);
    }
  });

  test("copies long pieces as well as short ones", () => {
    for (const size of [0, 1, 63, 64, 65, 66, 5000]) {
      const source = new Uint8Array(size + 2).map((_octet, i) => i);
      const to = new Scratch(8)
        .text("x")
        .copy(source, 1, size + 1)
        .text("y");
      expect(to.take()).toEqual(Uint8Array.of(0x78, ...source.subarray(1, size + 1), 0x79));
    }
  });

  test("is used again after reset, and what was taken stays", () => {
    const to = new Scratch();
    const first = to.text("first").take();
    expect(octetString(to.reset().text("2nd").take())).toBe("2nd");
    expect(octetString(first)).toBe("first");
  });

  test("begins with what it began with before, or with something else, whatever happened between", () => {
    const one = octets("one: ----");
    const two = octets("two: ----, and longer");
    const to = new Scratch(8);
    const said: string[] = [];
    for (const beginning of [one, one, two, one, one]) {
      said.push(octetString(to.begin(beginning).put(5, octets("abcd")).text("!".repeat(said.length)).take()));
    }
    to.reset().text("something else");
    said.push(octetString(to.begin(one).take()));
    expect(said).toEqual([
      "one: abcd",
      "one: abcd!",
      "two: abcd, and longer!!",
      "one: abcd!!!",
      "one: abcd!!!!",
      "one: ----",
    ]);
    expect(octetString(one)).toBe("one: ----");
  });

  test("writes large numbers in digits", () => {
    expect(octetString(new Scratch().number(0).octet(0x20).number(999_999_999_999_999).take())).toBe(
      "0 999999999999999",
    );
  });
});
