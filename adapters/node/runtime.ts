/** What Node can do for the shared parts: node:net and node:tls are its own. */
import { compat } from "../compat/runtime.ts";

export const node = compat("node");
