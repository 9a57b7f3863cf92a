/**
 * Control over several workers: asks all of them, or the one that an id names, and makes one answer of theirs.
 *
 * A worker that is being started again, or is stuck, is missing from an answer; nobody waits for it.
 */
import type {
  ConnectionView,
  Control,
  Drain,
  Explanation,
  Info,
  MetricFamily,
  Occurrence,
  Reloaded,
  SessionView,
  TracedFrame,
} from "../control/control.ts";
import { LocalMetrics } from "../control/local-metrics.ts";
import type { Orders } from "../control/local-control.ts";
import { NotOffered } from "../control/not-offered.ts";
import { Occurrences } from "../control/occurrences.ts";
import type { Method } from "./messages.ts";
import type { Supervisor } from "./supervisor.ts";
import { Together } from "./together.ts";

/** What the supervisor itself has to tell; the rest of its families is empty, or would be counted twice. */
const OWN = /^parley_(?:process|webhook)_/;

type About = Pick<Info, "version" | "runtime" | "hostname" | "listeners" | "domains">;

export class ClusterControl implements Control {
  /** What is done here, and not by workers. */
  orders: Partial<Pick<Orders, "reload">>;
  /** Of the supervisor's process. */
  readonly metricsHere: LocalMetrics;
  readonly #supervisor: Supervisor;
  readonly #about: () => About;
  readonly #startedAt: number;
  readonly #occurrences: Occurrences;
  readonly #together: Together;

  /** @param webhooks  events that wait, by webhook */
  constructor(supervisor: Supervisor, about: () => About, webhooks: () => ReadonlyMap<string, number>) {
    this.orders = {};
    this.#supervisor = supervisor;
    this.#about = about;
    this.#startedAt = Date.now();
    this.#occurrences = new Occurrences(this.#startedAt);
    this.#together = new Together();
    const { version, runtime } = about();
    this.metricsHere = new LocalMetrics({
      worker: "supervisor",
      version,
      runtime,
      startedAt: this.#startedAt,
      domains: () => [],
      draining: () => false,
      counters: () => undefined,
      sessions: () => [],
      connections: () => [],
      stores: () => [],
      certificates: () => new Map(),
      webhooks,
      records: () => [],
    });
    supervisor.occurred = (worker, occurrence) => {
      const { at, type, text, fields } = occurrence;
      this.#occurrences.add({ at, type, text, fields: worker === undefined ? fields : { worker, ...fields } });
    };
    supervisor.died = (worker) => this.#together.died(worker);
  }

  /** As LocalControl: something worth an event that is no worker's. */
  occurred(type: string, text: string, fields: Occurrence["fields"], at = Date.now()): void {
    this.#occurrences.add({ at, type, text, fields });
  }

  async info(): Promise<Info> {
    const infos = (await this.#all<Info>("info")).map(([, info]) => info);
    const [drain] = infos.flatMap((info) => info.drain ?? []);
    return {
      ...this.#about(),
      startedAt: this.#startedAt,
      workers: this.#supervisor.workers.length,
      sessions: sum(infos.map(({ sessions }) => sessions)),
      connections: sum(infos.map(({ connections }) => connections)),
      ...(drain !== undefined && { drain }),
    };
  }

  async sessions(): Promise<SessionView[]> {
    return (await this.#all<SessionView[]>("sessions")).flatMap(([, views]) => views);
  }

  async connections(): Promise<ConnectionView[]> {
    return (await this.#all<ConnectionView[]>("connections")).flatMap(([, views]) => views);
  }

  async endSession(id: string): Promise<boolean> {
    return (await this.#workerOf(id)?.ask<boolean>("endSession", id)) ?? false;
  }

  async endConnection(id: string): Promise<boolean> {
    return (await this.#workerOf(id)?.ask<boolean>("endConnection", id)) ?? false;
  }

  async explain(of: { readonly user?: string; readonly address?: string }): Promise<Explanation[]> {
    const attempts = (await this.#all<Explanation[]>("explain", of)).flatMap(([, found]) => found);
    return attempts.toSorted((one, other) => other.at - one.at);
  }

  async trace(id: string, seconds: number, sink: (frame: TracedFrame) => void): Promise<(() => void) | undefined> {
    return this.#workerOf(id)?.trace(id, seconds, sink);
  }

  events(after: number | undefined, sink: (occurrence: Occurrence) => void): () => void {
    return this.#occurrences.follow(after, sink);
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    for (const [worker, families] of await this.#all<MetricFamily[]>("metrics")) this.#together.heard(worker, families);
    const own = (await this.metricsHere.read()).filter(({ name }) => OWN.test(name));
    return this.#together.all([...own, this.#restarts()]);
  }

  stop(): void {
    this.metricsHere.stop();
  }

  async reload(): Promise<Reloaded> {
    const { reload } = this.orders;
    if (reload === undefined) throw new NotOffered("this program cannot read its configuration again");
    return reload();
  }

  async drain(seconds?: number): Promise<Drain> {
    this.#supervisor.draining = true;
    return this.#first(await this.#every<Drain>("drain", ...(seconds === undefined ? [] : [seconds])));
  }

  async undrain(): Promise<void> {
    await this.#every("undrain");
    this.#supervisor.draining = false;
  }

  async logLevels(): Promise<Readonly<Record<string, string>>> {
    return this.#first(await this.#every<Readonly<Record<string, string>>>("logLevels"));
  }

  async setLogLevel(category: string, level: string): Promise<boolean> {
    return this.#first(await this.#every<boolean>("setLogLevel", category, level));
  }

  async forgetAccount(username: string, domain: string): Promise<void> {
    await this.#all("forgetAccount", username, domain); // one that is started again remembers nothing
  }

  /** The answers that came, each with the worker's number. */
  async #all<T>(method: Method, ...args: unknown[]): Promise<[worker: number, answer: T][]> {
    const asked = this.#supervisor.running.map(async (worker): Promise<[number, T][]> => {
      try {
        return [[worker.number, await worker.ask<T>(method, ...args)]];
      } catch {
        return []; // it has ended meanwhile, or is stuck; the supervisor knows
      }
    });
    return (await Promise.all(asked)).flat();
  }

  /** An order that is for all of them: what one of them refuses is told. */
  #every<T>(method: Method, ...args: unknown[]): Promise<T[]> {
    return Promise.all(this.#supervisor.running.map((worker) => worker.ask<T>(method, ...args)));
  }

  #first<T>([answer]: readonly T[]): T {
    if (answer === undefined) throw new Error("no worker runs just now: try again in a moment");
    return answer;
  }

  /** Ids begin with their worker's number: `2.17`. */
  #workerOf(id: string) {
    const [number] = id.split(".");
    return this.#supervisor.running.find((worker) => String(worker.number) === number);
  }

  #restarts(): MetricFamily {
    return {
      name: "parley_worker_restarts_total",
      help: "How often a worker has died and was started again",
      type: "counter",
      aggregator: "sum",
      values: this.#supervisor.workers.map(({ number, restarts }) => ({
        labels: { worker: String(number) },
        value: restarts,
      })),
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
