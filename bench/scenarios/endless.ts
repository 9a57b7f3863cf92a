/**
 * One chunk of 256 MB: a film that a client sends without cutting it. The relay passes it on as it comes and never holds
 * more of it than its back-pressure marks allow. Kamailio refuses it.
 */
import { megabytesPerCpu, megabytesPerSecond, memoryGrown, plain, type Scenario, tls } from "./scenario.ts";

export const endless: Scenario[] = [
  { name: "endless", wanted: plain },
  { name: "endless-tls", wanted: tls },
].map(({ name, wanted }) => ({
  name,
  load: { kind: "endless", bytes: 256_000_000 },
  wanted,
  suits: ({ name: subject }) => subject !== "kamailio",
  figures: [megabytesPerCpu, megabytesPerSecond, memoryGrown],
}));
