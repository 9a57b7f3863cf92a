import { randomFillSync } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import { RandomPool } from "../../../core/bytes/random.ts";
import type { Link, ListenerConfig } from "../../../core/ports.ts";
import { Connection } from "../../../core/session/connection.ts";
import { idText, TransactionTimers } from "../../../core/session/transaction.ts";

const random = new RandomPool((target) => randomFillSync(target));

/** A link whose kernel takes what the test says. */
class SlowLink implements Link {
  readonly peer = { address: "192.0.2.1", port: 1, secure: true, names: [] };
  backlog = 0;
  write(_: Uint8Array, start: number, end: number): void {
    this.backlog += end - start;
  }
  setReading(): void {}
  close(): void {}
}

let link: SlowLink;
let timers: TransactionTimers;
let connection: Connection;
beforeEach(() => {
  link = new SlowLink();
  timers = new TransactionTimers();
  const listener: ListenerConfig = {
    name: "public",
    advertise: { secure: true, host: "relay.example.com", port: 2855 },
    authInsecure: false,
  };
  connection = new Connection(1, { link, listener }, random, timers, 0);
});

/** A request of ten octets is written at `now`. */
function sent(now: number) {
  const transaction = connection.transactions.begin();
  connection.write(new Uint8Array(10), 0, 10);
  connection.transactions.sent(transaction, now);
  return transaction;
}

function due(now: number): number {
  let count = 0;
  for (let one = timers.due(now); one !== undefined; one = timers.due(now)) {
    one.table.finish(one);
    count++;
  }
  return count;
}

describe("a transaction", () => {
  test("is found by its id, and by no other octets", () => {
    const transaction = connection.transactions.begin();
    const id = octets(idText(transaction));
    expect(connection.transactions.find(id, 0, id.length)).toBe(transaction);
    for (let i = 0; i < id.length; i++) {
      const other = id.slice();
      other[i] = (other[i] as number) ^ 1;
      expect(connection.transactions.find(other, 0, id.length)).toBeUndefined();
    }
    expect(connection.transactions.find(id, 0, id.length - 1)).toBeUndefined();
    expect(connection.transactions.find(octets("\xff".repeat(17)), 0, 17)).toBeUndefined();
    connection.transactions.finish(transaction);
    expect(connection.transactions.find(id, 0, id.length)).toBeUndefined();
  });

  test("has an id of its own, however many are open and whatever slots are used again", () => {
    const ids = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const open = Array.from({ length: 1100 }, () => connection.transactions.begin());
      for (const transaction of open) ids.add(idText(transaction));
      for (const transaction of open) {
        expect(connection.transactions.find(transaction.id, 0, 17)).toBe(transaction);
        if (round < 2) connection.transactions.finish(transaction);
      }
    }
    expect(ids.size).toBe(3300);
    expect(connection.transactions.open).toBe(1100);
    expect(connection.transactions.all()).toHaveLength(1100);
  });

  test("finished twice is finished once", () => {
    const transaction = connection.transactions.begin();
    connection.transactions.finish(transaction);
    connection.transactions.finish(transaction);
    expect(connection.transactions.open).toBe(0);
    expect(connection.transactions.begin()).not.toBe(connection.transactions.begin());
  });
});

describe("the 30 seconds", () => {
  test("begin at once where nothing waits for the kernel", () => {
    const transaction = connection.transactions.begin();
    connection.transactions.sent(transaction, 5_000);
    expect(timers.next).toBe(35_000);
    expect(due(34_999)).toBe(0);
    expect(due(35_000)).toBe(1);
    expect(timers.next).toBe(Number.POSITIVE_INFINITY);
  });

  test("begin with each request's own last octet, and are looked after four times a second", () => {
    sent(0);
    sent(0);
    expect(timers.next).toBe(250);
    link.backlog = 11;
    expect(due(250)).toBe(0);
    link.backlog = 10;
    expect(due(500)).toBe(0);
    expect(due(750)).toBe(0);
    link.backlog = 0;
    expect(due(1_000)).toBe(0);
    expect(timers.next).toBe(30_500);
    expect(due(30_500)).toBe(1);
    expect(due(31_000)).toBe(1);
  });

  test("are over for what was answered while it waited for the kernel", () => {
    const [first, second, third] = [sent(0), sent(0), sent(0)];
    connection.transactions.finish(second);
    connection.transactions.finish(first);
    connection.transactions.finish(third);
    expect(due(250)).toBe(0);
    expect(timers.next).toBe(Number.POSITIVE_INFINITY);
  });

  test("end in the order in which they began, also when some in between are answered", () => {
    link.write = () => {};
    const all = [0, 1_000, 2_000, 3_000].map(sent);
    connection.transactions.finish(all[1] as never);
    expect(timers.next).toBe(30_000);
    expect(due(30_000)).toBe(1);
    expect(timers.next).toBe(32_000);
    connection.transactions.finish(all[3] as never);
    expect(due(40_000)).toBe(1);
    expect(timers.next).toBe(Number.POSITIVE_INFINITY);
  });
});
