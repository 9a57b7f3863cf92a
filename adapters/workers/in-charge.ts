/** A worker's end of the pipes, and what it leaves to the supervisor. */
import process from "node:process";
import { Lines } from "./lines.ts";

/** Whom a terminal or a service manager tells to stop is everybody at once; only the supervisor acts on it. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** @param gone  the supervisor has ended */
export function inCharge<In, Out>(said: (message: In) => void, gone: () => void): Lines<In, Out> {
  for (const signal of SIGNALS) process.on(signal, () => {});
  return new Lines<In, Out>(process.stdin, process.stdout, said, gone);
}
