/** What Bun can do for the shared parts: with its own sockets where they suffice, else with node:tls. */
import { dial as dialCompat } from "../compat/dial.ts";
import { listen as listenCompat } from "../compat/listen.ts";
import type { ListenOptions, Runtime } from "../shared/runtime.ts";
import { listenByWay, noClientCertificates, noNames, noProxyHeader, waysToDial, wayToListen } from "../shared/way.ts";
import { dial } from "./dial.ts";
import { listen } from "./listen.ts";

/** What Bun.listen lacks, and node:tls on Bun has. */
const lacks = [noNames, noClientCertificates, noProxyHeader];

export const bun: Runtime = {
  name: "bun",
  dials: {
    plain: { api: "Bun.connect", because: "it is plain TCP" },
    tls: { api: "node:tls", because: "the certificate must be for the host of the URI, whatever the address" },
  },
  listen(options, driver, accepted) {
    const choose = (asked: ListenOptions) => wayToListen("Bun.listen", lacks, asked);
    return listenByWay(
      options,
      choose,
      (asked, isOpen) => listen(asked, driver, accepted, isOpen),
      (asked) => listenCompat(asked, driver, accepted),
    );
  },
  dial(hop, options, driver, outcome) {
    const { plain } = waysToDial(this.dials, options.from);
    if (hop.secure || plain !== this.dials.plain) dialCompat(hop, options, driver, outcome);
    else dial(hop, options, driver, outcome);
  },
};
