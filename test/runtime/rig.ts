/**
 * What the runtime suite stands on: a driver, listeners and dials that are all ended after a test, and a tiny core of
 * the test's own. Nothing here has heard of MSRP.
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { setTimeout } from "node:timers";
import type { Gate, MakeGate } from "../../adapters/compat/gate.ts";
import { systemClock } from "../../adapters/shared/clock.ts";
import { Driver } from "../../adapters/shared/driver.ts";
import { Egress } from "../../adapters/shared/egress.ts";
import type { DialOptions, Listening, ListenOptions, Runtime } from "../../adapters/shared/runtime.ts";
import type { DialFailure, Feed, Hop, Link } from "../../core/mod.ts";

/** What one connection told its core, and the link to answer on. */
export class Side implements Feed {
  readonly link: Link;
  readonly chunks: Uint8Array[] = [];
  octets = 0;
  writables = 0;
  ends = 0;
  /** What this core does with octets; by default it keeps them. */
  onReceived: (bytes: Uint8Array) => void = (bytes) => this.chunks.push(bytes.slice());
  onWritable: () => void = () => {};
  onEnded: () => void = () => {};

  constructor(link: Link) {
    this.link = link;
  }

  received(bytes: Uint8Array): void {
    this.octets += bytes.length;
    this.onReceived(bytes);
  }

  writable(): void {
    this.writables++;
    this.onWritable();
  }

  ended(): void {
    this.ends++;
    this.onEnded();
  }

  text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
}

/** Writes back what comes, and stops reading while its own backlog is large. */
export function echo(side: Side): void {
  side.onReceived = (bytes) => {
    side.link.write(bytes, 0, bytes.length);
    if (side.link.backlog > 256 * 1024) side.link.setReading(false);
  };
  side.onWritable = () => side.link.setReading(true);
}

export interface Failed {
  readonly why: DialFailure;
  readonly detail: string;
}

export class Rig {
  readonly bugs: unknown[] = [];
  readonly driver = new Driver({ clock: systemClock, onBug: (bug) => this.bugs.push(bug) });
  readonly #runtime: Runtime;
  readonly #listenings: Listening[] = [];
  readonly #sockets: Socket[] = [];
  readonly #makeGate: MakeGate | undefined;
  readonly #gates = new WeakMap<Socket, Gate>();

  /** @param makeGate  for the clients of the tests, where a paused TLSSocket reads on */
  constructor(runtime: Runtime, makeGate?: MakeGate) {
    this.#runtime = runtime;
    this.#makeGate = makeGate;
  }

  /** A listener on loopback, and the sides it has accepted. */
  async listen(options: Partial<ListenOptions>, onOpen: (side: Side) => void = () => {}) {
    const sides: Side[] = [];
    const whole = { host: "127.0.0.1", port: 0, handshakeSeconds: 5, ...options };
    const listening = await this.#runtime.listen(whole, this.driver, (link) => {
      const side = new Side(link);
      sides.push(side);
      onOpen(side);
      return side;
    });
    this.#listenings.push(listening);
    return { listening, sides, port: listening.port };
  }

  /** A connection of the runtime's own, or why there is none. */
  dial(hop: Partial<Hop>, options: Partial<DialOptions> = {}): Promise<Side | Failed> {
    const whole: DialOptions = {
      egress: new Egress(["loopback"]),
      timeoutSeconds: 15,
      tls: { ca: [], system: false },
      ...options,
    };
    return new Promise((resolve) => {
      this.#runtime.dial({ secure: false, host: "127.0.0.1", port: 0, ...hop }, whole, this.driver, {
        opened: (link) => {
          const side = new Side(link);
          resolve(side);
          return side;
        },
        failed: (why, detail) => resolve({ why, detail }),
      });
    });
  }

  /** Like `dial`, for tests in which it has to succeed. */
  async open(hop: Partial<Hop>, options: Partial<DialOptions> = {}): Promise<Side> {
    const side = await this.dial(hop, options);
    if (!(side instanceof Side)) throw new Error(`${side.why}: ${side.detail}`);
    return side;
  }

  /** A bare client, to do what no core would. */
  client(port: number, localAddress = "127.0.0.1"): Socket {
    return this.keep(connectTcp({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true }));
  }

  /** A TLS client over a bare one, which a test may do things to that TLS has no word for. */
  tlsClient(port: number, options: ConnectionOptions, socket = this.client(port)): TLSSocket {
    const gate = this.#makeGate?.(socket);
    const client = this.keep(connectTls({ socket: gate?.stream ?? socket, ...options }));
    if (gate !== undefined) this.#gates.set(client, gate);
    return client;
  }

  /** Stops a client from reading, or lets it read on. */
  hold(client: Socket, on: boolean): void {
    if (on) client.pause();
    else client.resume();
    this.#gates.get(client)?.hold(on);
  }

  keep<S extends Socket>(socket: S): S {
    socket.on("error", () => {});
    this.#sockets.push(socket);
    return socket;
  }

  /** Runs as core would: in a turn. */
  turn(work: () => void): void {
    this.driver.turn(work);
  }

  async end(): Promise<void> {
    for (const listening of this.#listenings) await listening.close();
    // TLS before the socket under it: the other way round crashes Node (20 to 26).
    for (const socket of this.#sockets.reverse()) socket.destroy();
    this.driver.stop();
    await this.driver.emptied();
  }
}

/** Waits for something that is about to be true. */
export async function until(condition: () => boolean, what: string, milliseconds = 15_000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(2);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Resolves with what happened first; the suite's own timeout ends a test in which nothing does. */
export function once(socket: Socket, event: string): Promise<unknown> {
  return new Promise((resolve) => socket.once(event, resolve));
}

/** Resolves with false when a socket has closed. */
export function closed(socket: Socket): Promise<false> {
  return new Promise((resolve) => socket.once("close", () => resolve(false)));
}

/** Everything a socket still has to say, up to its end, or at least `enough` octets. */
export async function readAll(socket: Socket, enough = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let ended = false;
  let octets = 0;
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    octets += chunk.length;
  });
  for (const event of ["end", "close"]) {
    socket.once(event, () => {
      ended = true;
    });
  }
  socket.resume();
  await until(() => ended || octets >= enough, "the end of what a socket has to say");
  return Buffer.concat(chunks);
}

/** How many descriptors this process has open; undefined where there is no /proc. */
export function descriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

/** How many this process may have; what Linux gives by default where it does not say. */
export function mostDescriptors(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return Number(soft ?? Number.POSITIVE_INFINITY);
  } catch {
    return 4096;
  }
}

/** A ClientHello that offers TLS 1.`minor - 1` at most, because no library of today still would (RFC 5246 §7.4.1.2). */
export function clientHello(minor: number): Buffer {
  const extensions = [
    [0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17], // supported_groups: P-256
    [0x00, 0x0b, 0x00, 0x02, 0x01, 0x00], // ec_point_formats: uncompressed
    [0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03], // signature_algorithms: ECDSA, P-256, SHA-256
  ].flat();
  const random = Array.from({ length: 32 }, (_, i) => i);
  const suites = [0xc0, 0x2b, 0xc0, 0x09]; // ECDHE-ECDSA with AES-128, GCM for 1.2 and CBC for what was before
  const body = [3, minor, ...random, 0, 0, suites.length, ...suites, 1, 0, 0, extensions.length, ...extensions];
  return Buffer.from([22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length, ...body]);
}

/** Octets that show when some are lost, doubled or out of order. */
export function pattern(length: number): Uint8Array {
  const octets = new Uint8Array(length);
  for (let i = 0; i < length; i++) octets[i] = (i ^ (i >> 8) ^ (i >> 16)) & 255;
  return octets;
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
