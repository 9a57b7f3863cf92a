/**
 * AUTH storm: what follows when a site comes back after a failure. Sixteen clients at a time connect, are challenged,
 * answer, are granted a URI, and leave. Over TLS it is a full handshake each time, with the key many servers have
 * (RSA-2048) and with the one parley makes (P-256).
 */
import { authsPerCpu, perSecond, plain, relays, type Scenario, tls } from "./scenario.ts";

export const auth: Scenario[] = [
  { name: "auth", wanted: plain },
  { name: "auth-tls", wanted: tls },
  { name: "auth-tls-rsa", wanted: { secure: true, keys: "rsa2048" as const } },
].map(({ name, wanted }) => ({
  name,
  load: { kind: "auth", atOnce: 16 },
  wanted,
  suits: relays,
  figures: [authsPerCpu, perSecond],
}));
