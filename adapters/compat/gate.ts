/**
 * What may stand between a raw socket and the TLS that reads from it.
 *
 * On Node and Bun nothing has to: a paused TLSSocket stops reading. Where it does not, the ciphertext must be held
 * back; adapters/deno has such a gate.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface Gate {
  readonly raw: Socket;
  /** What TLS is given in place of `raw`. */
  readonly stream: Duplex;
  /** Lets no more octets through to TLS, until told otherwise. */
  hold(on: boolean): void;
}

export type MakeGate = (raw: Socket) => Gate;
