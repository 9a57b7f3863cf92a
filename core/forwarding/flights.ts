/**
 * Keeps what is under way to another relay small while sessions share the way there, so that a chat does not wait behind
 * megabytes of a file (session/flight.ts).
 *
 * Whoever has written to a connection with more than SHARED_WINDOW unanswered is not read from until half of it has been
 * answered; who brings little is never stopped. Responses come on connections that bring requests as well: nobody waits for
 * what we do not read, and a connection whose responses others wait for is read, so that no two wait for each other.
 *
 * Responses can be late for reasons that no window cures: a long way, a next hop that stands still, or one that leaves them
 * to the receiver. So nobody is held for longer than MOST_HELD without a megabyte having been answered meanwhile, and then
 * the window stays open for a while.
 */
import type { Millis } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import { type Flight, SHARED_WINDOW } from "../session/flight.ts";
import type { State } from "./state.ts";

/** Held ones go on when so little is under way. */
const LOW = SHARED_WINDOW / 2;
/**
 * At a megabyte a second no window lets a chat through within 50 ms. What kernels had taken of a session that was alone, in
 * one chunk, may take some tenths of it.
 */
export const MOST_HELD: Millis = 1000;
/** And for so long nobody is held there. */
export const OPEN_FOR: Millis = 1000;
/** Who brings less than this in LIGHT_TIME chats. */
export const LIGHT = 64 * 1024;
const LIGHT_TIME: Millis = 1000;
/** How many are let go at once: each may bring a read, of 64 KB on Deno, 256 on Node and up to 512 on Bun. */
const RELEASED_AT_ONCE = 4;

export class Flights {
  readonly #state: State;
  /** Connections whose senders are being let go; the rest of them at the next tick. */
  readonly #releasing: Set<Connection>;

  constructor(state: State) {
    this.#state = state;
    this.#releasing = new Set();
  }

  /** How many connections still hold senders back who may go. */
  get releasing(): number {
    return this.#releasing.size;
  }

  /** `source` has caused octets that will be answered to be written to `out`. */
  wrote(source: Connection, out: Connection, flight: Flight): void {
    const { now } = this.#state;
    if (!flight.isFull(now) || source.closed || flight.held.includes(source)) return;
    if (source === out || out.holds > 0 || (source.flight?.held.length ?? 0) > 0 || isLight(source, now)) return;
    flight.held.push(source);
    this.#releasing.delete(out);
    source.hold(now);
    if (flight.timer === undefined) this.#watch(out, flight);
  }

  /** Something was answered by `out`. */
  eased(out: Connection, flight: Flight): void {
    if (flight.held.length > 0 && flight.underWay <= LOW) this.#release(out, flight);
  }

  /** `connection` has gone: nobody waits for it, and it waits for nobody. */
  gone(connection: Connection): void {
    this.#releasing.delete(connection);
    const { flight } = connection;
    if (flight !== undefined) {
      for (const source of flight.held.splice(0)) this.#letGo(source);
      this.#stopTimer(flight);
    }
    if (connection.holds === 0) return;
    for (const { flight: other } of this.#state.connections) {
      const at = other?.held.indexOf(connection) ?? -1;
      if (at < 0 || other === undefined) continue;
      other.held.splice(at, 1);
      if (other.held.length === 0) this.#stopTimer(other);
    }
  }

  /** Lets more of those go who may. */
  tick(): void {
    for (const out of [...this.#releasing]) {
      const { flight } = out;
      if (flight === undefined || flight.isFull(this.#state.now)) this.#releasing.delete(out);
      else this.#release(out, flight);
    }
  }

  #release(out: Connection, flight: Flight): void {
    this.#stopTimer(flight);
    for (const source of flight.held.splice(0, RELEASED_AT_ONCE)) this.#letGo(source);
    if (flight.held.length === 0) {
      this.#releasing.delete(out);
      return;
    }
    this.#releasing.add(out);
    this.#watch(out, flight);
  }

  /** Sees to it that those who are held do not wait for long. */
  #watch(out: Connection, flight: Flight): void {
    const { timers, now } = this.#state;
    const before = flight.answeredTo;
    flight.timer = timers.set(now + MOST_HELD, (at) => {
      flight.timer = undefined;
      if (flight.answeredTo - before >= SHARED_WINDOW) {
        this.#watch(out, flight);
        return;
      }
      flight.openUntil = at + OPEN_FOR;
      this.#release(out, flight);
    });
  }

  #letGo(source: Connection): void {
    this.#state.counters.heldMillis += source.letGo(this.#state.now);
  }

  #stopTimer(flight: Flight): void {
    if (flight.timer !== undefined) this.#state.timers.cancel(flight.timer);
    flight.timer = undefined;
  }
}

/** Does it bring no more than a chat does? Looked at only when the way is full. */
function isLight(source: Connection, now: Millis): boolean {
  if (now - source.weighedAt > LIGHT_TIME) {
    source.weighedAt = now;
    source.weighed = source.read;
  }
  return source.read - source.weighed < LIGHT;
}
