import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Occurrence } from "../../adapters/control/control.ts";
import { RecordFile } from "../../adapters/records/record-file.ts";

const usual = { bytes: 1 << 20, hours: 24, keep: 3 };
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-record-file-"));
  path = join(folder, "sessions.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function record(id: number): Occurrence {
  return { id, at: id, type: "sessionRecord", text: "", fields: { session: `1.${id}`, username: "alice" } };
}

function linesOf(file: string): unknown[] {
  const text = readFileSync(file, "utf8");
  expect(text.endsWith("\n")).toBe(true);
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

describe("a file of records", () => {
  test("has one line of JSON for each", async () => {
    const file = new RecordFile({ path, rotate: usual });
    await file.write([record(1), record(2)]);
    await file.write([record(3)]);
    expect(linesOf(path)).toEqual([1, 2, 3].map((id) => ({ session: `1.${id}`, username: "alice" })));
  });

  test("is begun anew when somebody has moved it away, and when its folder has gone", async () => {
    const file = new RecordFile({ path: join(folder, "deep", "sessions.jsonl"), rotate: usual });
    await file.write([record(1)]);
    renameSync(join(folder, "deep"), join(folder, "moved"));
    await file.write([record(2)]);
    expect(linesOf(join(folder, "moved", "sessions.jsonl"))).toHaveLength(1);
    expect(linesOf(join(folder, "deep", "sessions.jsonl"))).toHaveLength(1);
  });

  test("is rotated when it is full, and only the newest are kept", async () => {
    const file = new RecordFile({ path, rotate: { ...usual, bytes: 100, keep: 2 } });
    for (let id = 1; id <= 10; id++) {
      await file.write([record(id)]);
      await new Promise((resolve) => setTimeout(resolve, 2)); // names are of milliseconds
    }
    const rotated = readdirSync(folder).filter((name) => name !== "sessions.jsonl");
    expect(rotated).toHaveLength(2);
    const all = [...rotated.sort().map((name) => join(folder, name)), path].flatMap(linesOf);
    // The last ones, none of them twice.
    expect(all).toEqual(
      [5, 6, 7, 8, 9, 10].slice(-all.length).map((id) => ({ session: `1.${id}`, username: "alice" })),
    );
    expect(all.length).toBeGreaterThanOrEqual(5);
  });

  test("is rotated when its period is over", async () => {
    const file = new RecordFile({ path, rotate: { ...usual, hours: 1 } });
    await file.write([record(1)]);
    const before = Date.now() / 1000 - 3600;
    utimesSync(path, before, before);
    await file.write([record(2)]);
    expect(readdirSync(folder)).toHaveLength(2);
    expect(linesOf(path)).toEqual([{ session: "1.2", username: "alice" }]);
  });

  test("begins a line of its own behind one that a kill has cut off", async () => {
    writeFileSync(path, '{"session":"1.1"}\n{"session":"1.2","use');
    const file = new RecordFile({ path, rotate: usual });
    await file.write([record(2)]);
    await file.write([record(3)]);
    const [, cut, ...whole] = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(cut).toBe('{"session":"1.2","use');
    expect(whole.map((line) => (JSON.parse(line) as { session: string }).session)).toEqual(["1.2", "1.3"]);
  });

  test("leaves files alone that are not its own", async () => {
    writeFileSync(join(folder, "sessions.jsonl.bak"), "");
    const file = new RecordFile({ path, rotate: { ...usual, bytes: 50, keep: 0 } });
    await file.write([record(1)]);
    await file.write([record(2)]);
    expect(readdirSync(folder).sort()).toEqual(["sessions.jsonl", "sessions.jsonl.bak"]);
  });

  test.skipIf(!existsSync("/dev/full"))("says so when the disk is full", async () => {
    const file = new RecordFile({ path: "/dev/full", rotate: usual });
    await expect(file.write([record(1)])).rejects.toThrow(/ENOSPC|No space/);
    await expect(file.write([record(1)])).rejects.toThrow(/ENOSPC|No space/);
  });
});
