/**
 * Idle sessions: phones in pockets. Each is connected and authenticated, and then silent: what does it hold, and does
 * anything go on that grows with their number? Memory is what the kernel says of all processes of the subject together,
 * beyond what they had before anybody came.
 */
import { cpuPercent, kilobytesEach, plain, type Scenario, tls } from "./scenario.ts";

export const idle: Scenario[] = [
  { name: "idle", wanted: { ...plain, silent: true }, sessions: 9_500 },
  { name: "idle-tls", wanted: { ...tls, silent: true }, sessions: 1_000 },
].map(({ name, wanted, sessions }) => ({
  name,
  load: { kind: "idle", sessions },
  wanted,
  // A bare runtime shows what a connection costs at least; haproxy would want to connect onward at once.
  suits: ({ kind, name: subject }) => kind === "relay" || subject.startsWith("bare"),
  figures: [kilobytesEach, cpuPercent],
}));
