import { describe, expect, test } from "vitest";
import type { IncomingFile } from "../../adapters/cli/incoming-file.ts";
import { type Kept, Shelf } from "../../adapters/cli/shelf.ts";
import type { IncomingMessage } from "../../core/mod.ts";

const GB = 1e9;

function kept(id: string, options: Partial<Kept> = {}): Kept {
  const file = {} as IncomingFile;
  return {
    id,
    sender: "msrps://a.invalid/s;tcp",
    total: 10 * GB,
    ranges: [[0, GB]],
    file,
    complete: false,
    ...options,
  };
}

function message(id: string, options: Partial<Pick<IncomingMessage, "sender" | "total">> = {}): IncomingMessage {
  return { id, sender: "msrps://a.invalid/s;tcp", total: 10 * GB, ...options } as IncomingMessage;
}

function shelf(): { it: Shelf; dropped: string[] } {
  const dropped: string[] = [];
  return { it: new Shelf(({ id }) => dropped.push(id)), dropped };
}

describe("a message that broke off", () => {
  test("goes on once, for its sender, under its Message-ID and with its length", () => {
    const { it } = shelf();
    const one = kept("one");
    it.put(one, 0);
    expect(it.take(message("two"))).toBeUndefined();
    expect(it.take(message("one", { sender: "msrps://a.invalid/t;tcp" }))).toBeUndefined();
    expect(it.take(message("one", { total: 5 }))).toBeUndefined();
    expect(it.take(message("one", { total: -1 }))).toBe(one);
    expect(it.take(message("one"))).toBeUndefined();
  });

  test("is given up after five minutes", () => {
    const { it, dropped } = shelf();
    it.put(kept("one"), 1000);
    it.tick(300_999);
    expect(dropped).toEqual([]);
    it.tick(301_000);
    expect(dropped).toEqual(["one"]);
  });

  test("makes way for later ones when there are more than 16", () => {
    const { it, dropped } = shelf();
    for (let i = 0; i < 18; i++) it.put(kept(String(i), { ranges: [] }), 0);
    expect(dropped).toEqual(["0", "1"]);
  });

  test("makes way when all of them have more than 8 GB, and may itself have more", () => {
    const { it, dropped } = shelf();
    for (let i = 0; i < 9; i++) it.put(kept(String(i)), 0);
    expect(dropped).toEqual(["0"]);
    it.put(kept("large", { ranges: [[0, 9 * GB]] }), 0);
    expect(dropped).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    expect(it.take(message("large"))).toBeDefined();
  });
});
