/**
 * What the kernel does with connections that wait to be accepted when one of those who share a port closes it.
 *
 * They are reset, unless net.ipv4.tcp_migrate_req (Linux 5.14) passes them on to another who has the port.
 */
import { readFileSync } from "node:fs";

export const SETTING = "net.ipv4.tcp_migrate_req";

/** Undefined where it cannot be told: another system, an older kernel, or no permission to read. */
export function passesOnWaiting(): boolean | undefined {
  try {
    return readFileSync("/proc/sys/net/ipv4/tcp_migrate_req", "utf8").trim() === "1";
  } catch {
    return undefined;
  }
}
