/** What Deno can do for the shared parts: plain TCP with its own sockets, TLS with node:tls and a gate. */
import { dial as dialCompat } from "../compat/dial.ts";
import { listen as listenCompat } from "../compat/listen.ts";
import type { Runtime, TlsServerOptions } from "../shared/runtime.ts";
import { type Lack, listenByWay, wayToListen } from "../shared/way.ts";
import { dial } from "./dial.ts";
import { makeGate } from "./gate.ts";
import { listen } from "./listen.ts";

/**
 * What Deno.listenTls lacks. It also has no certificates by name, never asks for one of a client, and keeps the one it
 * has, but this alone decides: `close` on a connection that is in its handshake, or whose peer takes nothing, leaves
 * the socket open for as long as the peer likes (Deno 2.9). No time-out and no limit could be kept.
 */
const lacks: readonly Lack[] = [["Deno.listenTls cannot drop a client that does nothing", () => true]];

export const deno: Runtime = {
  name: "deno",
  dials: {
    plain: { api: "Deno.connect", because: "it is plain TCP" },
    tls: { api: "node:tls", because: "the certificate must be for the host of the URI, whatever the address" },
  },
  listen(options, driver, accepted) {
    const choose = (tls: TlsServerOptions | undefined) => wayToListen("Deno.listen", lacks, tls);
    return listenByWay(
      options,
      choose,
      (asked) => listen(asked, driver, accepted),
      (asked) => listenCompat(asked, driver, accepted, makeGate),
    );
  },
  dial(hop, options, driver, outcome) {
    if (hop.secure) dialCompat(hop, options, driver, outcome, makeGate);
    else dial(hop, options, driver, outcome);
  },
};
