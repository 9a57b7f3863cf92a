import { describe, expect, it } from "vitest";
import { authority, ipv6Words, plainAddress } from "../../adapters/shared/address.ts";
import { AddressLimits, sourceOf } from "../../adapters/shared/address-limits.ts";
import { byServerName, certifiedNames } from "../../adapters/shared/certified-names.ts";

describe("an address", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["::1", "::1"],
    ["::", "::"],
    ["", ""],
    ["relay.example.com", "relay.example.com"],
  ])("%s has one spelling: %s", (given, expected) => {
    expect(plainAddress(given)).toBe(expected);
  });

  it.each([
    ["::", [0, 0, 0, 0, 0, 0, 0, 0]],
    ["::1", [0, 0, 0, 0, 0, 0, 0, 1]],
    ["2001:db8::", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]],
    ["1:2:3:4:5:6:7:8", [1, 2, 3, 4, 5, 6, 7, 8]],
    ["1::6:7.8.9.10", [1, 0, 0, 0, 0, 6, 0x708, 0x90a]],
  ])("%s has eight words", (given, expected) => {
    expect(ipv6Words(given)).toEqual(expected);
  });

  it("stands in brackets before a port when it is IPv6", () => {
    expect(authority("192.0.2.1", 2855)).toBe("192.0.2.1:2855");
    expect(authority("2001:db8::1", 2855)).toBe("[2001:db8::1]:2855");
  });
});

describe("the limits of connections", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::9", "2001:db8:1:3::/64"],
  ])("count %s as %s", (address, expected) => {
    expect(sourceOf(address)).toBe(expected);
  });

  it("are kept in all and for each address, and give back what has ended, once", () => {
    const limits = new AddressLimits({ connections: 3, connectionsPerAddress: 2 });
    const first = limits.admit("2001:db8::1");
    expect(limits.admit("2001:db8::2")).toBeTypeOf("function");
    expect(limits.admit("2001:db8::3")).toBe("CONNECTIONS_PER_ADDRESS");
    expect(limits.admit("192.0.2.1")).toBeTypeOf("function");
    expect(limits.admit("192.0.2.2")).toBe("CONNECTIONS");
    expect(limits.total).toBe(3);
    if (typeof first === "string") throw new Error(first);
    first();
    first();
    expect(limits.total).toBe(2);
    expect(limits.admit("2001:db8::3")).toBeTypeOf("function");
  });

  it("may change while connections are open", () => {
    const limits = new AddressLimits({ connections: 10, connectionsPerAddress: 10 });
    limits.admit("192.0.2.1");
    limits.limits = { connections: 1, connectionsPerAddress: 10 };
    expect(limits.admit("192.0.2.2")).toBe("CONNECTIONS");
    expect(limits.total).toBe(1);
  });
});

describe("the names of a certificate", () => {
  it.each<[string | undefined, string[]]>([
    [undefined, []],
    ["", []],
    ["DNS:relay.example.com", ["relay.example.com"]],
    ["DNS:Relay.Example.COM, IP Address:192.0.2.1, DNS:*.example.net", ["relay.example.com", "*.example.net"]],
    ["URI:sip:relay.example.com, email:a@example.com", []],
    // What is quoted is one name with punctuation in it, made by somebody who hopes that it is read as two.
    ['DNS:"x.example.org, DNS:relay.example.com", DNS:y.example.org', ["y.example.org"]],
    ['DNS:"x\\", DNS:relay.example.com, \\"", DNS:y.example.org', ["y.example.org"]],
    ["DNS:bad name.example.com, DNS:good.example.com", ["good.example.com"]],
  ])("%j are %j", (text, expected) => {
    expect(certifiedNames(text)).toEqual(expected);
  });
});

describe("a name asked for by SNI", () => {
  const names = new Map([
    ["relay.example.com", 1],
    ["*.example.com", 2],
  ]);
  it.each([
    ["relay.example.com", 1],
    ["RELAY.example.com", 1],
    ["other.example.com", 2],
    ["example.com", undefined],
    ["a.b.example.com", undefined],
    ["", undefined],
    ["*.example.com", 2],
  ])("%s picks %s", (name, expected) => {
    expect(byServerName(names, name)).toBe(expected);
  });
});
