import { describe, expect, it, test } from "vitest";
import { AddressLimits } from "../../adapters/shared/address-limits.ts";

/** A hundred connections may be open, and are. */
function full(): AddressLimits {
  const limits = new AddressLimits({ connections: 100, connectionsPerAddress: 2 });
  for (let i = 0; i < 100; i++) limits.admit(`192.0.2.${i}`);
  return limits;
}

it("room is made for one more when there is somebody to part with, and not otherwise", () => {
  const limits = full();
  const asked: boolean[] = [true, true, false];
  limits.makeRoom = () => asked.shift() === true;
  expect(limits.admit("198.51.100.1")).toBeTypeOf("function");
  expect(limits.admit("198.51.100.2")).toBeTypeOf("function");
  expect(limits.admit("198.51.100.3")).toBe("CONNECTIONS");
  expect([limits.total, asked]).toEqual([102, []]);
});

it("room is made for no address that has its share already", () => {
  const limits = full();
  limits.makeRoom = () => {
    throw new Error("nobody has to go");
  };
  limits.limits = { connections: 100, connectionsPerAddress: 1 };
  expect(limits.admit("192.0.2.7")).toBe("CONNECTIONS_PER_ADDRESS");
});

it("no more than 64 are let in while those who were to make room have not gone", () => {
  const limits = full();
  limits.makeRoom = () => true;
  let admitted = 0;
  while (typeof limits.admit(`198.51.100.${admitted}`) === "function") admitted++;
  expect([admitted, limits.total]).toEqual([64, 164]);
});

describe("limits.connectionsPerSecondPerAddress", () => {
  let now = 0;
  const limited = () =>
    new AddressLimits({ connections: 1000, connectionsPerAddress: 1000, connectionsPerSecondPerAddress: 2 }, () => now);

  test("lets ten seconds' worth in at once, and then as many as it says", () => {
    now = 0;
    const limits = limited();
    const attempts = (count: number) => Array.from({ length: count }, () => limits.admit("192.0.2.1"));
    expect(attempts(21).filter((answer) => answer === "CONNECTION_RATE")).toHaveLength(1);
    now = 1000;
    expect(attempts(2).filter((answer) => answer === "CONNECTION_RATE").length).toBeLessThanOrEqual(1);
    expect(limits.admit("192.0.2.1")).toBe("CONNECTION_RATE");
    expect(limits.admit("192.0.2.2")).toBeTypeOf("function");
    expect(limits.total).toBeLessThanOrEqual(23);
  });

  test("counts one IPv6 network as one address", () => {
    now = 0;
    const limits = limited();
    for (let i = 0; i < 20; i++) expect(limits.admit(`2001:db8::${i + 1}`)).toBeTypeOf("function");
    expect(limits.admit("2001:db8::ffff")).toBe("CONNECTION_RATE");
    expect(limits.admit("2001:db8:0:1::1")).toBeTypeOf("function");
  });
});

test("nobody is let in while memory is full", () => {
  const limits = new AddressLimits({ connections: 10, connectionsPerAddress: 10 });
  limits.isMemoryFull = true;
  expect(limits.admit("192.0.2.1")).toBe("MEMORY");
  limits.isMemoryFull = false;
  expect(limits.admit("192.0.2.1")).toBeTypeOf("function");
});
