/**
 * Takes the PROXY header off the front of a socket that a proxy has opened (see shared/proxy-protocol.ts), so that
 * whoever gets the socket finds what the client behind it sent, and nothing else.
 */
import type { Socket } from "node:net";
import { plainAddress } from "../shared/address.ts";
import { type Origin, type ProxyReading, readProxyHeader } from "../shared/proxy-protocol.ts";
import type { ListenOptions } from "../shared/runtime.ts";

/**
 * Sockets of one listener whose header has not come yet. They stand before `limits`, which are about the clients behind
 * the proxy, so they have a bound of their own; a proxy sends the header with its first octets.
 */
const MOST_WAITING = 1024;

export class Proxied {
  readonly #options: ListenOptions;
  #waiting: number;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#waiting = 0;
  }

  /** @param done  told whose connection it is; the proxy's own when its header names nobody */
  begin(socket: Socket, done: (origin: Origin) => void): void {
    const proxy: Origin = { address: plainAddress(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0 };
    const { proxyProtocol, refused, handshakeSeconds } = this.#options;
    let early: Uint8Array = new Uint8Array(0);
    let over = false;
    /** Nobody has asked for anything: proxies look like that whether we are there, several times a minute. */
    let quiet = true;
    const leave = () => {
      if (over) return false;
      over = true;
      this.#waiting--;
      clearTimeout(patience);
      socket.off("data", take);
      return true;
    };
    const refuse = (detail: string) => {
      if (leave() && !quiet) refused?.("PROXY", proxy.address, detail);
      socket.destroy();
    };
    const unasked = (detail: string) => {
      quiet = false;
      refuse(detail);
    };
    const take = (octets: Uint8Array) => {
      early = early.length === 0 ? octets : Buffer.concat([early, octets]);
      const reading: ProxyReading = readProxyHeader(early);
      quiet = reading !== "more" && "end" in reading && reading.origin === undefined && reading.end === early.length;
      if (reading === "more" || quiet) return; // of which there is a bound
      if ("malformed" in reading) return refuse(reading.malformed);
      leave();
      // Still, so that nothing is lost until somebody listens again.
      socket.pause();
      if (reading.end < early.length) socket.unshift(early.subarray(reading.end));
      done(reading.origin ?? proxy);
    };
    const patience = setTimeout(() => refuse("no header in time"), handshakeSeconds * 1000);
    this.#waiting++;
    if (proxy.address === "") return refuse(""); // it has hung up already
    if (proxyProtocol?.from?.allows("", proxy.address) === false) return unasked("it is not in proxyProtocol.from");
    if (this.#waiting > MOST_WAITING) return unasked(`${MOST_WAITING} others have sent no header yet`);
    const gone = () => refuse("it hung up in its header");
    socket.once("end", gone);
    socket.once("close", gone);
    socket.on("data", take);
  }
}
