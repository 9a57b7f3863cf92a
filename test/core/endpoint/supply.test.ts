import fc from "fast-check";
import { expect, test } from "vitest";
import { octetString } from "../../../core/bytes/octets.ts";
import { Supply } from "../../../core/endpoint/supply.ts";

test("octets lent are not copied before the lender wants his memory back", () => {
  const supply = new Supply();
  const lent = Uint8Array.of(1, 2, 3, 4);
  supply.lend(lent);
  expect(supply.octets).toBe(lent);
  supply.start += 2;
  supply.keep();
  lent.fill(9);
  expect([...supply.octets.subarray(supply.start, supply.end)]).toEqual([3, 4]);
});

test("what goes in comes out, in order", () => {
  const step = fc.record({ give: fc.nat(20), take: fc.nat(20), keep: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const supply = new Supply();
      let given = "";
      let taken = "";
      let next = 0;
      const lent: Uint8Array[] = [];
      const take = (count: number) => {
        const end = Math.min(supply.end, supply.start + count);
        taken += octetString(supply.octets, supply.start, end);
        supply.start = end;
      };
      for (const { give, take: count, keep } of steps) {
        const bytes = Uint8Array.from({ length: give }, () => next++ & 0xff);
        given += octetString(bytes);
        supply.lend(bytes);
        lent.push(bytes);
        take(count);
        if (keep) {
          supply.keep();
          for (const memory of lent.splice(0)) memory.fill(0x21);
        }
      }
      take(Number.MAX_SAFE_INTEGER);
      expect(taken).toBe(given);
    }),
  );
});
