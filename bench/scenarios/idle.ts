/**
 * Idle sessions: phones in pockets. Each is connected and authenticated, and then silent: what does it hold, and does
 * anything go on that grows with their number? Memory is what the kernel says of all processes of the subject together,
 * beyond what they had before anybody came.
 */
import { cpuPercent, kilobytesEach, plain, relays, type Scenario, tls } from "./scenario.ts";

export const idle: Scenario[] = [
  { name: "idle", wanted: plain, sessions: 9_500 },
  { name: "idle-tls", wanted: tls, sessions: 1_000 },
].map(({ name, wanted, sessions }) => ({
  name,
  load: { kind: "idle", sessions },
  wanted,
  suits: relays,
  figures: [kilobytesEach, cpuPercent],
}));
