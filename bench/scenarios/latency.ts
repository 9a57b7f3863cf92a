/**
 * Latency: five thousand messages a second of 256 octets over sixteen sessions, evenly spaced, which leaves every
 * subject far from busy. From the write at client A to the last octet at client B; both are one process with one clock.
 * A garbage collection, or a timer that waits for more octets to come, shows in p99.
 */
import { cpuPercent, everybody, p50, p99, plain, type Scenario, tls } from "./scenario.ts";

export const latency: Scenario[] = [
  { name: "latency", wanted: plain },
  { name: "latency-tls", wanted: tls },
].map(({ name, wanted }) => ({
  name,
  load: { kind: "stream", bytes: 256, failureReport: "yes", sessions: 16, window: 64, rate: 5000 },
  wanted,
  suits: everybody,
  figures: [p50, p99, cpuPercent],
}));
