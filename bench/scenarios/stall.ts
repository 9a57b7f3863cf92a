/**
 * A stalled receiver: client B stops reading in the middle of a chunk of 64 MB. How much is taken from its sender before
 * it is held (the kernel's buffers included, which are some megabytes), how much more memory the relay has, and what the
 * other sessions, at a thousand messages a second, notice of it. Then client B reads on, and every octet must come.
 * Only for parley: Kamailio cannot hold a sender, and the octets of haproxy have no session.
 */
import { memoryGrown, p50, p99, parleys, plain, type Scenario, swallowed } from "./scenario.ts";

export const stall: Scenario[] = [
  {
    name: "stall",
    load: { kind: "stall", sessions: 4, rate: 1000, bytes: 64_000_000 },
    wanted: plain,
    suits: parleys,
    figures: [swallowed, memoryGrown, p50, p99],
  },
];
