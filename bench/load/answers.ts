/**
 * Client A's reader: nothing but the 200s to its SENDs may come, in their order, each as expected octet for octet.
 *
 * The first one is read as text; from it the answers to the whole ring are known, and a read is one memcmp or two.
 */
import type { Socket } from "node:net";
import type { Ring } from "./ring.ts";

export class Answers {
  answered: number;
  readonly #socket: Socket;
  readonly #ring: Ring;
  readonly #news: () => void;
  /** Answers to all of the ring, one behind the other; undefined until the first was read. */
  #expected: Buffer | undefined;
  #first: Buffer;
  /** How often all of `#expected` was read, and how far it was this time. */
  #rounds: number;
  #position: number;

  constructor(socket: Socket, ring: Ring, news: () => void, failed: (error: Error) => void) {
    this.answered = 0;
    this.#socket = socket;
    this.#ring = ring;
    this.#news = news;
    this.#expected = undefined;
    this.#first = Buffer.alloc(0);
    this.#rounds = 0;
    this.#position = 0;
    socket.on("data", (bytes: Buffer) => {
      try {
        this.#received(bytes);
      } catch (error) {
        socket.pause();
        failed(error as Error);
      }
    });
    socket.on("close", () => failed(new Error("client A's connection was closed")));
  }

  /** The connection may be closed from now on. */
  end(): void {
    this.#socket.removeAllListeners("close");
  }

  #received(bytes: Buffer): void {
    let input = bytes;
    if (this.#expected === undefined) {
      this.#first = input = Buffer.concat([this.#first, bytes]);
      this.#expected = this.#learn(input);
      if (this.#expected === undefined) return;
      this.#first = Buffer.alloc(0);
    }
    const expected = this.#expected;
    for (let at = 0; at < input.length; ) {
      const from = this.#position;
      const length = Math.min(input.length - at, expected.length - from);
      if (expected.compare(input, at, at + length, from, from + length) !== 0) {
        const wanted = JSON.stringify(expected.toString("latin1", from, from + 200));
        throw new Error(
          `client A expected ${wanted} and got ${JSON.stringify(input.toString("latin1", at, at + 400))}`,
        );
      }
      at += length;
      this.#position += length;
      if (this.#position < expected.length) continue;
      this.#position = 0;
      this.#rounds++;
    }
    const { size } = this.#ring;
    this.answered = this.#rounds * size + Math.floor((this.#position * size) / expected.length);
    this.#news();
  }

  /** The answers to all messages, made after the first; undefined while that is not there. */
  #learn(input: Buffer): Buffer | undefined {
    const { ids, paths } = this.#ring;
    const [id] = ids as readonly [string];
    const text = input.toString("latin1");
    const end = text.indexOf(`-------${id}$\r\n`);
    if (end < 0) return undefined;
    const answer = text.slice(0, end + id.length + 10);
    if (!answer.startsWith(`MSRP ${id} 200`) || !answer.includes(`\r\nTo-Path: ${paths.a}\r\n`)) {
      throw new Error(`client A expected a 200 to ${id} and got:\n${text}`);
    }
    return Buffer.from(ids.map((other) => answer.replaceAll(id, other)).join(""), "latin1");
  }
}
