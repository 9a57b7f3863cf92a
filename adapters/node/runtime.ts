/** What Node can do for the shared parts: node:net and node:tls are its own. */
import { compat } from "../compat/runtime.ts";

/** As much as a socket of Linux holds at first, and a quarter of the cache of a core. */
const READ = 256 * 1024;

export const node = compat("node", { reads: new Uint8Array(READ) });
