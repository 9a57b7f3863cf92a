/**
 * A connection between two programs on the simulated network, and all that can befall it: stalls, half-close, reset,
 * loss at any octet, and the silence of somebody who was switched off.
 */
import { type Channel, LOT } from "../../../adapters/shared/outbox.ts";
import type { Dice } from "./dice.ts";
import { Pipe, type PipeShape } from "./pipe.ts";
import type { SimClock } from "./sim-clock.ts";

/** What a socket reports; the shared `Connection` takes it as it is. */
export interface Handlers {
  received(octets: Uint8Array): void;
  taken(octets: number): void;
  finished(): void;
  gone(): void;
}

/** The adapters have the kernel ask after a minute of silence; it asks a few times. */
const LEAST_KEEPALIVE = 60_000;

export class Wire {
  readonly clock: SimClock;
  /** Who has dialed, and who has accepted. */
  readonly dialer: End;
  readonly acceptor: End;
  /** Nothing travels on it any more, even if not everybody has heard of it. */
  lost: boolean;
  #severed: boolean;
  readonly #dice: Dice;

  constructor(clock: SimClock, dice: Dice, shapes: { readonly there: PipeShape; readonly back: PipeShape }) {
    this.clock = clock;
    this.#dice = dice;
    this.lost = false;
    this.#severed = false;
    this.dialer = new End(this, dice.chance(0.5));
    this.acceptor = new End(this, dice.chance(0.5));
    this.dialer.out = this.acceptor.in = new Pipe(clock, dice, shapes.there, this.dialer, this.acceptor);
    this.acceptor.out = this.dialer.in = new Pipe(clock, dice, shapes.back, this.acceptor, this.dialer);
  }

  get pipes(): readonly [Pipe, Pipe] {
    return [this.dialer.out, this.acceptor.out];
  }

  /** The connection is reset; each side hears of it in its own time. */
  lose(): void {
    // Over a cable that was cut nobody can tell the other side of a reset either.
    if (this.lost || this.#severed) return;
    this.lost = true;
    for (const pipe of this.pipes) pipe.drop();
    for (const end of [this.dialer, this.acceptor]) {
      this.clock.in(this.#dice.between(0, Math.ceil(2 * end.in.shape.latency)), () => end.gone());
    }
  }

  /** For so many milliseconds nothing arrives at either side. */
  stall(millis: number): void {
    for (const pipe of this.pipes) pipe.stall(millis);
  }

  /** The cable is cut: nobody is told before the kernels' own keepalive finds out, on each side in its own time. */
  sever(): void {
    this.#severed = true;
    this.stall(Number.POSITIVE_INFINITY);
    for (const end of [this.dialer, this.acceptor]) {
      this.clock.in(this.#dice.between(LEAST_KEEPALIVE, 2 * LEAST_KEEPALIVE), () => {
        this.lost = true;
        end.gone();
      });
    }
  }

  /** One side has read the other's FIN. */
  finished(): void {
    if (this.lost || !this.dialer.out.finished || !this.acceptor.out.finished) return;
    this.lost = true;
    for (const end of [this.dialer, this.acceptor]) this.clock.in(0, () => end.gone());
  }
}

/** One side of a wire, as its program sees it. */
export class End implements Channel {
  readonly lot: number = LOT;
  readonly wire: Wire;
  /** Buffers lent to `received` are never used again (Node), or at once (Deno). */
  readonly freshReads: boolean;
  in!: Pipe;
  out!: Pipe;
  reading: boolean;
  #handlers: Handlers | undefined;
  #toldGone: boolean;

  constructor(wire: Wire, freshReads: boolean) {
    this.wire = wire;
    this.freshReads = freshReads;
    this.reading = true;
    this.#handlers = undefined;
    this.#toldGone = false;
  }

  get handlers(): Handlers | undefined {
    return this.#handlers;
  }

  /** Somebody has taken this end over. */
  attach(handlers: Handlers): void {
    this.#handlers = handlers;
    this.in.wake();
    if (this.#toldGone) handlers.gone();
  }

  gone(): void {
    if (this.#toldGone) return;
    this.#toldGone = true;
    this.#handlers?.gone();
  }

  // As a Channel.

  write(pieces: readonly Uint8Array[], octets: number): number {
    return this.out.write(pieces, octets);
  }

  setReading(on: boolean): void {
    this.reading = on;
    if (on) this.in.wake();
  }

  finish(): void {
    this.out.finish();
  }

  destroy(): void {
    this.wire.lose();
  }
}
