/**
 * The names of all metrics: what they count, in which unit, by which labels.
 *
 * Every label has few values, and all of them are ours: names of the configuration, codes, methods and statuses of the
 * RFCs. Nothing that a peer writes, an address, a user or a host, becomes a label. Who writes dashboards and alert rules
 * finds all names here; `metricNames` is for a test that compares.
 */
import { LATENCY_SECONDS } from "../accounts/lookup.ts";

export interface Family {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  /** How several workers make one: the sum, unless it says otherwise. */
  readonly together?: "max" | "min" | "first";
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[];
}

const quick = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const network = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const lives = [1, 10, 60, 300, 1800, 3600, 14_400, 86_400, 604_800];

export const families = {
  // The program.
  parley_build_info: { type: "gauge", help: "1, with what runs", labels: ["version", "runtime"], together: "first" },
  parley_start_time_seconds: { type: "gauge", help: "When it started, in Unix seconds", together: "min" },
  parley_workers: { type: "gauge", help: "Processes that serve" },
  parley_worker_restarts_total: {
    type: "counter",
    help: "How often a worker has died and was started again",
    labels: ["worker"],
  },
  parley_draining: { type: "gauge", help: "1 while it takes no new sessions", together: "max" },
  parley_event_loop_delay_seconds: {
    type: "histogram",
    help: "How late a timer of the program came: for so long nothing else was done",
    buckets: quick,
  },
  parley_process_resident_memory_bytes: { type: "gauge", help: "Memory of a process", labels: ["worker"] },
  parley_process_heap_bytes: { type: "gauge", help: "JavaScript heap in use in a process", labels: ["worker"] },
  parley_process_cpu_seconds_total: { type: "counter", help: "CPU time of a process", labels: ["worker"] },

  // Sessions.
  parley_sessions: { type: "gauge", help: "Sessions that are open", labels: ["domain"] },
  parley_sessions_started_total: { type: "counter", help: "Sessions granted", labels: ["domain"] },
  parley_sessions_ended_total: { type: "counter", help: "Sessions ended, by why", labels: ["domain", "why"] },
  parley_session_duration_seconds: { type: "histogram", help: "How long sessions lasted", buckets: lives },
  parley_auths_total: {
    type: "counter",
    help: "AUTH requests by outcome: OK, or the code of the refusal; what was for no domain of ours has an empty domain",
    labels: ["domain", "outcome"],
  },
  parley_account_lookups_total: {
    type: "counter",
    help: "Questions to account stores by outcome: found, missing, failed, or cached, which the store was not asked for",
    labels: ["store", "outcome"],
  },
  parley_account_lookup_duration_seconds: {
    type: "histogram",
    help: "How long account stores took for an answer",
    labels: ["store"],
    buckets: LATENCY_SECONDS,
  },
  parley_account_store_up: { type: "gauge", help: "1 while the store answers", labels: ["store"], together: "min" },
  parley_policy_decisions_total: {
    type: "counter",
    help: "Sessions that policy.decision was asked about: allowed, denied, or failed, and then policy.decision.otherwise holds",
    labels: ["outcome"],
  },
  parley_account_cached_users: { type: "gauge", help: "Users whose answers are kept", labels: ["store"] },

  // Connections.
  parley_connections: {
    type: "gauge",
    help: "Open connections; those we dialed have an empty listener",
    labels: ["listener", "direction", "transport"],
  },
  parley_connections_opened_total: {
    type: "counter",
    help: "Connections that came or were made",
    labels: ["listener", "direction", "transport"],
  },
  parley_connections_closed_total: { type: "counter", help: "Connections closed, by why", labels: ["why"] },
  parley_connections_refused_total: {
    type: "counter",
    help: "Connections that never came to the relay: limits, failed TLS handshakes",
    labels: ["listener", "why"],
  },
  parley_tls_handshakes_total: {
    type: "counter",
    help: "TLS handshakes that went well, by version; of those we dialed the listener is empty",
    labels: ["listener", "version"],
  },
  parley_certificate_expiry_time_seconds: {
    type: "gauge",
    help: "When a certificate of ours ends, in Unix seconds",
    labels: ["certificate"],
    together: "min",
  },
  parley_dials_total: { type: "counter", help: "Dials to next hops by outcome", labels: ["outcome"] },
  parley_dial_duration_seconds: {
    type: "histogram",
    help: "How long dials took, lookup and TLS included",
    labels: ["outcome"],
    buckets: network,
  },

  // What passes.
  parley_frames_total: { type: "counter", help: "Frames by method", labels: ["direction", "method"] },
  parley_frame_bytes_total: {
    type: "counter",
    help: "Octets of frames by method, from start line to end-line; those of a frame that comes in once it is complete",
    labels: ["direction", "method"],
  },
  parley_bytes_total: { type: "counter", help: "Octets of all connections", labels: ["direction"] },
  parley_body_bytes_total: { type: "counter", help: "Octets of SEND bodies", labels: ["direction"] },
  parley_responses_total: { type: "counter", help: "Responses by status code", labels: ["direction", "code"] },
  parley_reports_total: {
    type: "counter",
    help: "REPORTs: made by us, forwarded, or lost because their way back was gone",
    labels: ["kind"],
  },
  parley_faults_total: { type: "counter", help: "What peers did wrong, by code", labels: ["code"] },
  parley_transactions: { type: "gauge", help: "Requests that wait for their response" },
  parley_timeouts_total: { type: "counter", help: "Requests that no response came for in time" },
  parley_timers_fired_total: { type: "counter", help: "Timers of other kinds that have run" },
  parley_chunk_interrupts_total: { type: "counter", help: "Chunks interrupted for somebody else's frame" },

  // What waits.
  parley_queue_bytes: { type: "gauge", help: "Octets that wait for slow connections" },
  parley_queue_largest_bytes: { type: "gauge", help: "Octets that wait for the slowest connection", together: "max" },
  parley_queue_high_water_bytes: {
    type: "gauge",
    help: "The most octets that have ever waited for one connection",
    together: "max",
  },
  parley_connections_held: { type: "gauge", help: "Connections not read from just now, because somebody is slow" },
  parley_back_pressure_seconds_total: {
    type: "counter",
    help: "For how long connections were not read from, all of them together",
  },
  parley_connections_closed_for_room_total: {
    type: "counter",
    help: "Idle connections closed to make room for others",
  },

  // Webhooks.
  parley_webhook_deliveries_total: {
    type: "counter",
    help: "Events to webhooks by outcome: delivered, retried, dropped",
    labels: ["webhook", "outcome"],
  },
  parley_webhook_queue: { type: "gauge", help: "Events that wait for a webhook", labels: ["webhook"] },

  // Session records.
  parley_records_total: {
    type: "counter",
    help: "Session records by outcome: written, or lost, because there was no room or nobody will ever take them",
    labels: ["destination", "outcome"],
  },
  parley_record_queue: { type: "gauge", help: "Session records that wait to be written", labels: ["destination"] },
} as const satisfies Readonly<Record<`parley_${string}`, Family>>;

export type FamilyName = keyof typeof families;

/** What a dashboard or an alert rule may name: of a histogram its series as well. */
export const metricNames: ReadonlySet<string> = new Set(
  (Object.entries(families) as [string, Family][]).flatMap(([name, { type }]) =>
    type === "histogram" ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);
