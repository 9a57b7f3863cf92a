import { describe, expect, test } from "vitest";
import { Head } from "../../../core/codec/head.ts";
import { type Asker, Transactions } from "../../../core/endpoint/transactions.ts";

class Noted implements Asker {
  readonly told: string[] = [];
  answered(status: number): void {
    this.told.push(`answered ${status}`);
  }
  fail({ by }: { by: string }): void {
    this.told.push(by);
  }
}

function answer(status: number): Head {
  const head = new Head();
  head.status = status;
  return head;
}

describe("transactions", () => {
  test("time out 30 seconds after the last octet, in the order they ended", () => {
    const transactions = new Transactions();
    const [first, second] = [new Noted(), new Noted()];
    transactions.start(transactions.await("one1", first), 100, 100, 1000);
    transactions.start(transactions.await("two2", second), 200, 200, 5000);
    expect(transactions.deadline).toBe(31_000);
    transactions.expire(200, 30_999);
    expect(first.told).toEqual([]);
    transactions.expire(200, 31_000);
    expect([first.told, second.told]).toEqual([["timeout"], []]);
    expect(transactions.deadline).toBe(35_000);
  });

  test("have no timer before the last octet is written", () => {
    const transactions = new Transactions();
    const noted = new Noted();
    const transaction = transactions.await("one1", noted);
    expect(transactions.deadline).toBe(Number.POSITIVE_INFINITY);
    transactions.expire(0, 1e9);
    transactions.start(transaction, 100, 100, 1e9);
    expect(transactions.deadline).toBe(1e9 + 30_000);
    expect(noted.told).toEqual([]);
  });

  test("wait on while the last octet is on its way to a kernel that takes it slowly (RFC 4975 §7.1.1)", () => {
    const transactions = new Transactions();
    const noted = new Noted();
    transactions.start(transactions.await("one1", noted), 1000, 0, 0);
    transactions.expire(400, 30_000);
    expect([noted.told, transactions.deadline]).toEqual([[], 60_000]);
    transactions.expire(1000, 60_000);
    expect(noted.told).toEqual(["timeout"]);
  });

  test("do not wait for a kernel that takes nothing", () => {
    const transactions = new Transactions();
    const noted = new Noted();
    transactions.start(transactions.await("one1", noted), 1000, 400, 0);
    transactions.expire(400, 30_000);
    expect(noted.told).toEqual(["timeout"]);
  });

  test("are answered once; unknown and late responses are nobody's", () => {
    const transactions = new Transactions();
    const noted = new Noted();
    transactions.start(transactions.await("one1", noted), 1, 1, 0);
    transactions.answer("one2", answer(200), 0);
    transactions.answer("one1", answer(413), 0);
    transactions.answer("one1", answer(200), 0);
    expect(noted.told).toEqual(["answered 413"]);
    expect([transactions.unanswered, transactions.deadline]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  test("with Failure-Report: partial hear of errors, have no timer, and are bounded", () => {
    const transactions = new Transactions();
    const noted = new Noted();
    for (let i = 0; i < 2000; i++) transactions.listen(`id${i}`, noted);
    expect([transactions.unanswered, transactions.deadline]).toEqual([0, Number.POSITIVE_INFINITY]);
    transactions.answer("id0", answer(400), 0);
    transactions.answer("id1999", answer(415), 0);
    expect(noted.told).toEqual(["answered 415"]);
  });

  test("all end with the connection", () => {
    const transactions = new Transactions();
    const noted = new Noted();
    transactions.await("one1", noted);
    transactions.end({ by: "connection", status: 0, comment: "" }, 0);
    expect(noted.told).toEqual(["connection"]);
  });
});
