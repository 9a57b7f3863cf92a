/**
 * Waiting, always for something that has a name and never for ever.
 */
import { createServer } from "node:net";
import { setTimeout } from "node:timers";

/** Waits until something is so. What it says when that does not come about is the first line of a failed test. */
export async function until(
  condition: () => boolean,
  what: string | (() => string),
  milliseconds = 10_000,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`waited ${milliseconds} ms in vain for ${typeof what === "string" ? what : what()}`);
    }
    await pause(2);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A loopback port that was free a moment ago, for programs that cannot choose one themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
