/** How records get to where they belong, and what is said of those that do not. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Occurrence } from "../../adapters/control/control.ts";
import { WebhookQueue } from "../../adapters/control/webhook-queue.ts";
import { type Destination, Recorder } from "../../adapters/records/recorder.ts";
import { until } from "../support/wait.ts";

const PAUSES = { first: 5, longest: 20 };
/** What a queue holds; see webhook-queue.ts. */
const ROOM = 10_000;

let folder: string;
let written: number[];
let told: string[];
/** What the destination does. */
let fails: (records: readonly Occurrence[]) => Promise<readonly string[] | void> | void;
const open: Recorder[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-records-"));
  [written, told] = [[], []];
  fails = () => {};
});
afterEach(async () => {
  for (const recorder of open.splice(0)) await recorder.close();
  rmSync(folder, { recursive: true, force: true });
});

function record(id: number): Occurrence {
  return { id, at: id, type: "sessionRecord", text: "", fields: { session: `1.${id}` } };
}

async function recorderOf(pauses = PAUSES): Promise<Recorder> {
  const queue = await WebhookQueue.open(folder, "test", (text) => told.push(text));
  const destination: Destination = {
    async write(records) {
      const refused = await fails(records);
      written.push(...records.map(({ id }) => id));
      return refused;
    },
    close: async () => {},
  };
  const tell = (level: string, event: string, text: string) => told.push(`${level} ${event}: ${text}`);
  const recorder = new Recorder("test", queue, destination, tell, pauses);
  open.push(recorder);
  return recorder;
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("records", () => {
  test("are written in order, and nothing is left on the disk", async () => {
    const recorder = await recorderOf();
    for (const id of ids(1000)) recorder.add(record(id));
    await until(() => written.length === 1000, "all records");
    expect(written).toEqual(ids(1000));
    await recorder.close();
    expect([readdirSync(folder), told]).toEqual([[], []]);
  });

  test("wait for a destination that fails, and that is told twice: when it begins and when it is over", async () => {
    let left = 4;
    fails = () => {
      if (left-- > 0) throw new Error("no space left");
    };
    const recorder = await recorderOf();
    for (const id of ids(10)) recorder.add(record(id));
    await until(() => written.length === 10, "all records");
    expect(written).toEqual(ids(10));
    await until(() => recorder.waiting === 0, "an empty queue");
    expect([recorder.lost, recorder.written]).toEqual([0, 10]); // each once, however often it was tried
    expect(told).toEqual([
      "warning recordsDelayed: records test: cannot be written: no space left; they wait",
      "info recordsWritten: records test: are written again after 4 failures",
    ]);
  });

  test("are there after a restart when they could not be written before it", async () => {
    fails = () => {
      throw new Error("down");
    };
    const recorder = await recorderOf();
    for (const id of ids(3)) recorder.add(record(id));
    await until(() => told.length === 1, "a failure");
    await recorder.close();
    expect(told.at(-1)).toBe("warning recordsWaiting: records test: 3 wait on the disk for the next start");
    fails = () => {};
    await recorderOf();
    await until(() => written.length === 3, "the records of before");
    expect(written).toEqual([1, 2, 3]);
  });

  test("are tried once more when it ends during a pause: they may have been kept back for a moment only", async () => {
    fails = () => {
      throw new Error("locked");
    };
    const recorder = await recorderOf({ first: 60_000, longest: 60_000 });
    for (const id of ids(3)) recorder.add(record(id));
    await until(() => told.length === 1, "a failure");
    fails = () => {};
    await recorder.close();
    expect(written).toEqual([1, 2, 3]);
    expect(told.at(-1)).toContain("written again after 1 failures");
  });

  test("are written when it ends, if that takes a moment only", async () => {
    fails = () => new Promise((resolve) => setTimeout(resolve, 50));
    const recorder = await recorderOf();
    for (const id of ids(3)) recorder.add(record(id));
    await recorder.close();
    expect(written).toEqual([1, 2, 3]);
  });

  test("beyond the bound are counted and told once, and never waited for", async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    fails = () => held; // neither takes them nor refuses
    const recorder = await recorderOf();
    const began = performance.now();
    for (const id of ids(ROOM + 500)) recorder.add(record(id));
    expect(performance.now() - began).toBeLessThan(2000);
    expect([recorder.waiting, recorder.lost, recorder.written]).toEqual([ROOM, 500, 0]);
    expect(told).toEqual([
      `error recordsLost: records test: ${ROOM} records wait already; those that come now are lost`,
    ]);
    letGo();
    await until(() => written.length === ROOM, "the others");
    expect(told.at(-1)).toBe(
      "info recordsWritten: records test: are written again after 0 failures; 500 were lost for want of room",
    );
    expect([recorder.lost, recorder.written]).toEqual([500, ROOM]);
  });

  test("that nobody will ever take are counted and told, and the others go on", async () => {
    fails = async (records) => records.filter(({ id }) => id === 2).map(() => "no such character");
    const recorder = await recorderOf();
    for (const id of ids(3)) recorder.add(record(id));
    await until(() => written.length === 3, "the batch");
    expect([recorder.waiting, recorder.lost, recorder.written]).toEqual([0, 1, 2]);
    expect(told).toEqual(["error recordsLost: records test: 1 were refused for good: no such character"]);
  });

  test("are told to be lost when neither their destination nor the disk takes them", async () => {
    fails = () => {
      throw new Error("down");
    };
    const recorder = await recorderOf();
    rmSync(folder, { recursive: true, force: true });
    for (const id of ids(3)) recorder.add(record(id));
    await until(() => told.length === 2, "both failures");
    await recorder.close();
    expect(told.at(-1)).toBe("error recordsLost: records test: 3 could be written nowhere and are lost");
    expect([recorder.lost, recorder.written]).toEqual([3, 0]);
  });
});
