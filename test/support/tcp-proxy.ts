/** A way between a client and a server that a test can spoil: cut it, or let it hang. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  #hanging: boolean;
  /** Connections that have come in. */
  accepted: number;

  private constructor(to: number) {
    this.#sockets = new Set();
    this.#hanging = false;
    this.accepted = 0;
    this.#server = createServer((client) => {
      this.accepted++;
      const server = connect(to, "127.0.0.1");
      this.#pass(client, server);
      this.#pass(server, client);
    });
  }

  static open(to: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(to);
    return new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", () => resolve(proxy)));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing passes, and connections are taken all the same: a machine that is overloaded, or has frozen. */
  hang(): void {
    this.#hanging = true;
  }

  /** What was held back is lost. */
  resume(): void {
    this.#hanging = false;
    this.cut();
  }

  /** Every connection is lost. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (octets) => {
      if (!this.#hanging) to.write(octets);
    });
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      if (!this.#hanging) to.destroy();
    });
  }
}
