/**
 * Small messages: what a chat consists of, and what a relay is mostly busy with.
 *
 * Sixteen sessions, each with sixteen messages on their way: sent, and not yet both delivered and answered. 256 octets
 * is the size that everything else is measured by; 64 shows what a message costs that is nearly all head, 1024 what
 * its body adds. With Failure-Report "no" nobody answers and the relay keeps no transactions. The twins over TLS have
 * TLS on both legs.
 */
import { everybody, messagesPerCpu, perSecond, plain, type Scenario, tls } from "./scenario.ts";

const sizes: Scenario[] = [64, 256, 1024].flatMap((bytes) => [
  small(`small-${bytes}`, bytes, "yes"),
  small(`small-${bytes}-unreported`, bytes, "no"),
]);

export const smallMessages: Scenario[] = [...sizes, small("small-256-tls", 256, "yes", true)];

function small(name: string, bytes: number, failureReport: "yes" | "no", secure = false): Scenario {
  return {
    name,
    load: { kind: "stream", bytes, failureReport, sessions: 16, window: 16, rate: 0 },
    wanted: secure ? tls : plain,
    suits: everybody,
    figures: [messagesPerCpu, perSecond],
  };
}
