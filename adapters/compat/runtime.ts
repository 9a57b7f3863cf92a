/** What node:net and node:tls do for the shared parts, on every runtime that has them. */
import type { Runtime } from "../shared/runtime.ts";
import { dial } from "./dial.ts";
import type { MakeGate } from "./gate.ts";
import { listen } from "./listen.ts";

/** What differs between the runtimes that have them. */
export interface Cures {
  /** Where a paused TLSSocket goes on reading. */
  readonly makeGate?: MakeGate;
  /** What plain sockets are read into, where a socket can be told. */
  readonly reads?: Uint8Array;
}

export function compat(name: Runtime["name"], cures: Cures = {}): Runtime {
  return {
    name,
    dials: { plain: { api: "node:net", because }, tls: { api: "node:tls", because } },
    listen: (options, driver, accepted) => listen(options, driver, accepted, cures),
    dial: (hop, options, driver, outcome) => dial(hop, options, driver, outcome, cures),
  };
}

const because = "nothing else is asked for";
