/**
 * Holds back the ciphertext from a TLS socket of Deno's node:tls.
 *
 * Deno (2.9) reads on while a TLSSocket is paused, without a limit: a slow next hop would let anybody fill the memory.
 * Nothing on the TLSSocket itself helps, so TLS is given this stream instead of the raw socket. Only for Deno: Bun
 * ignores SNI over such a stream, and Node has no need of it.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Gate } from "../compat/gate.ts";

export function makeGate(raw: Socket): Gate {
  let held = false;
  const stream = new Duplex({
    read: () => void (held || raw.resume()),
    write: (octets: Uint8Array, _, done) => void raw.write(octets, done),
    final: (done) => void raw.end(done),
    destroy(error, done) {
      raw.destroy();
      done(error);
    },
  });
  raw.on("data", (octets: Uint8Array) => void (stream.push(octets) || raw.pause()));
  raw.on("end", () => stream.push(null));
  raw.on("error", (error) => stream.destroy(error));
  raw.on("close", () => stream.destroy());
  return {
    raw,
    stream,
    hold(on) {
      held = on;
      if (on) raw.pause();
      else raw.resume();
    },
  };
}
