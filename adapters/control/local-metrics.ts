/**
 * The metrics of this process, in a registry of prom-client.
 *
 * What core counts is read when somebody asks; what only adapters know (how long a dial took, which TLS version) is
 * told here as it happens. Nothing is global, so tests may have as many as they like.
 */
import { performance } from "node:perf_hooks";
import process from "node:process";
import { type Aggregator, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ConnectionNow, Counters, SessionNow } from "../../core/mod.ts";
import type { StoreView } from "../accounts/accounts.ts";
import { LATENCY_SECONDS } from "../accounts/lookup.ts";
import type { MetricFamily } from "./control.ts";
import { EventLoopDelay } from "./event-loop-delay.ts";
import { families, type Family, type FamilyName } from "./families.ts";

type Labels = Readonly<Record<string, string>>;
type Samples = Iterable<readonly [labels: Labels, value: number]>;

/** What has become of session records for one destination; its name is the configuration's. */
export interface RecordsView {
  readonly name: string;
  readonly written: number;
  readonly lost: number;
  readonly waiting: number;
}

/** What is read each time. */
export interface Sources {
  readonly worker: string;
  readonly version: string;
  readonly runtime: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly domains: () => readonly string[];
  readonly draining: () => boolean;
  readonly counters: () => Counters | undefined;
  readonly sessions: () => readonly SessionNow[];
  readonly connections: () => readonly ConnectionNow[];
  readonly stores: () => readonly StoreView[];
  /** Events that wait, by webhook. */
  readonly webhooks: () => ReadonlyMap<string, number>;
  readonly records: () => readonly RecordsView[];
  /** When each certificate of ours ends, in Unix milliseconds, by where it is shown. */
  readonly certificates: () => ReadonlyMap<string, number>;
}

export class LocalMetrics {
  readonly #registry: Registry;
  readonly #counted: Map<FamilyName, Counter | Gauge | Histogram>;
  readonly #loop: EventLoopDelay;
  readonly #stores: Sources["stores"];

  constructor(sources: Sources) {
    this.#stores = sources.stores;
    this.#registry = new Registry();
    this.#counted = new Map();
    const read = readers(sources);
    for (const name of Object.keys(families) as FamilyName[]) this.#counted.set(name, this.#make(name, read[name]));
    this.#loop = new EventLoopDelay((seconds) => this.observe("parley_event_loop_delay_seconds", {}, seconds));
  }

  /** Counts one more of what adapters count. */
  count(name: FamilyName, labels: Labels, by = 1): void {
    (this.#counted.get(name) as Counter).inc(labels, by);
  }

  set(name: FamilyName, labels: Labels, value: number): void {
    (this.#counted.get(name) as Gauge).set(labels, value);
  }

  observe(name: FamilyName, labels: Labels, seconds: number): void {
    (this.#counted.get(name) as Histogram).observe(labels, seconds);
  }

  /** Begins to measure; the answer ends that, with the labels that are known by then. */
  stopwatch(name: FamilyName): (labels: Labels) => void {
    const begun = performance.now();
    return (labels) => this.observe(name, labels, (performance.now() - begun) / 1000);
  }

  async read(): Promise<readonly MetricFamily[]> {
    const families = (await this.#registry.getMetricsAsJSON()) as unknown as MetricFamily[];
    return families.map((family) =>
      family.name === LOOKUPS ? { ...family, values: this.#stores().flatMap(lookupSamples) } : family,
    );
  }

  stop(): void {
    this.#loop.stop();
  }

  #make(name: FamilyName, read: (() => Samples) | undefined): Counter | Gauge | Histogram {
    const { type, help, labels = [], together, buckets = [] }: Family = families[name];
    const aggregator: Aggregator = together ?? "sum";
    const common = { name, help, labelNames: [...labels], registers: [this.#registry], aggregator };
    if (type === "histogram") return new Histogram({ ...common, buckets: [...buckets] });
    if (type === "counter") {
      return new Counter({
        ...common,
        ...(read !== undefined && {
          collect() {
            this.reset();
            for (const [labelled, value] of read()) this.inc(labelled, value);
          },
        }),
      });
    }
    return new Gauge({
      ...common,
      ...(read !== undefined && {
        collect() {
          this.reset();
          for (const [labelled, value] of read()) this.inc(labelled, value);
        },
      }),
    });
  }
}

/** The families that are read and not told. */
function readers(sources: Sources): Partial<Record<FamilyName, () => Samples>> {
  const { worker } = sources;
  const one =
    (value: () => number): (() => Samples) =>
    () => [[{}, value()]];
  const counted =
    (samples: (counters: Counters) => Samples): (() => Samples) =>
    () => {
      const counters = sources.counters();
      return counters === undefined ? [] : samples(counters);
    };
  const count = (value: (counters: Counters) => number) => counted((counters) => [[{}, value(counters)]]);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const held = (what: (connection: ConnectionNow) => number) => one(() => sum(sources.connections().map(what)));
  return {
    parley_build_info: () => [[{ version: sources.version, runtime: sources.runtime }, 1]],
    parley_start_time_seconds: one(() => sources.startedAt / 1000),
    parley_workers: one(() => 1),
    parley_draining: one(() => (sources.draining() ? 1 : 0)),
    parley_process_resident_memory_bytes: () => [[{ worker }, process.memoryUsage().rss]],
    parley_process_heap_bytes: () => [[{ worker }, process.memoryUsage().heapUsed]],
    parley_process_cpu_seconds_total: () => {
      const { user, system } = process.cpuUsage();
      return [[{ worker }, (user + system) / 1e6]];
    },
    parley_sessions: () => [
      // A domain without sessions has none, and is not absent.
      ...sources.domains().map((domain) => [{ domain }, 0] as const),
      ...sources.sessions().map(({ domain }) => [{ domain }, 1] as const),
    ],
    parley_connections: () =>
      sources
        .connections()
        .filter(({ dialing }) => !dialing)
        .map(({ listener, peer }) => [transportOf(listener, peer.secure), 1] as const),
    parley_transactions: held(({ transactions }) => transactions),
    parley_queue_bytes: held(({ backlog }) => backlog),
    parley_queue_largest_bytes: one(() =>
      sources.connections().reduce((most, { backlog }) => Math.max(most, backlog), 0),
    ),
    parley_connections_held: held((connection) => (connection.held ? 1 : 0)),
    parley_certificate_expiry_time_seconds: () =>
      [...sources.certificates()].map(([certificate, at]) => [{ certificate }, at / 1000] as const),
    parley_webhook_queue: () => [...sources.webhooks()].map(([webhook, waiting]) => [{ webhook }, waiting] as const),
    parley_records_total: () =>
      sources
        .records()
        .flatMap(({ name: destination, written, lost }) =>
          named({ written, lost }, (outcome) => ({ destination, outcome })),
        ),
    parley_record_queue: () =>
      sources.records().map(({ name: destination, waiting }) => [{ destination }, waiting] as const),
    parley_account_lookups_total: () =>
      sources
        .stores()
        .flatMap(({ name: store, counters: { found, missing, failed, cached } }) =>
          named({ found, missing, failed, cached }, (outcome) => ({ store, outcome })),
        ),
    parley_account_store_up: () => sources.stores().map(({ name: store, up }) => [{ store }, up ? 1 : 0] as const),
    parley_account_cached_users: () =>
      sources.stores().map(({ name: store, cachedUsers }) => [{ store }, cachedUsers] as const),
    parley_auths_total: counted(({ auths }) =>
      Object.entries(auths).flatMap(([domain, outcomes]) => named(outcomes, (outcome) => ({ domain, outcome }))),
    ),
    parley_dials_total: counted(({ dialOutcomes }) => named(dialOutcomes, (outcome) => ({ outcome }))),
    parley_frames_total: counted(({ framesIn, framesOut }) => [
      ...named({ ...framesIn }, (method) => ({ direction: "in", method })),
      ...named({ ...framesOut }, (method) => ({ direction: "out", method })),
    ]),
    parley_frame_bytes_total: counted(({ frameBytesIn, frameBytesOut }) => [
      ...named({ ...frameBytesIn }, (method) => ({ direction: "in", method })),
      ...named({ ...frameBytesOut }, (method) => ({ direction: "out", method })),
    ]),
    parley_bytes_total: counted(({ bytesIn, bytesOut }) => bothWays(bytesIn, bytesOut)),
    parley_body_bytes_total: counted(({ bodyBytesIn, bodyBytesOut }) => bothWays(bodyBytesIn, bodyBytesOut)),
    parley_responses_total: counted(({ responsesIn, responsesOut }) => [
      ...named(responsesIn, (code) => ({ direction: "in", code })),
      ...named(responsesOut, (code) => ({ direction: "out", code })),
    ]),
    parley_reports_total: counted(({ reportsMade, reportsForwarded, reportsLost }) => [
      [{ kind: "made" }, reportsMade],
      [{ kind: "forwarded" }, reportsForwarded],
      [{ kind: "lost" }, reportsLost],
    ]),
    parley_faults_total: counted(({ faults }) => named(faults, (code) => ({ code }))),
    parley_timeouts_total: count(({ timeouts }) => timeouts),
    parley_timers_fired_total: count(({ timersFired }) => timersFired),
    parley_chunk_interrupts_total: count(({ interrupts }) => interrupts),
    parley_queue_high_water_bytes: count(({ backlogMost }) => backlogMost),
    parley_back_pressure_seconds_total: count(({ heldMillis }) => heldMillis / 1000),
    parley_connections_closed_for_room_total: count(({ closedForRoom }) => closedForRoom),
  };
}

const LOOKUPS = "parley_account_lookup_duration_seconds" satisfies FamilyName;

/** The stores have counted into buckets already, so here they only get the names that Prometheus wants. */
function lookupSamples({ name: store, counters }: StoreView): unknown[] {
  let below = 0;
  const buckets = [...LATENCY_SECONDS, "+Inf"].map((le, index) => {
    below += counters.latency[index] ?? 0;
    return { metricName: `${LOOKUPS}_bucket`, labels: { le, store }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${LOOKUPS}_sum`, labels: { store }, value: counters.seconds },
    { metricName: `${LOOKUPS}_count`, labels: { store }, value: below },
  ];
}

/** By which listener, which way round and over which transport. */
export function transportOf(listener: string | undefined, secure: boolean): Labels {
  const transport = secure ? "tls" : "tcp";
  return listener === undefined
    ? { listener: "", direction: "dialed", transport }
    : { listener, direction: "accepted", transport };
}

function named(
  counts: Readonly<Record<string, number | undefined>>,
  labels: (name: string) => Labels,
): [Labels, number][] {
  return Object.entries(counts).map(([name, count]) => [labels(name), count ?? 0]);
}

function bothWays(incoming: number, outgoing: number): Samples {
  return [
    [{ direction: "in" }, incoming],
    [{ direction: "out" }, outgoing],
  ];
}
