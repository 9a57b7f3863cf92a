/** The last attempts of each address, user and hop: bounded whatever strangers do. */
import { expect, test } from "vitest";
import { Attempts } from "../../adapters/control/attempts.ts";
import type { Explanation } from "../../adapters/control/control.ts";

const attempt = (at: number, code = "OK"): Explanation => ({ at, address: "", code, text: "" });
const codes = (found: readonly Explanation[]) => found.map(({ code }) => code);

test("the last twenty of each are told, the latest first", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 30; i++) attempts.add({ address: "192.0.2.1" }, attempt(i, String(i)));
  const found = codes(attempts.about({ address: "192.0.2.1" }, []));
  expect([found.length, found[0], found.at(-1)]).toEqual([20, "29", "10"]);
});

test("a user is found with and without its domain, whose letters may be large", () => {
  const attempts = new Attempts();
  attempts.add({ user: "Alice", domain: "example.com" }, attempt(1));
  for (const user of ["Alice", "Alice@example.com", "Alice@EXAMPLE.com"]) {
    expect(attempts.about({ user }, [])).toHaveLength(1);
  }
  expect(attempts.about({ user: "alice" }, [])).toHaveLength(0);
});

test("one IPv6 network is one address", () => {
  const attempts = new Attempts();
  attempts.add({ address: "2001:db8::1" }, attempt(1));
  expect(attempts.about({ address: "2001:db8::2" }, [])).toHaveLength(1);
});

test("an attempt of a user from an address is told once when both are asked for", () => {
  const attempts = new Attempts();
  attempts.add({ address: "192.0.2.1", user: "alice", domain: "example.com" }, attempt(1));
  expect(attempts.about({ user: "alice", address: "192.0.2.1" }, [])).toHaveLength(1);
});

test("a hop is told to those who exchange messages with it, also when their session has ended", () => {
  const attempts = new Attempts();
  attempts.add({ hop: "bob.example.net:2855" }, attempt(1, "TIMEOUT"));
  expect(codes(attempts.about({ user: "alice" }, ["bob.example.net:2855"]))).toEqual(["TIMEOUT"]);
  expect(codes(attempts.about({ user: "alice" }, []))).toEqual([]);
  attempts.inherit({ user: "alice", domain: "example.com" }, ["bob.example.net:2855"]);
  attempts.inherit({ user: "alice", domain: "example.com" }, ["bob.example.net:2855"]);
  expect(codes(attempts.about({ user: "alice" }, ["bob.example.net:2855"]))).toEqual(["TIMEOUT"]);
});

test("a flood of names makes those be forgotten who were heard of longest ago, and nobody else", () => {
  const attempts = new Attempts();
  attempts.add({ user: "old" }, attempt(1));
  attempts.add({ user: "alice" }, attempt(1));
  for (let i = 0; i < 4999; i++) {
    attempts.add({ user: `stranger${i}` }, attempt(2));
    if (i % 1000 === 0) attempts.add({ user: "alice" }, attempt(2));
  }
  expect(attempts.about({ user: "old" }, [])).toHaveLength(0);
  expect(attempts.about({ user: "alice" }, [])).toHaveLength(6);
});

test("what says more of a connection takes the place of its arrival", () => {
  const attempts = new Attempts();
  const arrival = attempt(1, "CONNECTED");
  attempts.add({ address: "192.0.2.1" }, arrival);
  attempts.add({ address: "192.0.2.1" }, attempt(2, "AUTH_WRONG"), arrival);
  expect(codes(attempts.about({ address: "192.0.2.1" }, []))).toEqual(["AUTH_WRONG"]);
});
