/**
 * One session: client A, client B, and what is between them. As many messages are on their way as the window allows.
 */
import type { Socket } from "node:net";
import { Answers } from "./answers.ts";
import { authenticate } from "./authenticate.ts";
import type { Target } from "./order.ts";
import { Receiver } from "./receiver.ts";
import { Ring } from "./ring.ts";
import { type Listener, open } from "./sockets.ts";

/** Both ends, connected and authenticated. */
export interface Ends {
  readonly a: Socket;
  readonly b: Socket;
  readonly aUri: string;
  readonly bUri: string;
  /** What stands in front of `bUri` in client A's To-Path. */
  readonly via: string;
}

export async function openEnds(session: number, target: Target, listener: Listener | undefined): Promise<Ends> {
  const scheme = target.secure ? "msrps" : "msrp";
  // Names that nobody resolves: clients behind a relay are reached on the connections they made.
  const aUri = `${scheme}://a.invalid:2855/a${session.toString(36).padStart(6, "0")};tcp`;
  const bUri = `${scheme}://b.invalid:2855/b${session.toString(36).padStart(6, "0")};tcp`;
  if (target.kind === "relay") {
    const b = await open(target);
    const via = await authenticate(b, target, bUri);
    b.pause();
    const { entry } = target;
    if (entry === undefined) {
      // Where the URI says, as a peer would: of several workers only one knows it.
      const a = await open(target, Number(/:(\d+)\//.exec(via)?.[1] ?? target.port));
      return { a, b, aUri, bUri, via };
    }
    // The relay in front forwards for its own clients only.
    const a = await open(target, entry.port);
    const before = await authenticate(a, { ...target, authUri: entry.authUri }, aUri);
    return { a, b, aUri, bUri, via: `${before} ${via}` };
  }
  if (listener === undefined) throw new Error("client B has no listener");
  const a = await open(target, target.kind === "self" ? target.listenPort : target.port);
  return { a, b: await listener.take(), aUri, bUri, via: `${scheme}://127.0.0.1:${target.port}/nobody;tcp` };
}

export interface Shape {
  readonly bytes: number;
  readonly failureReport: "yes" | "no";
  readonly window: number;
}

export class Session {
  readonly ends: Ends;
  readonly receiver: Receiver;
  /** Called with every message that came, before more are sent. */
  delivered: (count: number) => void;
  sent: number;
  /** Sends by itself whenever the window allows. */
  running: boolean;
  readonly #answers: Answers;
  readonly #ring: Ring;
  readonly #shape: Shape;

  constructor(session: number, ends: Ends, target: Target, shape: Shape, failed: (error: Error) => void) {
    this.ends = ends;
    this.sent = 0;
    this.running = false;
    this.delivered = () => {};
    this.#shape = shape;
    const { aUri: a, bUri: b, via } = ends;
    this.#ring = new Ring(session, { a, b, toPath: `${via} ${b}` }, shape.bytes, shape.window, shape.failureReport);
    const expected = { ring: this.#ring, untouched: target.kind !== "relay", answer: shape.failureReport === "yes" };
    this.receiver = new Receiver(ends.b, expected, (count) => this.#came(count), failed);
    this.#answers = new Answers(ends.a, this.#ring, () => this.pump(), failed);
  }

  /** Messages that are neither delivered nor, where answers are due, answered. */
  get underway(): number {
    const { answered } = this.#answers;
    const { delivered } = this.receiver;
    return this.sent - (this.#shape.failureReport === "yes" ? Math.min(answered, delivered) : delivered);
  }

  /** Sends as many as the window allows. */
  pump(): void {
    if (this.running) this.send(this.#shape.window - this.underway);
  }

  /** Sends the next `count` messages; the caller has looked at the window. */
  send(count: number): void {
    if (count <= 0) return;
    const { a } = this.ends;
    const pieces = this.#ring.pieces(this.sent, count);
    this.sent += count;
    if (pieces.length > 1) a.cork();
    for (const piece of pieces) a.write(piece);
    if (pieces.length > 1) a.uncork();
  }

  end(): void {
    this.running = false;
    this.#answers.end();
    this.ends.a.destroy();
    this.ends.b.destroy();
  }

  #came(count: number): void {
    this.delivered(count);
    this.pump();
  }
}
