/**
 * One of several workers: not for people, `serve` starts it. It is told what to do on standard input and answers on
 * standard output, in lines of JSON; see adapters/workers.
 */
import { readWritten } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { inCharge } from "../workers/in-charge.ts";
import { Answering } from "../workers/answering.ts";
import type { Configuration, Door, ToSupervisor, ToWorker } from "../workers/messages.ts";
import { asWorker } from "../workers/plan.ts";
import { Siblings } from "../workers/siblings.ts";
import type { Settings } from "../config/settings.ts";
import type { Runtime } from "../shared/runtime.ts";
import { openStore } from "../accounts/open.ts";
import type { Command } from "./command.ts";
import { CONFIGURATION } from "./configuration.ts";
import { Log } from "./log.ts";
import { type ListeningAt, RelayProgram } from "./relay-program.ts";
import type { Terminal } from "./terminal.ts";

/** How long (ms) clients have when the supervisor has vanished: nobody will start this one again. */
const PATIENCE = 1000;

export const worker: Command = {
  name: "worker",
  usage: [""],
  summary: "",
  about: "One of several workers; serve starts it and talks with it.",
  flags: {},
  positionals: [0, 1],
  hidden: true,
  run: (_, terminal, runtime) =>
    new Promise((resolve) => {
      let running: Promise<RunningWorker | undefined> = Promise.resolve(undefined);
      const stop = async (patience: number) => {
        await (await running)?.program.stop(patience);
        terminal.exit(0); // as `serve` does
        resolve(0);
      };
      const told = async (message: ToWorker) => {
        const worker = await running;
        if (message.type === "siblings") worker?.siblings.set(message.siblings);
        else if (message.type === "ask") await worker?.answering.ask(message);
        else if (message.type === "enough") worker?.answering.enough(message.id);
        else if (message.type === "stop") await stop(message.patience);
      };
      const said = (message: ToWorker) => {
        if (message.type === "start") running = begin(message, terminal, runtime, (answer) => void lines.send(answer));
        else void told(message);
      };
      const lines = inCharge<ToWorker, ToSupervisor>(said, () => void stop(PATIENCE));
    }),
};

interface RunningWorker {
  readonly program: RelayProgram;
  readonly siblings: Siblings;
  readonly answering: Answering;
}

async function begin(
  { configuration, place }: Extract<ToWorker, { type: "start" }>,
  terminal: Terminal,
  runtime: Runtime,
  answer: (message: ToSupervisor) => void,
): Promise<RunningWorker | undefined> {
  try {
    const settings = settingsOf(configuration);
    const siblings = new Siblings(place.number, settings);
    const log = new Log(settings.log, terminal, { data: settings.data, worker: place.number });
    const program = await RelayProgram.start(runtime, asWorker(settings, place), log, openStore, siblings);
    answer({ type: "listening", doors: doorsOf(program, settings), dialing: program.dialing });
    let kept = settings.certificates;
    const apply = async (next: Configuration) => {
      const changed = settingsOf(next, kept);
      await program.apply(asWorker(changed, place));
      siblings.apply(changed);
      kept = changed.certificates;
    };
    const asked = { control: program.control, apply, drained: program.drains.over };
    return { program, siblings, answering: new Answering(asked, answer) };
  } catch (error) {
    answer({ type: "failed", text: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

/** @param kept  certificates in use, for those that cannot be used as they are now: the supervisor has told of them */
function settingsOf({ written, source, folder }: Configuration, kept?: Settings["certificates"]): Settings {
  const { settings, problems } = readWritten(written, source, folder, Date.now(), kept);
  if (settings !== undefined) return settings;
  const errors = problems.filter(({ severity }) => severity === "error");
  throw new Error(errors.map((problem) => formatProblem(CONFIGURATION, problem)).join("\n"));
}

/** `asWorker` has put the listeners with its own ports before those that are shared. */
function doorsOf({ listening }: RelayProgram, { listeners }: Settings): Door[] {
  return listening.slice(0, listeners.length).map(({ name, port: own, advertising: advertised, via }, index) => {
    const { url, port: shared } = listening[listeners.length + index] as ListeningAt;
    return { name, url, shared, own, advertised, via };
  });
}
