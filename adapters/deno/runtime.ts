/** What Deno can do for the shared parts: plain TCP with its own sockets, TLS with node:tls and a gate. */
import { dial as dialCompat } from "../compat/dial.ts";
import { listen as listenCompat } from "../compat/listen.ts";
import type { ListenOptions, Runtime } from "../shared/runtime.ts";
import { type Lack, listenByWay, noProxyHeader, waysToDial, wayToListen } from "../shared/way.ts";
import { dial } from "./dial.ts";
import { makeGate } from "./gate.ts";
import { listen } from "./listen.ts";

/**
 * What Deno.listen and Deno.listenTls lack. The second also has no certificates by name, never asks for one of a client,
 * and keeps the one it has, but this alone decides: `close` on a connection that is in its handshake, or whose peer takes
 * nothing, leaves the socket open for as long as the peer likes (Deno 2.9). No time-out and no limit could be kept.
 */
const lacks: readonly Lack[] = [
  ["Deno.listenTls cannot drop a client that does nothing", ({ tls }) => tls !== undefined],
  // It has `reusePort`, but without a flag of the whole process (--unstable-net) asking for it ends the process.
  ["it shares its port with other programs", ({ reusePort }) => reusePort === true],
  noProxyHeader,
];

export const deno: Runtime = {
  name: "deno",
  dials: {
    plain: { api: "Deno.connect", because: "it is plain TCP" },
    tls: { api: "node:tls", because: "the certificate must be for the host of the URI, whatever the address" },
  },
  listen(options, driver, accepted) {
    const choose = (asked: ListenOptions) => wayToListen("Deno.listen", lacks, asked);
    return listenByWay(
      options,
      choose,
      (asked) => listen(asked, driver, accepted),
      (asked) => listenCompat(asked, driver, accepted, { makeGate }),
    );
  },
  dial(hop, options, driver, outcome) {
    const { plain } = waysToDial(this.dials, options.from);
    if (hop.secure || plain !== this.dials.plain) dialCompat(hop, options, driver, outcome, { makeGate });
    else dial(hop, options, driver, outcome);
  },
};
