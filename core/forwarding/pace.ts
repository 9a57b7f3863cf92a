/**
 * How fast a session may send (`limits.bytesPerSecondPerSession`): by back-pressure, never by loss.
 *
 * A connection may bring as much as the sessions on it together; a second's worth may come at once. What it brings beyond
 * that has come already and is forwarded, and the connection is not read from until it is made up for. A relay's
 * connection is not slowed: whose octets it brings was for the relay before us to limit.
 */
import type { Millis } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import { isRelay } from "../session/relay-peer.ts";
import type { Timer } from "../session/timers.ts";
import type { State } from "./state.ts";

interface Allowance {
  /** What may still come; below zero while the connection waits. */
  octets: number;
  asOf: Millis;
  /** Set while the connection waits. */
  timer: Timer | undefined;
}

export class Pace {
  readonly #state: State;
  readonly #allowances: WeakMap<Connection, Allowance>;

  constructor(state: State) {
    this.#state = state;
    this.#allowances = new WeakMap();
  }

  /** `source` has brought so many octets. */
  brought(source: Connection, octets: number): void {
    const { config, now, timers } = this.#state;
    const perSecond = config.limits.bytesPerSecondPerSession;
    if (perSecond === 0 || source.closed || this.#isExempt(source)) return;
    const rate = perSecond * Math.max(1, source.leases.size);
    const allowance = this.#allowances.get(source) ?? { octets: rate, asOf: now, timer: undefined };
    this.#allowances.set(source, allowance);
    const earned = ((now - allowance.asOf) / 1000) * rate;
    allowance.octets = Math.min(rate, allowance.octets + earned) - octets;
    allowance.asOf = now;
    if (allowance.octets >= 0 || allowance.timer !== undefined) return;
    source.hold(now);
    allowance.timer = timers.set(now + (-allowance.octets / rate) * 1000, () => {
      allowance.timer = undefined;
      this.#state.counters.heldMillis += source.letGo(this.#state.now);
    });
  }

  /** `connection` has gone. */
  gone(connection: Connection): void {
    const timer = this.#allowances.get(connection)?.timer;
    if (timer !== undefined) this.#state.timers.cancel(timer);
  }

  #isExempt(source: Connection): boolean {
    const { peer } = source;
    return source.hop !== undefined || peer.names.some((name) => isRelay(peer, name, this.#state.config.relayNames));
  }
}
