/**
 * A relay's configuration as tests and benchmarks want it, in one place: a new key of RelayConfig is added here and
 * nowhere else.
 */
import type { ListenerConfig, RelayConfig } from "../../core/mod.ts";

export const defaultConfig: RelayConfig = {
  listeners: [tlsListener("relay.example.com")],
  domains: [{ name: "example.com", algorithms: ["SHA-256", "MD5"] }],
  auth: {
    nonceSeconds: 300,
    expires: { minSeconds: 60, defaultSeconds: 86_400, maxSeconds: 604_800 },
    maxFailures: 3,
  },
  outgoing: { plain: false, chunkBytes: [] },
  forwarding: { unknownMethods: "forward", chunkBytes: 0 },
  relayNames: [],
  policy: { rules: [], asks: false },
  limits: {
    sessionsPerUser: 50,
    sessionsPerDomain: 0,
    sessions: 0,
    authFailuresPerAddress: 50,
    authFailuresPerUser: 10,
    authPauseSeconds: 300,
    idleSeconds: 3600,
    sessionIdleSeconds: 0,
    sessionMaxSeconds: 0,
    headerBytes: 16_384,
    messageBytes: 0,
    fileBytes: 0,
    bytesPerSecondPerSession: 0,
    bytesPerSecondPerUser: 0,
    bytesPerSecondPerDomain: 0,
    bytesPerSecond: 0,
  },
};

/** What is to be different; of `auth`, `outgoing`, `forwarding`, `limits` and `policy` only the keys that are named. */
export type ConfigChanges = {
  readonly [key in keyof RelayConfig]?: RelayConfig[key] extends readonly unknown[]
    ? RelayConfig[key]
    : Partial<RelayConfig[key]>;
};

export function relayConfig(changes: ConfigChanges = {}): RelayConfig {
  const { auth, outgoing, forwarding, limits, policy, ...whole } = changes;
  return {
    ...defaultConfig,
    ...whole,
    auth: { ...defaultConfig.auth, ...auth },
    outgoing: { ...defaultConfig.outgoing, ...outgoing },
    forwarding: { ...defaultConfig.forwarding, ...forwarding },
    limits: { ...defaultConfig.limits, ...limits },
    policy: { ...defaultConfig.policy, ...policy },
  };
}

/** A listener that hands out msrps URIs of this host. */
export function tlsListener(host: string, port = 2855, name = "public"): ListenerConfig {
  return { name, advertise: { secure: true, host, port }, authInsecure: false };
}
