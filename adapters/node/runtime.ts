/** What Node can do for the shared parts: node:net and node:tls are its own. */
import process from "node:process";
import { compat } from "../compat/runtime.ts";

/** As much as a socket of Linux holds at first, and a quarter of the cache of a core. */
const READ = 256 * 1024;

/** Tests use this on Bun and Deno too, whose node:net is another one. */
const isNode = process.versions.bun === undefined && process.versions.deno === undefined;

export const node = compat("node", isNode ? { reads: new Uint8Array(READ) } : {});
