/** What node:net and node:tls do for the shared parts, on every runtime that has them. */
import type { Runtime } from "../shared/runtime.ts";
import { dial } from "./dial.ts";
import type { MakeGate } from "./gate.ts";
import { listen } from "./listen.ts";

/** @param makeGate  where a paused TLSSocket goes on reading */
export function compat(name: Runtime["name"], makeGate?: MakeGate): Runtime {
  return {
    name,
    dials: { plain: { api: "node:net", because }, tls: { api: "node:tls", because } },
    listen: (options, driver, accepted) => listen(options, driver, accepted, makeGate),
    dial: (hop, options, driver, outcome) => dial(hop, options, driver, outcome, makeGate),
  };
}

const because = "nothing else is asked for";
