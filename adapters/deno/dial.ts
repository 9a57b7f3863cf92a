/** Dialling over Deno.connect, without TLS; hops with TLS are for node:tls, which lets us say whom we expect. */
import type { Hop } from "../../core/mod.ts";
import { authority } from "../shared/address.ts";
import { cannotConnect } from "../shared/advice.ts";
import type { Driver } from "../shared/driver.ts";
import { dialBy, DialError } from "../shared/reach.ts";
import type { Target } from "../shared/resolve.ts";
import type { DialOptions, DialOutcome } from "../shared/runtime.ts";
import { connect } from "./channel.ts";

export function dial(hop: Hop, options: DialOptions, driver: Driver, outcome: DialOutcome): void {
  const attempt = (target: Target, signal: AbortSignal) => attemptAt(target, signal, options);
  dialBy(hop, options, driver, outcome, attempt, (conn) => {
    connect(conn, driver, (link, now) => outcome.opened(link, now));
  });
}

async function attemptAt(target: Target, signal: AbortSignal, options: DialOptions): Promise<Deno.TcpConn> {
  const where = authority(target.address, target.port);
  try {
    const conn = await Deno.connect({ hostname: target.address, port: target.port, signal });
    options.progress?.("connect", where);
    return conn;
  } catch (error) {
    throw new DialError("UNREACHABLE", cannotConnect(where, error));
  }
}
