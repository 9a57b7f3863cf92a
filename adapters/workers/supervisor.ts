/**
 * Several workers as one parley: starts them, starts again what has died, and is told of by nobody who connects.
 *
 * The supervisor never touches a frame. It holds no listener but the admin's, so what a worker does with its clients
 * depends on that worker alone.
 */
import type { Occurrence } from "../control/control.ts";
import type { Configuration, Dialing, Door, Sibling } from "./messages.ts";
import type { Ports } from "./plan.ts";
import { type Command, WorkerProcess } from "./worker-process.ts";

/** Waits (ms) before a worker is started again: twice as long each time, from FIRST to LAST, until it has lived LONG. */
const FIRST_PAUSE = 100;
const LAST_PAUSE = 30_000;
const LONG_ENOUGH = 60_000;

/** What happens before somebody wants to be told of it; as many as are remembered later. */
const MOST_EARLY = 4096;

type Occurred = (worker: number | undefined, occurrence: Omit<Occurrence, "id">) => void;

type Tell = (
  level: "info" | "error",
  event: string,
  text: string,
  fields: Readonly<Record<string, string | number>>,
) => void;

export interface SupervisorOptions {
  /** Starts a worker. */
  readonly command: Command;
  readonly workers: number;
  readonly configuration: Configuration;
  readonly tell: Tell;
}

/** A worker's place, whichever process has it just now. */
interface Slot {
  readonly number: number;
  worker: WorkerProcess | undefined;
  doors: readonly Door[];
  /** How long to wait before the next start. */
  pause: number;
  restarts: number;
}

export class Supervisor {
  /** Somebody may want to be told of a worker's end. */
  died: (worker: number) => void;
  readonly #early: Parameters<Occurred>[];
  #occurred: Occurred;
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  /** What runs. */
  #configuration: Configuration;
  #dialing: readonly Dialing[];
  #stopping: boolean;
  /** Ends the waits between starts. */
  readonly #stop: AbortController;
  /** Resolves when a drain of all workers has come to its end. */
  readonly over: Promise<void>;
  #draining: boolean;
  /** Those whose drain is over. */
  readonly #drained: Set<WorkerProcess>;
  #end: () => void;

  private constructor(options: SupervisorOptions) {
    const early: Parameters<Occurred>[] = [];
    this.#early = early;
    this.#occurred = (...one) => void (early.length < MOST_EARLY && early.push(one));
    this.died = () => {};
    this.#options = options;
    this.#configuration = options.configuration;
    this.#slots = Array.from({ length: options.workers }, (_, index) => ({
      number: index + 1,
      worker: undefined,
      doors: [],
      pause: FIRST_PAUSE,
      restarts: 0,
    }));
    this.#dialing = [];
    this.#stopping = false;
    this.#stop = new AbortController();
    this.#draining = false;
    this.#drained = new Set();
    this.#end = () => {};
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** @throws Error with words for the operator; no worker is left then */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    try {
      // What is wrong for one is wrong for all, and need be said only once. It also asks for the ports that are 0.
      const [first, ...others] = supervisor.#slots;
      await supervisor.#launch(first as Slot);
      await Promise.all(others.map((slot) => supervisor.#launch(slot)));
    } catch (error) {
      await supervisor.stop(0);
      throw error;
    }
    return supervisor;
  }

  /**
   * Is told what is worth an event, of a worker or (undefined) of us, from the start: the first worker has clients while
   * the others have yet to listen.
   */
  set occurred(sink: Occurred) {
    this.#occurred = sink;
    for (const one of this.#early.splice(0)) sink(...one);
  }

  /** By worker, then by listener. */
  get doors(): readonly (readonly Door[])[] {
    return this.#slots.map(({ doors }) => doors);
  }

  get dialing(): readonly Dialing[] {
    return this.#dialing;
  }

  get workers(): readonly { readonly number: number; readonly restarts: number }[] {
    return this.#slots;
  }

  /** Those that listen just now. */
  get running(): readonly WorkerProcess[] {
    return this.#slots.flatMap(({ worker, doors }) => (worker === undefined || doors.length === 0 ? [] : [worker]));
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Ends all of them politely, and what is left after `patience` as well. */
  async stop(patience: number): Promise<void> {
    this.#stopping = true;
    this.#stop.abort();
    const workers = this.#slots.flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
    await Promise.all(workers.map((worker) => worker.stop(patience)));
  }

  /**
   * Has all workers take another configuration over.
   *
   * @throws Error with words for the operator: what the first cannot do, none is asked to
   */
  async apply(configuration: Configuration): Promise<void> {
    const [first, ...others] = this.running;
    await first?.ask("apply", configuration);
    this.#configuration = configuration;
    await Promise.all(others.map((worker) => worker.ask("apply", configuration)));
  }

  /** A drain has begun, or is called off: then those who have died meanwhile are started again. */
  set draining(on: boolean) {
    this.#draining = on;
    this.#drained.clear();
    if (on || this.#stopping) return;
    for (const slot of this.#slots) if (slot.worker === undefined) void this.#replace(slot, "it drained", 0);
  }

  #drainedBy(worker: WorkerProcess): void {
    this.#drained.add(worker);
    if (this.running.every((other) => this.#drained.has(other))) this.#end();
  }

  /** Starts a worker; resolves when it listens and its siblings know of it. */
  async #launch(slot: Slot): Promise<void> {
    const { command, workers } = this.#options;
    const { number } = slot;
    const place = { number, of: workers, ports: this.#portsFor(slot) };
    const start = { type: "start", configuration: this.#configuration, place } as const;
    let sessions = 0;
    const worker = new WorkerProcess(number, command, start, {
      occurred: (occurrence) => {
        if (occurrence.type === "sessionStarted") sessions++;
        if (occurrence.type === "sessionEnded") sessions--;
        this.#occurred(number, occurrence);
      },
      drained: () => this.#drainedBy(worker),
    });
    slot.worker = worker;
    void worker.ended.then(() => {
      if (slot.worker === worker) slot.worker = undefined;
    });
    const { doors, dialing } = await worker.listening;
    slot.doors = doors;
    this.#dialing = dialing;
    this.#introduce();
    const since = performance.now();
    void worker.ended.then((how) => {
      this.died(number);
      if (this.#stopping) return;
      // Nobody would come to it.
      if (this.#draining) return this.#drainedBy(worker);
      if (performance.now() - since >= LONG_ENOUGH) slot.pause = FIRST_PAUSE;
      void this.#replace(slot, how, sessions);
    });
  }

  /** @param sessions  that ended with it: nobody else will ever tell of them */
  async #replace(slot: Slot, how: string, sessions: number): Promise<void> {
    const { number } = slot;
    const tell: Tell = (level, event, text, fields) => {
      this.#options.tell(level, event, text, fields);
      this.#occurred(undefined, { at: Date.now(), type: event, text, fields });
    };
    for (let [why, lost] = [how, sessions]; !this.#stopping && !this.#draining; lost = 0) {
      const fields = { worker: number, why, sessions: lost, pause: slot.pause };
      const its = lost === 0 ? "" : ` with ${lost} session${lost === 1 ? "" : "s"}`;
      tell("error", "workerEnded", `worker ${number} ended (${why})${its}; starts again in ${slot.pause} ms`, fields);
      await pause(slot.pause, this.#stop.signal);
      if (this.#stopping || this.#draining) return;
      slot.pause = Math.min(slot.pause * 2, LAST_PAUSE);
      slot.restarts++;
      try {
        await this.#launch(slot);
        tell("info", "workerStarted", `worker ${number} listens again`, { worker: number });
        return;
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
    }
  }

  /** A port that the system chose once stays, since URIs and siblings name it. */
  #portsFor(slot: Slot): Ports[] {
    const known = slot.doors.length > 0 ? slot.doors : (this.#slots.find(({ doors }) => doors.length > 0)?.doors ?? []);
    return known.map(({ shared, own }) => ({ shared, own: slot.doors.length > 0 ? own : undefined }));
  }

  #introduce(): void {
    const siblings = this.#slots.map(({ number, doors }): Sibling => ({ number, doors }));
    for (const { worker, number } of this.#slots) {
      worker?.send({ type: "siblings", siblings: siblings.filter((sibling) => sibling.number !== number) });
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
