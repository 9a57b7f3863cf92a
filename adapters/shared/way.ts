/**
 * By which of a runtime's ways a listener is opened.
 *
 * Bun and Deno have sockets of their own, which cost less than node:net, but their TLS can do less than node:tls. So
 * each has a table of what its own way lacks. The first line that applies to what is asked sends the listener to
 * node:net or node:tls, and its reason is for the log.
 */
import type { DialOptions, Listening, ListenOptions, Runtime, Way } from "./runtime.ts";

export type Lack = readonly [because: string, applies: (options: ListenOptions) => boolean];

export const noNames: Lack = [
  "it shows several certificates, chosen by name",
  ({ tls }) => tls !== undefined && [...tls.byName.values()].some((pair) => pair.cert !== tls.fallback.cert),
];
export const noClientCertificates: Lack = [
  "it looks at client certificates",
  ({ tls }) => tls !== undefined && tls.clientCa.length > 0,
];
/** For every runtime's own way: what comes before the header's end must be kept from TLS. */
export const noProxyHeader: Lack = [
  "its connections begin with a PROXY header",
  ({ proxyProtocol }) => proxyProtocol !== undefined,
];

/** @param api  the runtime's own function */
export function wayToListen(api: string, lacks: readonly Lack[], options: ListenOptions): Way {
  const plain = options.tls === undefined;
  const lack = lacks.find(([, applies]) => applies(options));
  if (lack !== undefined) return { api: plain ? "node:net" : "node:tls", because: lack[0] };
  return { api, because: plain ? "it is plain TCP" : "it shows one certificate to everybody and asks for none" };
}

/** By which ways hops are dialled; only node:net is told which address to leave by. */
export function waysToDial(dials: Runtime["dials"], from: DialOptions["from"]): Runtime["dials"] {
  if (from === undefined || from.length === 0 || dials.plain.api === "node:net") return dials;
  return { ...dials, plain: { api: "node:net", because: "outgoing.from says which address to leave by" } };
}

/**
 * A listener opened by one way. Without `setTls` it keeps the certificate it was opened with; without `stopAccepting`
 * its `close` leaves alone whoever has come, and `isOpen` says when they are to be dropped.
 */
export type Opened = Pick<Listening, "port" | "close"> & Partial<Pick<Listening, "setTls" | "stopAccepting">>;

/** @param isOpen  false once nobody wants connections any more, also those in their handshake */
export type Open = (options: ListenOptions, isOpen: () => boolean) => Promise<Opened>;

/** How often, and how long after (ms), a port we have just left is asked for again: Deno gives it back a moment later. */
const REOPENINGS = 40;
const REOPENING_MS = 25;

/**
 * A listener that is opened again on its port when its certificates change and its way cannot take them as it runs.
 * Connections that wait to be accepted in that moment are lost, those in or after their handshake live on.
 */
export async function listenByWay(
  options: ListenOptions,
  choose: (options: ListenOptions) => Way,
  own: Open,
  compat: Open,
): Promise<Listening> {
  let open = true;
  let accepting = true;
  let asked = options;
  const openBy = (way: Way, wanted: ListenOptions) => (way.api.startsWith("node:") ? compat : own)(wanted, () => open);
  let via = choose(asked);
  let current = await openBy(via, asked);
  const { port } = current;
  const reopen = async (way: Way, wanted: ListenOptions) => {
    current = await persistently(() => openBy(way, wanted));
    via = way;
    asked = wanted;
  };
  const leave = () => (current.stopAccepting === undefined ? current.close() : current.stopAccepting());
  return {
    host: options.host,
    port,
    get via() {
      return via;
    },
    async setTls(tls) {
      if (!accepting) return; // nobody will be shown it
      const wanted = { ...options, port, tls };
      const way = choose(wanted);
      if (way.api === via.api && current.setTls !== undefined) {
        await current.setTls(tls);
        via = way;
        asked = wanted;
        return;
      }
      const before = { way: via, wanted: { ...asked, port } };
      await leave();
      try {
        await reopen(way, wanted);
      } catch (error) {
        await reopen(before.way, before.wanted); // better what has expired than nobody at the door
        throw error;
      } finally {
        if (!accepting) await leave();
      }
    },
    async stopAccepting() {
      if (!accepting) return;
      accepting = false;
      await leave();
    },
    async close() {
      if (!open) return;
      open = false;
      // What is closed already has nothing to say any more, unless it keeps apart the two ways to close.
      if (accepting || current.stopAccepting !== undefined) await current.close();
      accepting = false;
    },
  };
}

async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = REOPENINGS; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined;
      if (left === 0 || cause?.code !== "EADDRINUSE") throw error;
      await new Promise((resolve) => setTimeout(resolve, REOPENING_MS));
    }
  }
}
