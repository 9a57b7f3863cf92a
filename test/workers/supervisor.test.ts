/** The supervisor, with workers that are a line of shell. */
import { afterEach, expect, test } from "vitest";
import type { Occurrence } from "../../adapters/control/control.ts";
import type { Command } from "../../adapters/workers/worker-process.ts";
import { Supervisor } from "../../adapters/workers/supervisor.ts";
import { until } from "../support/wait.ts";

const listening = JSON.stringify({ type: "listening", doors: [], dialing: [] });
const occurrence = (type: string) =>
  JSON.stringify({ type: "occurred", occurrence: { id: 1, at: 1, type, text: "", fields: {} } });
const untilStop = "while read line; do case $line in *stop*) break;; esac; done";

const running: Supervisor[] = [];
let told: string[] = [];
afterEach(async () => {
  told = [];
  for (const supervisor of running.splice(0)) await supervisor.stop(0);
});

/** @param script  what each does; `$0` is its number */
async function supervisorOf(workers: number, script: string): Promise<Supervisor> {
  const command: Command = ["sh", "-c", script];
  const configuration = { written: {}, source: "", folder: "" } as never;
  const tell = (_level: string, _event: string, text: string) => void told.push(text);
  const supervisor = await Supervisor.start({ command, workers, configuration, tell });
  running.push(supervisor);
  return supervisor;
}

/** Who has said something. */
function heardBy(supervisor: Supervisor): (number | undefined)[] {
  const heard: (number | undefined)[] = [];
  supervisor.occurred = (worker: number | undefined, _: Omit<Occurrence, "id">) => void heard.push(worker);
  return heard;
}

test("what happens in one worker while the others have yet to listen is told", async () => {
  const late = `[ $0 = 1 ] || sleep 0.2; echo '${listening}'; echo '${occurrence("test")}'; ${untilStop}`;
  const heard = heardBy(await supervisorOf(2, late));
  await until(() => heard.length === 2, "both");
  expect(new Set(heard)).toEqual(new Set([1, 2]));
});

test("how many sessions a worker had that was killed is told", async () => {
  const said = [listening, ...["sessionStarted", "sessionStarted", "sessionStarted", "sessionEnded"].map(occurrence)];
  await supervisorOf(1, `printf '%s\\n' ${said.map((line) => `'${line}'`).join(" ")}; kill -9 $$`);
  await until(() => told.length > 0, "its end");
  expect(told[0]).toBe("worker 1 ended (SIGKILL) with 2 sessions; starts again in 100 ms");
});
