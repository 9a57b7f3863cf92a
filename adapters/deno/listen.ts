/** Listeners over Deno.listen, without TLS; runtime.ts says why. */
import { plainAddress } from "../shared/address.ts";
import { cannotListen } from "../shared/advice.ts";
import type { Driver } from "../shared/driver.ts";
import type { Accepted, ListenOptions } from "../shared/runtime.ts";
import type { Opened } from "../shared/way.ts";
import { connect } from "./channel.ts";

/** How long to wait when the system could not accept, for want of descriptors mostly. */
const ACCEPT_REST_MS = 100;

export async function listen(options: ListenOptions, driver: Driver, accepted: Accepted): Promise<Opened> {
  const { host, port } = options;
  const listener = open(host, port);
  const lastAccepted = acceptAll(listener, options, driver, accepted);
  return {
    port: listener.addr.port,
    async close() {
      listener.close();
      await lastAccepted; // the port is not free before
    },
  };
}

function open(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    throw cannotListen(hostname, port, error);
  }
}

/** Resolves when the listener was closed. */
async function acceptAll(
  listener: Deno.TcpListener,
  options: ListenOptions,
  driver: Driver,
  accepted: Accepted,
): Promise<void> {
  for (;;) {
    try {
      take(await listener.accept(), options, driver, accepted);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      options.refused?.("ACCEPT", "", error instanceof Error ? error.message : String(error));
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_REST_MS));
    }
  }
}

function take(conn: Deno.TcpConn, { limits, refused }: ListenOptions, driver: Driver, accepted: Accepted): void {
  const address = plainAddress(conn.remoteAddr.hostname);
  const admitted = limits?.admit(address);
  if (typeof admitted === "string") {
    refused?.(admitted, address, "too many connections");
    return conn.close();
  }
  connect(conn, driver, accepted, admitted);
}
