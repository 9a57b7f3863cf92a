/**
 * One direction of a connection: latency, bandwidth, and one bounded buffer that stands for the kernels at both ends
 * and the wire between them. What is written takes room in it until the other side has read it, so a reader that stops
 * is felt by the writer as soon as the buffer is full, and no earlier.
 *
 * Memory is borrowed: what is read was copied here when it was taken, and a reader's buffer is overwritten as soon as
 * its call returns, unless the end promises fresh buffers, as Node does.
 */
import type { Dice } from "./dice.ts";
import type { SimClock } from "./sim-clock.ts";
import type { End } from "./wire.ts";

/**
 * How the kernel says what it took of a write; each is the way of some runtime.
 * `whole`: nothing now, and all of it later, read from the pieces where they lie meanwhile (Node, TLS).
 * `some`: what fits now, and more of it by itself as room comes.
 * `drain`: what fits now, and later only that there is room: offer the rest again.
 */
export type TakeStyle = "whole" | "some" | "drain";

export interface PipeShape {
  /** One way, in milliseconds. */
  readonly latency: number;
  /** Octets in a millisecond. */
  readonly bandwidth: number;
  /** Octets that may be under way. */
  readonly buffer: number;
  readonly style: TakeStyle;
  /** Cut reads anywhere; otherwise a read brings all there is, up to 64 KB. */
  readonly cutAnywhere: boolean;
}

const LONGEST_READ = 64 * 1024;
/** Longer writes do not arrive all at once. */
const SEGMENT = 16 * 1024;
const POISON = 0x21;

/** What a reader is lent, and finds spoilt afterwards. */
const lent = new Uint8Array(LONGEST_READ);

interface Segment {
  readonly octets: Uint8Array;
  readonly readyAt: number;
}

interface Offer {
  readonly pieces: readonly Uint8Array[];
  readonly octets: number;
  taken: number;
}

export class Pipe {
  readonly shape: PipeShape;
  /** Octets ever read at its far end. */
  delivered: number;
  /** The connection is lost when so many octets have been read at the far end. */
  cutAt: number;
  /** Octets that are nowhere but here. */
  held: number;
  /** Until then nothing arrives, and nobody is told: a router on the way hangs, or the far side was switched off. */
  stalledUntil: number;
  /** All is taken and nothing arrives: the writer has gone mute. */
  swallow: boolean;
  readonly #clock: SimClock;
  readonly #dice: Dice;
  readonly #from: End;
  readonly #to: End;
  readonly #segments: Segment[];
  #position: number; // in the first segment
  #offer: Offer | undefined; // what the writer still has and wants to be taken
  #freeAt: number; // when the wire has sent what it was given
  #readyAt: number; // of the last segment
  #fin: "none" | "sent" | "told";
  #planned: boolean; // a delivery is among the clock's events
  #easing: boolean; // so is taking more

  constructor(clock: SimClock, dice: Dice, shape: PipeShape, from: End, to: End) {
    this.shape = shape;
    this.delivered = 0;
    this.cutAt = Number.POSITIVE_INFINITY;
    this.held = 0;
    this.stalledUntil = 0;
    this.swallow = false;
    this.#clock = clock;
    this.#dice = dice;
    this.#from = from;
    this.#to = to;
    this.#segments = [];
    this.#position = 0;
    this.#offer = undefined;
    this.#freeAt = 0;
    this.#readyAt = 0;
    this.#fin = "none";
    this.#planned = false;
    this.#easing = false;
  }

  get finished(): boolean {
    return this.#fin === "told";
  }

  /** As `Channel.write`. */
  write(pieces: readonly Uint8Array[], octets: number): number {
    // A kernel takes what is written until it has heard that nobody is there.
    if (this.swallow || this.#from.wire.lost) return octets;
    if (this.#offer !== undefined || this.#fin !== "none") throw new Error("written to while a write was under way");
    const offer = { pieces: pieces.slice(), octets, taken: 0 };
    if (this.shape.style === "whole") {
      this.#offer = offer;
      this.#ease();
      return 0;
    }
    this.#take(offer);
    if (offer.taken < octets) this.#offer = offer;
    return offer.taken;
  }

  finish(): void {
    if (this.#fin === "none") this.#fin = "sent";
    this.#plan(this.shape.latency);
  }

  /** Nothing arrives for so many milliseconds; Infinity is for good. */
  stall(millis: number): void {
    this.stalledUntil = Math.max(this.stalledUntil, this.#clock.time + millis);
    if (millis !== Number.POSITIVE_INFINITY) this.#clock.in(millis, () => this.wake());
  }

  /** There may be something to read again, or somebody to read it. */
  wake(): void {
    this.#plan(0);
  }

  drop(): void {
    this.#segments.length = 0;
    this.#position = 0;
    this.held = 0;
    this.#offer = undefined;
  }

  // ---- the writer's side ----

  #take(offer: Offer): void {
    const room = Math.max(0, this.shape.buffer - this.held);
    const until = Math.min(offer.octets, offer.taken + room);
    let pieceStart = 0;
    for (const piece of offer.pieces) {
      const pieceEnd = pieceStart + piece.length;
      while (offer.taken < until && offer.taken < pieceEnd) {
        const start = offer.taken - pieceStart;
        const end = Math.min(piece.length, start + SEGMENT, start + until - offer.taken);
        this.#send(Uint8Array.prototype.slice.call(piece, start, end));
        offer.taken += end - start;
      }
      pieceStart = pieceEnd;
    }
  }

  #send(octets: Uint8Array): void {
    const { latency, bandwidth } = this.shape;
    this.#freeAt = Math.max(this.#freeAt, this.#clock.time) + octets.length / bandwidth;
    this.#readyAt = this.#freeAt + latency;
    this.#segments.push({ octets, readyAt: this.#readyAt });
    this.held += octets.length;
    this.#plan(this.#readyAt - this.#clock.time);
  }

  #ease(): void {
    if (this.#easing || this.#offer === undefined) return;
    this.#easing = true;
    this.#clock.in(0, () => {
      this.#easing = false;
      const offer = this.#offer;
      if (offer === undefined || this.#from.wire.lost) return;
      const before = offer.taken;
      const { style } = this.shape;
      if (style !== "drain") this.#take(offer);
      if (style === "whole" && offer.taken < offer.octets) return;
      this.#offer = undefined;
      this.#from.handlers?.taken(style === "whole" ? offer.octets : offer.taken - before);
    });
  }

  // ---- the reader's side ----

  #plan(delay: number): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#clock.in(delay, () => {
      this.#planned = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const to = this.#to;
    const { handlers } = to;
    if (to.wire.lost || this.stalledUntil > this.#clock.time || !to.reading || handlers === undefined) return;
    const [first] = this.#segments;
    const readyAt = first?.readyAt ?? this.#readyAt;
    if (readyAt > this.#clock.time) return this.#plan(readyAt - this.#clock.time);
    if (first === undefined) {
      if (this.#fin !== "sent") return;
      this.#fin = "told";
      handlers.finished();
      to.wire.finished();
      return;
    }
    const octets = this.#read(Math.min(this.#cut(), this.cutAt - this.delivered), to.freshReads);
    this.delivered += octets.length;
    if (this.held < this.shape.buffer * 0.75) this.#ease();
    handlers.received(octets);
    if (!to.freshReads) octets.fill(POISON);
    if (this.delivered >= this.cutAt) to.wire.lose();
    else this.#plan(0);
  }

  /** Copies up to `most` octets that have arrived. */
  #read(most: number, fresh: boolean): Uint8Array {
    const target = fresh ? new Uint8Array(Math.min(most, this.held)) : lent;
    let length = 0;
    while (length < most) {
      const segment = this.#segments[0];
      if (segment === undefined || segment.readyAt > this.#clock.time) break;
      const { octets } = segment;
      const end = Math.min(octets.length, this.#position + most - length);
      target.set(octets.subarray(this.#position, end), length);
      length += end - this.#position;
      this.#position = end;
      if (end < octets.length) break;
      this.#segments.shift();
      this.#position = 0;
    }
    this.held -= length;
    return target.subarray(0, length);
  }

  /** How much the next read may bring. */
  #cut(): number {
    if (!this.shape.cutAnywhere) return LONGEST_READ;
    const kind = this.#dice.share();
    if (kind < 0.12) return this.#dice.between(1, 4);
    if (kind < 0.3) return this.#dice.between(1, 300);
    return this.#dice.between(1, kind < 0.5 ? 4096 : LONGEST_READ);
  }
}
