/** Dialling over Bun.connect, without TLS; hops with TLS are for node:tls, which lets us say whom we expect. */
import type { Hop } from "../../core/mod.ts";
import { authority } from "../shared/address.ts";
import { cannotConnect } from "../shared/advice.ts";
import type { Driver } from "../shared/driver.ts";
import { dialBy, DialError } from "../shared/reach.ts";
import type { Target } from "../shared/resolve.ts";
import type { DialOptions, DialOutcome } from "../shared/runtime.ts";
import { handlers, Wire } from "./channel.ts";

export function dial(hop: Hop, options: DialOptions, driver: Driver, outcome: DialOutcome): void {
  const attempt = (target: Target, signal: AbortSignal) => attemptAt(target, signal, options);
  dialBy(hop, options, driver, outcome, attempt, (wire) => {
    wire.setReading(true);
    wire.connect(false, driver, (link, now) => outcome.opened(link, now));
  });
}

/** An attempt that is given up leaves its socket to the kernel until it opens or fails; Bun has no other way. */
async function attemptAt(target: Target, signal: AbortSignal, options: DialOptions): Promise<Wire> {
  const where = authority(target.address, target.port);
  try {
    const socket = await Bun.connect<Wire>({
      hostname: target.address,
      port: target.port,
      allowHalfOpen: true,
      socket: handlers({
        open(opened) {
          opened.data = new Wire(opened);
          opened.data.setReading(false); // nobody is there to hear it yet
        },
      }),
    });
    signal.addEventListener("abort", () => socket.terminate());
    if (signal.aborted) socket.terminate();
    options.progress?.("connect", where);
    return socket.data;
  } catch (error) {
    throw new DialError("UNREACHABLE", cannotConnect(where, error));
  }
}
