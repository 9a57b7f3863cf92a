/** What Node can do for the shared parts. */
import type { Runtime } from "../shared/runtime.ts";
import { dial } from "./dial.ts";
import { listen } from "./listen.ts";

export const node: Runtime = { name: "node", listen, dial };
