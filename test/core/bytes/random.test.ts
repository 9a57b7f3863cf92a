/** Identifiers from the Host's randomness. */
import { describe, expect, test } from "vitest";
import { octetString } from "../../../core/bytes/octets.ts";
import { RandomPool } from "../../../core/bytes/random.ts";

/** Fills with 0, 1, 2 … through all its calls, and counts them. */
function counting() {
  const calls: number[] = [];
  let next = 0;
  const fill = (target: Uint8Array) => {
    calls.push(target.length);
    for (let i = 0; i < target.length; i++) target[i] = next++;
  };
  return { calls, fill };
}

describe("a RandomPool", () => {
  test("asks the Host for nothing before it is needed, and then for a kilobyte at a time", () => {
    const { calls, fill } = counting();
    const pool = new RandomPool(fill);
    expect(calls).toEqual([]);
    pool.text(1024);
    expect(calls).toEqual([1024]);
    pool.text(1);
    expect(calls).toEqual([1024, 1024]);
  });

  test("uses each octet once, and each letter as often as the next", () => {
    const pool = new RandomPool(counting().fill);
    const letters = pool.text(1024);
    const counts = new Map<string, number>();
    for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).toBe(32);
    expect(new Set(counts.values())).toEqual(new Set([32]));
  });

  test("writes the letters it would give as text, where it is told and nowhere else", () => {
    const target = new Uint8Array(12);
    new RandomPool(counting().fill).letters(target, 2, 8);
    expect(octetString(target)).toBe(`\0\0${new RandomPool(counting().fill).text(8)}\0\0`);
  });

  test("gives letters that may begin and fill an ident (RFC 4975 §9) and hold no dash", () => {
    expect(new RandomPool(counting().fill).text(5000)).toMatch(/^[a-z0-9]+$/);
  });
});
