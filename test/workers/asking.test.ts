import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NotOffered } from "../../adapters/control/not-offered.ts";
import { Asking } from "../../adapters/workers/asking.ts";
import type { ToWorker } from "../../adapters/workers/messages.ts";
import type { TracedFrame } from "../../adapters/control/control.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function asking(open = true) {
  const sent: ToWorker[] = [];
  return { sent, asking: new Asking((message) => open && sent.push(message) > 0) };
}

test("each answer finds its question, in whatever order they come", async () => {
  const { asking: worker, sent } = asking();
  const answers = Promise.all([worker.ask("sessions", []), worker.ask("endSession", ["1.7"])]);
  expect(sent).toEqual([
    { type: "ask", id: 1, method: "sessions", args: [] },
    { type: "ask", id: 2, method: "endSession", args: ["1.7"] },
  ]);
  worker.heard({ type: "answer", id: 2, value: true });
  worker.heard({ type: "answer", id: 1, value: [] });
  worker.heard({ type: "answer", id: 2, value: "again" });
  expect(await answers).toEqual([[], true]);
});

test("a worker that is stuck leaves nobody waiting, and neither does one that has ended or takes no questions", async () => {
  const { asking: worker } = asking();
  const stuck = expect(worker.ask("info", [])).rejects.toThrow("the worker did not answer in 5 s");
  await vi.advanceTimersByTimeAsync(5000);
  await stuck;
  const ended = expect(worker.ask("info", [])).rejects.toThrow("the worker has ended");
  worker.end();
  await ended;
  await expect(asking(false).asking.ask("info", [])).rejects.toThrow("the worker takes no questions");
});

test("no more than 256 questions wait", async () => {
  const { asking: worker } = asking();
  const waiting = Array.from({ length: 256 }, () => worker.ask("info", []).catch(() => {}));
  await expect(worker.ask("info", [])).rejects.toThrow("the worker takes no questions");
  worker.end();
  await Promise.all(waiting);
});

test("what a worker does not offer is refused as it is where there are none", async () => {
  const { asking: worker } = asking();
  const refused = expect(worker.ask("drain", [60])).rejects.toThrow(NotOffered);
  worker.heard({ type: "refused", id: 1, name: "NotOffered", text: "this program cannot drain" });
  await refused;
});

test("frames of a trace come until it is enough, or its time is over", async () => {
  const { asking: worker, sent } = asking();
  const frame = { session: "1.7", head: "MSRP x SEND" } as TracedFrame;
  const seen: TracedFrame[] = [];
  const begun = worker.trace("1.7", 60, (one) => seen.push(one));
  worker.heard({ type: "answer", id: 1, value: true });
  const stop = await begun;
  worker.heard({ type: "frame", id: 1, frame });
  stop?.();
  worker.heard({ type: "frame", id: 1, frame });
  expect([seen, sent.at(-1)]).toEqual([[frame], { type: "enough", id: 1 }]);

  const late = worker.trace("1.8", 60, (one) => seen.push(one));
  worker.heard({ type: "answer", id: 2, value: true });
  await late;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent.at(-1)).toEqual({ type: "enough", id: 2 });

  const nobody = worker.trace("1.9", 60, (one) => seen.push(one));
  worker.heard({ type: "answer", id: 3, value: false });
  expect(await nobody).toBeUndefined();
});
