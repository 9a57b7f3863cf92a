import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Nonces } from "../../../core/auth/nonce.ts";
import { octetString } from "./octet-string.ts";

const realm = "example.com";

/** Dice that always fall the same way, different for each seed. */
function dice(seed: number): (target: Uint8Array) => void {
  return (target) => target.forEach((_, i) => (target[i] = (seed * 31 + i * 7) & 0xff));
}

function nonces(nonceSeconds = 300, maxUsed = 4): Nonces {
  return new Nonces(dice(1), nonceSeconds, maxUsed);
}

describe("a nonce", () => {
  test("is accepted once with each nonce-count, and the count must rise", () => {
    const book = nonces();
    const nonce = book.issue(realm, 0);
    const counts = [1, 1, 2, 5, 4, 5, 6];
    expect(counts.map((count) => book.use(nonce, count, realm, 1))).toEqual([
      true,
      false,
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  test("may begin with a count above one: earlier uses may have got lost", () => {
    const book = nonces();
    const nonce = book.issue(realm, 0);
    expect(book.use(nonce, 7, realm, 1)).toBe(true);
    expect(book.use(nonce, 6, realm, 1)).toBe(false);
  });

  test("lives nonceSeconds, used or not", () => {
    const book = nonces(300);
    const [used, unused] = [book.issue(realm, 0), book.issue(realm, 0)];
    expect(book.use(used, 1, realm, 299_999)).toBe(true);
    expect(book.use(used, 2, realm, 300_000)).toBe(false);
    expect(book.use(unused, 1, realm, 300_000)).toBe(false);
  });

  test("does not care where the clock has its zero, nor whether it counts in fractions", () => {
    for (const start of [-86_400_000.5, 0, 0.25, 1_763_700_000_000]) {
      const book = nonces(300);
      const nonce = book.issue(realm, start);
      expect(book.use(nonce, 1, realm, start + 299_000)).toBe(true);
      expect(book.use(nonce, 2, realm, start + 300_000)).toBe(false);
    }
  });

  test("is good for its realm only", () => {
    const book = nonces();
    expect(book.use(book.issue("other.example", 0), 1, realm, 1)).toBe(false);
  });

  test("of another process is not ours", () => {
    const nonce = new Nonces(dice(2), 300).issue(realm, 0);
    expect(nonces().use(nonce, 1, realm, 1)).toBe(false);
  });

  test("cannot be made from another by changing one character", () => {
    const book = nonces();
    const nonce = book.issue(realm, 123_456);
    for (let i = 0; i < nonce.length; i++) {
      for (const character of "0aA.- ") {
        const changed = nonce.slice(0, i) + character + nonce.slice(i + 1);
        if (changed !== nonce) expect(book.use(changed, 1, realm, 123_457)).toBe(false);
      }
    }
    expect(book.use(nonce, 1, realm, 123_457)).toBe(true);
  });

  test.each([
    "",
    "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    "0.1.",
    `0.1.${"0".repeat(32)}`,
    `.1.${"0".repeat(32)}`,
    `opaque.${"0".repeat(32)}`,
  ])("that was guessed is not ours: %j", (guess) => {
    expect(nonces().use(guess, 1, realm, 1)).toBe(false);
  });

  test("has no characters that an old client would stumble over, and each is another", () => {
    const book = nonces();
    const issued = Array.from({ length: 1000 }, () => book.issue(realm, 5));
    for (const nonce of issued) expect(nonce).toMatch(/^[0-9a-z.]{36,64}$/);
    expect(new Set(issued).size).toBe(1000);
  });

  test("any octets are no nonce of ours, never a throw", () => {
    const book = nonces();
    fc.assert(
      fc.property(octetString, (text) => {
        expect(book.use(text, 1, realm, 1)).toBe(false);
      }),
    );
  });

  test("opaque is that of the realm and of the process", () => {
    expect(nonces().opaque(realm)).toBe(nonces().opaque(realm));
    expect(nonces().opaque(realm)).not.toBe(nonces().opaque("other.example"));
    expect(nonces().opaque(realm)).not.toBe(new Nonces(dice(2), 300).opaque(realm));
  });
});

describe("the table of used nonces", () => {
  test("holds none that was only handed out", () => {
    const book = nonces();
    for (let i = 0; i < 100; i++) book.issue(realm, 0);
    expect(book.used).toBe(0);
  });

  test("keeps to its bound, and what it forgets is stale", () => {
    const book = nonces(300, 4);
    const used = Array.from({ length: 6 }, () => book.issue(realm, 0));
    for (const nonce of used) expect(book.use(nonce, 1, realm, 1)).toBe(true);
    expect(book.used).toBe(4);
    expect(used.map((nonce) => book.use(nonce, 1, realm, 2))).toEqual(used.map(() => false));
    expect(used.map((nonce) => book.use(nonce, 2, realm, 3))).toEqual([false, false, true, true, true, true]);
  });

  test("that forgets a nonce makes older unused ones stale and leaves newer ones alone", () => {
    const book = nonces(300, 1);
    const [older, first, newer, second] = [0, 1, 2, 3].map((at) => book.issue(realm, at)) as [
      string,
      string,
      string,
      string,
    ];
    expect(book.use(first, 1, realm, 10)).toBe(true);
    expect(book.use(second, 1, realm, 10)).toBe(true); // forgets `first`
    expect(book.use(older, 1, realm, 10)).toBe(false);
    expect(book.use(newer, 1, realm, 10)).toBe(true);
  });

  test("lets expired nonces go first, without making any stale", () => {
    const book = nonces(300, 4);
    const waiting = book.issue(realm, 0);
    for (let i = 0; i < 4; i++) book.use(book.issue(realm, 0), 1, realm, 0);
    const fresh = Array.from({ length: 4 }, () => book.issue(realm, 300_000));
    for (const nonce of fresh) expect(book.use(nonce, 1, realm, 300_001)).toBe(true);
    expect(book.used).toBe(4);
    expect(fresh.map((nonce) => book.use(nonce, 2, realm, 300_002))).toEqual([true, true, true, true]);
    expect(book.use(waiting, 1, realm, 300_003)).toBe(false); // expired itself
  });

  test("never lets a pair of nonce and count pass twice, whatever is asked in whatever order", () => {
    const step = fc.record({ index: fc.nat(11), count: fc.integer({ min: 1, max: 3 }), wait: fc.nat(40_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const book = nonces(300, 3);
        const issued = Array.from({ length: 12 }, (_, i) => book.issue(realm, i));
        const passed = new Set<string>();
        let now = 100;
        for (const { index, count, wait } of steps) {
          now += wait;
          if (!book.use(issued[index] as string, count, realm, now)) continue;
          const use = `${index} ${count}`;
          expect(passed.has(use)).toBe(false);
          passed.add(use);
          expect(book.used).toBeLessThanOrEqual(3);
        }
      }),
    );
  });
});
