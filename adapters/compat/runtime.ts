/** What node:net and node:tls do for the shared parts, on every runtime that has them. */
import type { Runtime } from "../shared/runtime.ts";
import { dial } from "./dial.ts";
import { listen } from "./listen.ts";

export function compat(name: Runtime["name"]): Runtime {
  return { name, listen, dial };
}
