/**
 * Chunks: pictures and files, as clients cut them. 10 KB is what most of them use; 2 KB is the RFC's advice; of 100 KB
 * and 1 MB the end is never in sight when the head is read, so they stream through. Fewer sessions with shorter windows
 * then, since what is on its way should be megabytes at most. Kamailio takes no frame above some 11 KB.
 */
import { megabytesPerCpu, megabytesPerSecond, plain, type Scenario, tls } from "./scenario.ts";

export const chunks: Scenario[] = [
  chunk("chunks-2k", 2_048, 16, 16),
  chunk("chunks-10k", 10_240, 16, 16),
  chunk("chunks-10k-tls", 10_240, 16, 16, true),
  chunk("chunks-100k", 102_400, 4, 4),
  chunk("chunks-1m", 1_048_576, 4, 4),
];

function chunk(name: string, bytes: number, sessions: number, window: number, secure = false): Scenario {
  return {
    name,
    load: { kind: "stream", bytes, failureReport: "yes", sessions, window, rate: 0 },
    wanted: secure ? tls : plain,
    suits: ({ name: subject }) => !(subject === "kamailio" && bytes > 11_000),
    figures: [megabytesPerCpu, megabytesPerSecond],
  };
}
