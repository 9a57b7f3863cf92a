/**
 * How a slow next hop stops those who send to it, and nobody else.
 *
 * Whoever has written to a connection whose backlog is above HIGH_WATER, or that has too many unanswered requests, is
 * not read from until that has passed. So what is kept for a connection is bounded: HIGH_WATER and one read of each of
 * those that write to it. Those that wait are let go a few at a time, in turn, so that many senders to one slow receiver
 * share it fairly and do not all fill it again at once.
 */
import type { Millis } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import { Flights } from "./flights.ts";
import type { State } from "./state.ts";

/** Backlog of a connection above which its senders wait. */
export const HIGH_WATER = 256 * 1024;
/** Requests to a connection that may be unanswered before its senders wait. */
export const MAX_OPEN_TRANSACTIONS = 4096;
/** A connection that takes nothing of its backlog for so long is closed. */
export const STALL_TIMEOUT: Millis = 120_000;
const STALL_CHECK: Millis = 30_000;
/**
 * How long a connection that takes nothing at all may stop another one on which other sessions wait as well. After that
 * what comes for it on such a connection is refused with 408 as long as it is full, and the others go on.
 */
export const SHARED_HOLD: Millis = 10_000;
/** Less than this taken in that time is nothing: who takes an octet now and then must not stop them for ever. */
const SHARED_LEAST = 64 * 1024;
/** How many are let go at once. */
const RELEASED_AT_ONCE = 4;

export class BackPressure {
  readonly #state: State;
  readonly #stalled: (connection: Connection) => void;
  readonly #isShared: (source: Connection) => boolean;
  /** Connections with room again whose senders are being let go; the rest of them at the next tick. */
  readonly #releasing: Set<Connection>;
  readonly #flights: Flights;

  /**
   * @param stalled  told of a connection that has taken nothing for STALL_TIMEOUT
   * @param isShared  does this connection bring requests for more than one other?
   */
  constructor(state: State, stalled: (connection: Connection) => void, isShared: (source: Connection) => boolean) {
    this.#state = state;
    this.#stalled = stalled;
    this.#isShared = isShared;
    this.#releasing = new Set();
    this.#flights = new Flights(state);
  }

  /** True when `tick` has somebody to let go. */
  get pending(): boolean {
    return this.releasing > 0;
  }

  /** How many connections with room again still hold senders back. */
  get releasing(): number {
    return this.#releasing.size + this.#flights.releasing;
  }

  /**
   * `source` has caused octets to be written to `out`.
   *
   * @param answered  of a request for which it promises a response
   */
  wrote(source: Connection, out: Connection, answered = false): void {
    if (out.closed) return;
    if (answered && out.flight !== undefined) this.#flights.wrote(source, out, out.flight);
    if (out.stallTimer === undefined) this.#watch(out);
    const { counters } = this.#state;
    const { backlog } = out;
    if (backlog > counters.backlogMost) counters.backlogMost = backlog;
    if (!isFull(out, backlog) || source.closed || out.held.includes(source) || out.overflowing.has(source)) return;
    out.held.push(source);
    if (source.holdTimer === undefined && source !== out) this.#watchShared(source);
    this.#releasing.delete(out);
    source.hold(this.#state.now);
  }

  /** Is `out` full, and `source` one that does not wait for it any longer? */
  refuses(source: Connection, out: Connection): boolean {
    return out.overflowing.size > 0 && out.overflowing.has(source) && isFull(out);
  }

  /** `out` has more room than before, or fewer unanswered requests. */
  eased(out: Connection): void {
    if (out.overflowing.size > 0 && !isFull(out)) out.overflowing.clear();
    if (out.held.length > 0 && !isFull(out)) this.#release(out);
    if (out.flight !== undefined) this.#flights.eased(out, out.flight);
  }

  /** `connection` has gone: nobody waits for it, and it waits for nobody. */
  gone(connection: Connection): void {
    this.#flights.gone(connection);
    this.#releasing.delete(connection);
    for (const source of connection.held.splice(0)) this.#letGo(source);
    connection.overflowing.clear();
    if (connection.holdTimer !== undefined) this.#state.timers.cancel(connection.holdTimer);
    if (connection.stallTimer !== undefined) this.#state.timers.cancel(connection.stallTimer);
    if (connection.holds > 0) {
      for (const other of this.#state.connections) {
        const at = other.held.indexOf(connection);
        if (at >= 0) other.held.splice(at, 1);
      }
    }
  }

  /** Lets more of those go who wait for a connection with room. */
  tick(): void {
    for (const out of [...this.#releasing]) {
      if (isFull(out)) this.#releasing.delete(out);
      else this.#release(out);
    }
    this.#flights.tick();
  }

  #release(out: Connection): void {
    for (const source of out.held.splice(0, RELEASED_AT_ONCE)) this.#letGo(source);
    if (out.held.length > 0) this.#releasing.add(out);
    else this.#releasing.delete(out);
  }

  /**
   * Sees to it that a next hop which takes nothing does not stop for long what others have on `source`. One timer for
   * each connection that waits, however often it is stopped and let go.
   */
  #watchShared(source: Connection): void {
    const { timers, connections, now } = this.#state;
    const before = new Map<Connection, number>();
    for (const out of connections) if (out.held.includes(source)) before.set(out, out.written - out.backlog);
    source.holdTimer = timers.set(now + SHARED_HOLD, () => {
      source.holdTimer = undefined;
      if (source.closed || source.holds === 0) return;
      if (this.#isShared(source)) {
        for (const [out, taken] of before)
          if (out.written - out.backlog - taken < SHARED_LEAST) this.#giveUp(source, out);
      }
      if (source.holds > 0) this.#watchShared(source);
    });
  }

  /** `source` waits for `out` no longer. What it brings for it is refused while there is no room. */
  #giveUp(source: Connection, out: Connection): void {
    const at = out.held.indexOf(source);
    if (at < 0 || source === out) return;
    out.held.splice(at, 1);
    out.overflowing.add(source);
    for (const feeder of [...out.feeders]) feeder.giveUp(source);
    this.#letGo(source);
  }

  #letGo(source: Connection): void {
    this.#state.counters.heldMillis += source.letGo(this.#state.now);
  }

  /** Looks after a connection until its backlog is gone. */
  #watch(out: Connection): void {
    const { timers, now } = this.#state;
    out.takenAt = now;
    out.taken = out.written - out.backlog;
    const check = (at: Millis) => {
      const taken = out.written - out.backlog;
      out.stallTimer = undefined;
      if (out.closed || out.backlog === 0) return;
      // Nobody is there to take anything while we dial: the two minutes have not begun.
      if (taken > out.taken || out.link === undefined) {
        out.taken = taken;
        out.takenAt = at;
      } else if (at - out.takenAt >= STALL_TIMEOUT) {
        this.#stalled(out);
        return;
      }
      out.stallTimer = timers.set(at + STALL_CHECK, check);
    };
    out.stallTimer = timers.set(now + STALL_CHECK, check);
  }
}

function isFull(out: Connection, backlog = out.backlog): boolean {
  return backlog > HIGH_WATER || out.openTransactions > MAX_OPEN_TRANSACTIONS;
}
