import { expect, it } from "vitest";
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
