/** `/v1/explain` answers also when nothing has happened. */
import { expect, test } from "vitest";
import { AdminBench } from "./admin-bench.ts";

test("what happened last is the answer, with what to do", async () => {
  const bench = new AdminBench();
  bench.control.explanations = [
    {
      at: 2,
      address: "192.0.2.1",
      user: "alice",
      domain: "example.com",
      code: "AUTH_WRONG",
      text: "wrong",
      advice: "mend",
    },
    { at: 1, address: "192.0.2.1", code: "CONNECTED", text: "connected" },
  ];
  const { status, json } = await bench.ask("/v1/explain?user=alice");
  expect([status, json.text, json.advice, json.next]).toEqual([200, "wrong", "mend", null]);
  expect(json.items.map(({ code }: { code: string }) => code)).toEqual(["AUTH_WRONG", "CONNECTED"]);
});

test.each([
  [
    "address=192.0.2.9",
    "no connection from 192.0.2.9 is remembered",
    "Is the client set to use this relay (msrps://relay.example.com:2855)",
  ],
  ["user=carol", "no AUTH of carol is remembered", "Is carol's client set to use this relay"],
  [
    "user=carol@elsewhere.example",
    "no AUTH of carol@elsewhere.example",
    "elsewhere.example is none of our domains (example.com)",
  ],
])("nothing seen of %s is an answer with advice", async (query, text, advice) => {
  const { status, json } = await new AdminBench().ask(`/v1/explain?${query}`);
  expect(status).toBe(200);
  expect(json.text).toContain(text);
  expect(json.advice).toContain(advice);
});

test("whoever asks about nobody is told to say whom", async () => {
  const answer = await new AdminBench().ask("/v1/explain");
  expect([answer.status, answer.json.detail]).toEqual([400, "say user or address"]);
});
