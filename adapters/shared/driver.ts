/**
 * Runs core: a turn, then the flush of what the turn wrote, then one timer.
 *
 * Everything that happens to core happens in a turn: `driver.turn(work)`. While one runs, a second is held back until
 * the first has ended, so core is never entered twice however eagerly a runtime reports. The outboxes that were
 * touched are flushed after the turn, so the many small writes of a turn become one system call. One timer is enough
 * for all of core, because core says itself when it next wants to be woken (`Timed.deadline`).
 *
 * A throw is a bug of ours. It closes the connection whose turn it was, is told to `onBug`, and goes no further.
 */
import { type Millis, MisuseError, type Timed } from "../../core/mod.ts";
import { Lingering } from "./lingering.ts";

/** Where time comes from: the runtime, or a test. */
export interface Clock {
  /** Only moves forward; its zero means nothing. */
  now(): Millis;
  setTimer(call: () => void, delay: Millis): unknown;
  clearTimer(timer: unknown): void;
  /** Calls after the runtime has looked at its sockets again; `setTimer(call, 0)` where absent. */
  soon?(call: () => void): void;
}

/** Something that ends when its turn throws; in practice a `Connection`. */
export interface Owner {
  /** Drops the connection at once. */
  destroy(): void;
}

/** Something to send after a turn; in practice an `Outbox`. */
export interface Flushable {
  readonly owner: Owner;
  flush(): void;
}

export type Work = (now: Millis) => void;

export interface DriverOptions {
  readonly clock: Clock;
  /** A bug of ours: what was thrown, and the connection it cost. Throwing here is not allowed to matter. */
  readonly onBug: (bug: unknown, owner: Owner | undefined) => void;
}

/** How long `tick` rests after it threw, so that a bug in a timer does not eat the machine. */
const TICK_REST: Millis = 1000;

export class Driver {
  /** What connections consult for the time when they are outside of a turn. */
  readonly clock: Clock;
  /** The octets lent to core in this turn, if the runtime will not reuse them; see `Outbox.write`. */
  lent: Uint8Array | undefined;
  /** Connections that core has closed and that still have octets to send. */
  readonly lingering: Lingering;

  readonly #onBug: DriverOptions["onBug"];
  /** True from the start of a turn until everything held back has run as well. */
  #busy: boolean;
  /** Turns reported while one was running, in order. */
  #waiting: Turn[];
  /** Turns put off until the runtime has looked at its sockets. */
  #deferred: Turn[];
  /** Outboxes written to in this turn. */
  #touched: Flushable[];
  /** Who has deadlines. Two or three: the relay, the endpoints, `lingering`. */
  #timeds: Timed[];
  /** What the timer stands at; Infinity when it is not set. */
  #armedFor: Millis;
  #timer: unknown;
  /** No tick before this. */
  #restUntil: Millis;
  /** Everything to be dropped by `stop`. */
  readonly #owners: Set<Owner>;
  /** Who waits for the last connection to go. */
  #emptied: (() => void)[];

  constructor(options: DriverOptions) {
    this.clock = options.clock;
    this.lent = undefined;
    this.lingering = new Lingering();
    this.#onBug = options.onBug;
    this.#busy = false;
    this.#waiting = [];
    this.#deferred = [];
    this.#touched = [];
    this.#timeds = [this.lingering];
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    this.#restUntil = Number.NEGATIVE_INFINITY;
    this.#owners = new Set();
    this.#emptied = [];
  }

  /** Open connections, those that still send their backlog included. */
  get connections(): number {
    return this.#owners.size;
  }

  /** Keeps the deadline of something that has timers; the answer ends that. */
  register(timed: Timed): () => void {
    this.#timeds.push(timed);
    this.turn(nothing);
    return () => {
      this.#timeds = this.#timeds.filter((other) => other !== timed);
    };
  }

  /**
   * Calls core, now or, when a turn is running, right after it.
   *
   * @param owner  the connection that ends if `work` throws
   */
  turn(work: Work, owner?: Owner): void {
    if (this.#busy) {
      this.#waiting.push({ work, owner });
      return;
    }
    this.#busy = true;
    this.#run(work, owner);
    if (this.#waiting.length > 0) {
      // The list may grow as it is walked.
      for (let i = 0; i < this.#waiting.length; i++) {
        const next = this.#waiting[i] as Turn;
        this.#run(next.work, next.owner);
      }
      this.#waiting.length = 0;
    }
    this.#busy = false;
    this.#arm();
  }

  /** A turn after the runtime has looked at its sockets, for what would otherwise go on and on without a pause. */
  later(work: Work, owner?: Owner): void {
    this.#deferred.push({ work, owner });
    if (this.#deferred.length > 1) return;
    const run = () => {
      const batch = this.#deferred;
      this.#deferred = [];
      for (const next of batch) this.turn(next.work, next.owner);
    };
    if (this.clock.soon === undefined) this.clock.setTimer(run, 0);
    else this.clock.soon(run);
  }

  /** Flushes `outbox` when the running turn has ended. Outside of a turn nothing would, so that is a bug. */
  touch(outbox: Flushable): void {
    if (!this.#busy) throw new MisuseError("a Link was written to outside of a turn: wrap the call in driver.turn");
    this.#touched.push(outbox);
  }

  /** Counts a connection until `release`. */
  hold(owner: Owner): void {
    this.#owners.add(owner);
  }

  release(owner: Owner): void {
    this.lingering.delete(owner);
    if (!this.#owners.delete(owner) || this.#owners.size > 0) return;
    const waiting = this.#emptied;
    this.#emptied = [];
    for (const call of waiting) call();
  }

  /** Resolves when no connection is left; of use after `RelayPort.shutdown`. */
  emptied(): Promise<void> {
    if (this.#owners.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** Drops every connection and forgets all timers. Core is told of each connection. */
  stop(): void {
    for (const owner of [...this.#owners]) owner.destroy();
    this.#timeds = [this.lingering];
    this.#disarm();
  }

  #run(work: Work, owner: Owner | undefined): void {
    try {
      work(this.clock.now());
    } catch (bug) {
      this.#blame(bug, owner);
    }
    this.lent = undefined;
    if (this.#touched.length === 0) return;
    const touched = this.#touched;
    for (let i = 0; i < touched.length; i++) {
      const outbox = touched[i] as Flushable;
      try {
        outbox.flush();
      } catch (bug) {
        this.#blame(bug, outbox.owner);
      }
    }
    touched.length = 0;
  }

  #blame(bug: unknown, owner: Owner | undefined): void {
    try {
      owner?.destroy();
      this.#onBug(bug, owner);
    } catch {
      // Whoever reports bugs has one of their own; there is nobody left to tell.
    }
  }

  /**
   * Moves the timer forward when something wants to be woken earlier than it stands. A deadline that moved away leaves
   * it alone: waking once for nothing costs less than moving a timer with every frame.
   */
  #arm(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const timed of this.#timeds) if (timed.deadline < next) next = timed.deadline;
    if (next < this.#restUntil) next = this.#restUntil;
    if (next >= this.#armedFor) return;
    this.#disarm();
    this.#armedFor = next;
    this.#timer = this.clock.setTimer(() => this.#alarm(), Math.max(0, next - this.clock.now()));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #alarm(): void {
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.turn((now) => {
      for (const timed of this.#timeds) {
        if (timed.deadline > now) continue;
        try {
          timed.tick(now);
        } catch (bug) {
          this.#restUntil = now + TICK_REST;
          this.#blame(bug, undefined);
        }
      }
    });
  }
}

interface Turn {
  readonly work: Work;
  readonly owner: Owner | undefined;
}

const nothing: Work = () => {};
