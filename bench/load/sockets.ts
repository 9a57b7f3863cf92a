/** Connections of the generator, plain or TLS, and the few exchanges that are not worth a fast reader. */
import { once } from "node:events";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { Target } from "./order.ts";

/** Patience with anything that should take milliseconds. */
const PATIENCE_MS = 20_000;
/** Loopback addresses to connect from: a port stays unusable for a while after its connection has ended. */
const ADDRESSES = 200;

let connections = 0;

export async function open(target: Target, port = target.port): Promise<Socket> {
  const where = { port, host: "127.0.0.1", localAddress: `127.0.1.${1 + (connections++ % ADDRESSES)}` };
  const socket = target.secure ? connectTls({ ...where, ca: target.ca, servername: "localhost" }) : connectTcp(where);
  socket.setNoDelay(true);
  await within(once(socket, target.secure ? "secureConnect" : "connect"), `a connection to port ${port}`);
  return socket;
}

/** Client B's listener; `take` answers with the next socket that comes in. */
export class Listener {
  readonly #server: Server;
  readonly #came: Socket[] = [];
  #waiting: ((socket: Socket) => void) | undefined;

  private constructor(target: Target) {
    const accepted = (socket: Socket) => {
      socket.setNoDelay(true);
      socket.pause();
      if (this.#waiting === undefined) this.#came.push(socket);
      else this.#waiting(socket);
      this.#waiting = undefined;
    };
    this.#server = target.secure
      ? createTlsServer({ cert: target.cert, key: target.key }, accepted)
      : createServer(accepted);
    // Whoever only looks whether we are there is gone again in the handshake.
    this.#server.on("tlsClientError", () => {});
  }

  static async start(target: Target): Promise<Listener> {
    const listener = new Listener(target);
    listener.#server.listen(target.listenPort, "127.0.0.1");
    await once(listener.#server, "listening");
    return listener;
  }

  take(): Promise<Socket> {
    const came = this.#came.shift();
    if (came !== undefined) return Promise.resolve(came);
    const socket = new Promise<Socket>((resolve) => {
      this.#waiting = resolve;
    });
    return within(socket, "the connection that should reach client B");
  }

  close(): void {
    this.#server.close();
  }
}

/** Writes a request without a body and waits for its response, as text. Nothing else may be on the connection. */
export async function exchange(socket: Socket, request: string): Promise<string> {
  socket.write(request, "latin1");
  let text = "";
  const done = new Promise<string>((resolve, reject) => {
    const data = (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (!/\r\n-{7}[^\r\n]+[$+#]\r\n$/.test(text)) return;
      socket.off("data", data).off("close", ended);
      resolve(text);
    };
    const ended = () => reject(new Error(`the connection was closed instead of an answer to:\n${request}${text}`));
    socket.on("data", data).on("close", ended);
  });
  return within(done, "an answer");
}

/** What somebody else may find wrong while we wait for something good. */
export class Failure {
  readonly promise: Promise<never>;
  reject: (error: Error) => void;

  constructor() {
    this.reject = () => {};
    this.promise = new Promise((_resolve, reject) => {
      this.reject = reject;
    });
  }
}

export async function within<Value>(promise: Promise<Value>, what: string, ms = PATIENCE_MS): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
