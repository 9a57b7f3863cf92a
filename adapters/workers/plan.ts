/**
 * What becomes of the settings of the whole for one of several workers.
 *
 * Each worker is a relay of its own. On every listener it listens twice: on the port all of them share, where clients
 * come to authenticate and the kernel deals them out (SO_REUSEPORT), and on one of its own, which the URIs it hands out
 * name. Whoever connects to such a URI reaches the worker that knows it, so no frame crosses between workers but as it
 * would between any two relays.
 */
import type { ListenerConfig } from "../../core/mod.ts";
import type { ListenerSettings, Settings } from "../config/settings.ts";

/** Which of how many a worker is, and where it listens as far as that is known. */
export interface Place {
  /** From 1. */
  readonly number: number;
  readonly of: number;
  /** By listener; absent before the first worker has asked the system for a port (0 in the configuration). */
  readonly ports: readonly Ports[];
}

/** Ports of a listener that are known, though the configuration has 0 there. */
export interface Ports {
  readonly shared: number;
  /** Absent until this worker has asked for one. */
  readonly own?: number | undefined;
}

/** How the settings of a worker differ from those of the whole. */
export function asWorker(settings: Settings, { number, of, ports }: Place): Settings {
  const { listeners, relay, limits } = settings;
  const own = listeners.map((listener, index) => ownListener(listener, number, ports[index]));
  const shared = listeners.map(
    (listener, index): ListenerSettings => ({
      ...listener,
      port: ports[index]?.shared ?? listener.port,
      reusePort: true,
    }),
  );
  const advertised = relay.listeners.map((listener, index) =>
    advertising(listener, listeners[index] as ListenerSettings, own[index] as ListenerSettings),
  );
  const rest = { ...settings };
  // They are for all workers together.
  delete (rest as { admin?: unknown }).admin;
  return {
    ...rest,
    webhooks: [],
    workers: 1,
    // Two of a name are one listener to core. Its own port first: that is the one to fill in where 0 is advertised.
    listeners: [...own, ...shared],
    relay: {
      ...relay,
      listeners: [...advertised, ...advertised],
      // For siblings: whether others may be dialed without TLS is for RelayProgram to see.
      outgoing: { ...relay.outgoing, plain: relay.outgoing.plain || advertised.some((at) => !at.advertise.secure) },
      limits: {
        ...relay.limits,
        sessions: Math.ceil(relay.limits.sessions / of),
        bytesPerSecond: Math.ceil(relay.limits.bytesPerSecond / of),
      },
    },
    // What is for all is shared out. Limits per address, user and domain are for each worker: the kernel deals them out
    // unevenly.
    limits: {
      ...limits,
      connections: Math.ceil(limits.connections / of),
      memoryMegabytes: Math.ceil(limits.memoryMegabytes / of),
    },
  };
}

function ownListener(listener: ListenerSettings, number: number, known: Ports | undefined): ListenerSettings {
  const first = listener.workerPorts ?? 0;
  return { ...listener, port: known?.own ?? (first === 0 ? 0 : first + number - 1) };
}

/** What a proxy or a NAT in front shows is as far from the advertised port as our own is from the shared one. */
function advertising(config: ListenerConfig, listener: ListenerSettings, own: ListenerSettings): ListenerConfig {
  const { advertise } = config;
  const known = listener.port !== 0 && own.port !== 0;
  return { ...config, advertise: { ...advertise, port: known ? advertise.port + own.port - listener.port : own.port } };
}
