/**
 * Two relays on the way: client A authenticates with the first, client B with the second, and all sessions share the one
 * connection between the two. `chain` is what a message costs both relays together; Failure-Report is for the hop, so the
 * second answers the first.
 *
 * `shared`: a file as fast as it goes, in chunks of 64 MB, and four chats with a thousand messages a second between them,
 * over that one connection. How long does a chat message take? An open chunk must be interrupted for it (RFC 4975
 * §7.1.1), and what lies in the kernel's buffers in front of it goes first. Only for parley: in front of others is nothing
 * that could be compared.
 */
import { megabytesPerSecond, messagesPerCpu, p50, p99, parleys, perSecond, plain, type Scenario } from "./scenario.ts";

const wanted = { ...plain, chain: true };

export const chain: Scenario[] = [
  {
    name: "chain",
    load: { kind: "stream", bytes: 256, failureReport: "yes", sessions: 16, window: 16, rate: 0 },
    wanted,
    suits: parleys,
    figures: [messagesPerCpu, perSecond],
  },
  {
    name: "shared",
    load: { kind: "shared", sessions: 4, rate: 1000, bytes: 64_000_000 },
    wanted,
    suits: parleys,
    figures: [p99, p50, megabytesPerSecond],
  },
];
