import { expect, test } from "vitest";
import { boundHeader, readExpires } from "../../../core/auth/expires.ts";

const bounds = { minSeconds: 60, defaultSeconds: 86_400, maxSeconds: 172_800 };

test.each<[string | undefined, number | string]>([
  [undefined, 86_400],
  ["900", 900],
  ["60", 60],
  ["172800", 172_800],
  ["000900", 900],
  [" 900 ", 900],
  ["0", "EXPIRES_TOO_SHORT"],
  ["59", "EXPIRES_TOO_SHORT"],
  ["172801", "EXPIRES_TOO_LONG"],
  ["4294967296", "EXPIRES_TOO_LONG"],
  ["9007199254740993", "EXPIRES"],
  ["1".repeat(400), "EXPIRES"],
  ["", "EXPIRES"],
  ["-1", "EXPIRES"],
  ["+900", "EXPIRES"],
  ["900.5", "EXPIRES"],
  ["9e2", "EXPIRES"],
  ["0x384", "EXPIRES"],
  ["900;x", "EXPIRES"],
  ["soon", "EXPIRES"],
])("Expires: %s gives %s", (value, expected) => {
  expect(readExpires(value, bounds)).toBe(expected);
});

test("Expires: 0 is too short even where nothing else is", () => {
  expect(readExpires("0", { ...bounds, minSeconds: 0 })).toBe("EXPIRES_TOO_SHORT");
  expect(boundHeader("EXPIRES_TOO_SHORT", { ...bounds, minSeconds: 0 })).toEqual({ name: "Min-Expires", value: "1" });
});

test("a 423 says which bound was missed (RFC 4976 §6.3)", () => {
  expect(boundHeader("EXPIRES_TOO_SHORT", bounds)).toEqual({ name: "Min-Expires", value: "60" });
  expect(boundHeader("EXPIRES_TOO_LONG", bounds)).toEqual({ name: "Max-Expires", value: "172800" });
});
