/**
 * Fills a disk with records until it takes no more, makes room, and goes on. Prints what became of them as JSON.
 *
 * A program of its own, because `records.test.ts` runs it where a small disk of its own can be mounted.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { RecordFile } from "../../adapters/records/record-file.ts";

const [, , folder = ""] = process.argv;
const path = join(folder, "sessions.jsonl");
const filler = join(folder, "filler");
/** What is free at first: the records below are more. */
const FREE = 20_000;
const SIZE = 200_000;
writeFileSync(filler, Buffer.alloc(SIZE - FREE));

const file = new RecordFile({ path, rotate: { bytes: SIZE, hours: 24, keep: 1 } });
let refused = 0;
for (let id = 0; id < 500; ) {
  const batch = Array.from({ length: 50 }, (_, index) => ({
    ...{ id: id + index, at: 0, type: "sessionRecord", text: "" },
    fields: { number: id + index, padding: "x".repeat(100) },
  }));
  for (;;) {
    try {
      await file.write(batch);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC" || ++refused > 10) throw error;
      if (refused === 3) rmSync(filler);
    }
  }
  id += batch.length;
}
const numbers = readFileSync(path, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => (JSON.parse(line) as { number: number }).number);
process.stdout.write(
  `${JSON.stringify({ refused, whole: numbers.every((number, index) => number === index), count: numbers.length })}\n`,
);
