/**
 * Listeners over Bun.listen: plain TCP, and TLS with one certificate for everybody (see shared/way.ts).
 *
 * Bun has no way to change the certificate of an open listener, so `setTls` is for whoever opened it: close, and
 * listen again on the port.
 */
import { plainAddress } from "../shared/address.ts";
import { cannotListen } from "../shared/advice.ts";
import type { Driver } from "../shared/driver.ts";
import type { Accepted, ListenOptions } from "../shared/runtime.ts";
import type { Opened } from "../shared/way.ts";
import { type BunSocket, handlers, Wire } from "./channel.ts";

/** TLS 1.2; Bun wants the number of the wire (RFC 5246 §6.2.1). */
const TLS_1_2 = 0x0303;

export async function listen(
  options: ListenOptions,
  driver: Driver,
  accepted: Accepted,
  isOpen: () => boolean,
): Promise<Opened> {
  const { host, port, tls, reusePort = false } = options;
  const shared = { reusePort }; // it is missing from bun-types
  const secure = tls && { cert: tls.fallback.cert, key: tls.fallback.key, minVersion: TLS_1_2 };
  try {
    const listener = Bun.listen<Wire>({
      hostname: host,
      port,
      ...shared,
      allowHalfOpen: true,
      ...(secure && { tls: secure }),
      socket: handlers({
        open: (socket) => new AcceptedWire(socket, options, driver, accepted, isOpen).begin(),
        // With an untrusted client certificate `success` would be true and `authorized` false; we asked for none.
        handshake: ({ data: wire }, success, error) => (wire as AcceptedWire).shookHands(success, error),
      }),
    });
    return {
      port: listener.port,
      close: async () => listener.stop(false),
    };
  } catch (error) {
    throw cannotListen(host, port, error);
  }
}

/** A socket that came in, which has to pass the limits and its handshake first. */
class AcceptedWire extends Wire {
  readonly #options: ListenOptions;
  readonly #driver: Driver;
  readonly #accepted: Accepted;
  readonly #isOpen: () => boolean;
  readonly #address: string;
  /** Tells the limits that it has gone. */
  #leave: (() => void) | undefined;
  /** Bun's own timeouts have a grain of four seconds. Undefined when no handshake is going on. */
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: BunSocket, options: ListenOptions, driver: Driver, accepted: Accepted, isOpen: () => boolean) {
    super(socket);
    socket.data = this;
    this.#options = options;
    this.#driver = driver;
    this.#accepted = accepted;
    this.#isOpen = isOpen;
    this.#address = plainAddress(socket.remoteAddress);
    this.#leave = undefined;
    this.#patience = undefined;
  }

  begin(): void {
    const { limits, refused, tls, handshakeSeconds } = this.#options;
    const admitted = limits?.admit(this.#address);
    if (typeof admitted === "string") {
      refused?.(admitted, this.#address, "too many connections");
      return this.destroy();
    }
    this.#leave = admitted;
    if (tls === undefined) return this.connect(false, this.#driver, this.#accepted);
    this.#patience = setTimeout(() => this.#failed("it took too long"), handshakeSeconds * 1000);
  }

  shookHands(success: boolean, error: (Error & { code?: string }) | null): void {
    if (this.#patience === undefined) return; // it has failed
    if (!success) return this.#failed(error?.code ?? error?.message ?? "it failed");
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (this.#isOpen()) this.connect(true, this.#driver, this.#accepted);
    else this.destroy();
  }

  override gone(): void {
    if (this.#patience !== undefined) this.#failed("it hung up");
    this.#leave?.();
    super.gone();
  }

  #failed(why: string): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#options.refused?.("HANDSHAKE", this.#address, why);
    this.destroy();
  }
}
