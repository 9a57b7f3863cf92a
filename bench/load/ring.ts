/**
 * The messages of one session, made before anything is measured: a ring of frames of equal length, laid one behind the
 * other, so that any number of them is one write (two where the ring begins again).
 *
 * The ring is at least as long as the window, so no transact-id is in use twice. Every message has a Message-ID and a
 * body of its own; one that is lost, doubled, or overtaken by another is seen at once.
 */
import { contentSlice, contentStart } from "./content.ts";

/** Frames of a ring, as long as they fit into this many octets. */
const RING = 64;
const RING_OCTETS = 1 << 18;

export interface Paths {
  /** To-Path as client A writes it, and client B's own URI at its end. */
  readonly toPath: string;
  readonly b: string;
  /** Client A's own URI. */
  readonly a: string;
}

/** What a receiver must know of the messages that come; message `n` is number `indexOf(n)` of them. */
export interface Messages {
  readonly paths: Paths;
  /** Of each body. */
  readonly bytes: number;
  readonly size: number;
  readonly frameLength: number;
  readonly ids: readonly string[];
  indexOf(n: number): number;
  pieces(from: number, count: number): Buffer[];
}

export class Ring implements Messages {
  readonly paths: Paths;
  readonly bytes: number;
  readonly size: number;
  readonly frameLength: number;
  readonly ids: readonly string[];
  readonly #frames: Buffer;

  constructor(session: number, paths: Paths, bytes: number, window: number, failureReport: "yes" | "no") {
    this.paths = paths;
    this.bytes = bytes;
    this.size = Math.max(window, Math.min(RING, Math.ceil(RING_OCTETS / bytes)));
    const own = session.toString(36).padStart(3, "0");
    this.ids = Array.from({ length: this.size }, (_, index) => `t${own}x${index.toString(36).padStart(3, "0")}`);
    const report = failureReport === "no" ? "Failure-Report: no\r\n" : "";
    const frames = this.ids.map((id, index) =>
      Buffer.concat([
        Buffer.from(
          `MSRP ${id} SEND\r\nTo-Path: ${paths.toPath}\r\nFrom-Path: ${paths.a}\r\nMessage-ID: ${messageId(id)}\r\n` +
            `Byte-Range: 1-${bytes}/${bytes}\r\n${report}Content-Type: application/octet-stream\r\n\r\n`,
          "latin1",
        ),
        contentSlice(contentStart(index), bytes),
        Buffer.from(`\r\n-------${id}$\r\n`, "latin1"),
      ]),
    );
    this.frameLength = (frames[0] as Buffer).length;
    this.#frames = Buffer.concat(frames);
  }

  /** Message `n` of the session is this one of the ring. */
  indexOf(n: number): number {
    return n % this.size;
  }

  /** The frames of messages `from` to `from + count` (excluded), in one or two pieces. */
  pieces(from: number, count: number): Buffer[] {
    const first = this.indexOf(from);
    const upTo = Math.min(this.size, first + count);
    const pieces = [this.#frames.subarray(first * this.frameLength, upTo * this.frameLength)];
    const rest = first + count - upTo;
    if (rest > 0) pieces.push(this.#frames.subarray(0, rest * this.frameLength));
    return pieces;
  }
}

export function messageId(transactId: string): string {
  return `m.${transactId}`;
}
