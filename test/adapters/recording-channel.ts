/** A kernel that takes as much as a test lets it, and remembers what it was given. */
import { type Channel, LOT } from "../../adapters/shared/outbox.ts";

export class RecordingChannel implements Channel {
  lot: number = LOT;
  /** What was taken, in one piece. */
  taken = "";
  /** Each call of `write`, as lengths of its pieces. */
  readonly calls: number[][] = [];
  /** The pieces of the last call, the very objects. */
  pieces: readonly Uint8Array[] = [];
  /** The pieces of every call. */
  readonly lots: Uint8Array[][] = [];
  /** What happened besides writing, in order. */
  readonly log: string[] = [];
  /** Octets it still takes. */
  room: number = Number.POSITIVE_INFINITY;

  write(pieces: readonly Uint8Array[], octets: number): number {
    this.calls.push(pieces.map((piece) => piece.length));
    this.pieces = [...pieces];
    this.lots.push([...pieces]);
    const taken = Math.min(octets, this.room);
    this.room -= taken;
    this.taken += Buffer.concat(pieces).subarray(0, taken).toString("latin1");
    return taken;
  }

  setReading(on: boolean): void {
    this.log.push(on ? "read" : "pause");
  }

  finish(): void {
    this.log.push("finish");
  }

  destroy(): void {
    this.log.push("destroy");
  }
}
