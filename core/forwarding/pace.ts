/**
 * How fast a session, a user, a domain and all together may send (`limits.bytesPerSecond…`): by back-pressure, never by
 * loss.
 *
 * A second's worth may come at once. What comes beyond that has come already and is forwarded, and its connection is not
 * read from until it is made up for. A connection may bring as much as the sessions on it together, and what it brings is
 * shared out among their users and domains. A relay's connection is slowed by the limit for all and by no other: whose
 * octets it brings was for the relay before us to limit.
 */
import type { Millis } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import type { Lease } from "../session/lease.ts";
import { isRelay } from "../session/relay-peer.ts";
import type { Timer } from "../session/timers.ts";
import type { State } from "./state.ts";

/** About what one that is let go brings: of those that wait, one for each of these that has been earned. */
const SLICE = 65_536;
/** In a second: how often those are looked after that wait although there is something to take. */
const MOMENTS = 50;
/** Users whose rate is remembered; one that has brought nothing for longest is forgotten first. */
const MOST_USERS = 16_384;

/** What may still come, for all that share it. */
class Allowance {
  readonly #state: State;
  #perSecond: number; // as the configuration said when it was last asked; 0 before
  #octets: number; // below zero while somebody waits
  #asOf: Millis;
  readonly #waiting: Set<Connection>; // in the order in which they will be let go
  #timer: Timer | undefined; // set while somebody waits

  constructor(state: State) {
    this.#state = state;
    this.#perSecond = 0;
    this.#octets = 0;
    this.#asOf = state.now;
    this.#waiting = new Set();
    this.#timer = undefined;
  }

  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  /** True when `source` has to wait, from now on or already. */
  take(source: Connection, perSecond: number, octets: number): boolean {
    if (this.#perSecond === 0) this.#octets = perSecond;
    this.#perSecond = perSecond;
    this.#earn();
    this.#octets -= octets;
    if (this.#octets >= 0 || this.#waiting.has(source)) return this.#octets < 0;
    this.#waiting.add(source);
    source.hold(this.#state.now);
    this.#timer ??= this.#wait(-this.#octets);
    return true;
  }

  /** `source` has gone. */
  leave(source: Connection): void {
    this.#waiting.delete(source);
    if (this.#waiting.size > 0 || this.#timer === undefined) return;
    this.#state.timers.cancel(this.#timer);
    this.#timer = undefined;
  }

  #wait(octets: number): Timer {
    return this.#state.timers.set(this.#state.now + (octets / this.#perSecond) * 1000, () => this.#release());
  }

  /** All at once would overdraw it by what each of them brings, and then all would stand still for long. */
  #release(): void {
    const { counters, now } = this.#state;
    this.#earn();
    // Less than an octet is missing: a rounding.
    let room = this.#octets <= -1 ? 0 : 1 + Math.floor(Math.max(0, this.#octets) / SLICE);
    for (const source of this.#waiting) {
      if (room-- <= 0) break;
      this.#waiting.delete(source);
      counters.heldMillis += source.letGo(now);
    }
    if (this.#waiting.size === 0) this.#timer = undefined;
    // What those who go now bring shows in a moment.
    else this.#timer = this.#wait(this.#octets <= -1 ? -this.#octets : Math.min(SLICE, this.#perSecond / MOMENTS));
  }

  #earn(): void {
    const { now } = this.#state;
    this.#octets = Math.min(this.#perSecond, this.#octets + ((now - this.#asOf) / 1000) * this.#perSecond);
    this.#asOf = now;
  }
}

/** What is known of a connection that has brought something. */
interface Share {
  readonly session: Allowance;
  /** Those it has waited for. */
  readonly joined: Set<Allowance>;
}

export class Pace {
  readonly #state: State;
  readonly #shares: WeakMap<Connection, Share>;
  readonly #users: Map<string, Allowance>;
  readonly #domains: Map<string, Allowance>;
  readonly #all: Allowance;

  constructor(state: State) {
    this.#state = state;
    this.#shares = new WeakMap();
    this.#users = new Map();
    this.#domains = new Map();
    this.#all = new Allowance(state);
  }

  /** `source` has brought so many octets. */
  brought(source: Connection, octets: number): void {
    const { bytesPerSecond, bytesPerSecondPerDomain, bytesPerSecondPerSession, bytesPerSecondPerUser } =
      this.#state.config.limits;
    const isLimited =
      bytesPerSecond > 0 || bytesPerSecondPerDomain > 0 || bytesPerSecondPerSession > 0 || bytesPerSecondPerUser > 0;
    if (!isLimited || source.closed) return;
    const share = this.#shareOf(source);
    const take = (allowance: Allowance, perSecond: number, part: number) => {
      if (allowance.take(source, perSecond, part)) share.joined.add(allowance);
    };
    if (bytesPerSecond > 0) take(this.#all, bytesPerSecond, octets);
    if (this.#isExempt(source)) return;
    const { leases } = source;
    if (bytesPerSecondPerSession > 0) {
      take(share.session, bytesPerSecondPerSession * Math.max(1, leases.size), octets);
    }
    for (const lease of leases) {
      if (bytesPerSecondPerUser > 0) take(this.#userOf(lease), bytesPerSecondPerUser, octets / leases.size);
      if (bytesPerSecondPerDomain > 0) take(this.#domainOf(lease), bytesPerSecondPerDomain, octets / leases.size);
    }
  }

  /** `connection` has gone. */
  gone(connection: Connection): void {
    for (const allowance of this.#shares.get(connection)?.joined ?? []) allowance.leave(connection);
  }

  #shareOf(source: Connection): Share {
    const known = this.#shares.get(source);
    if (known !== undefined) return known;
    const share: Share = { session: new Allowance(this.#state), joined: new Set() };
    this.#shares.set(source, share);
    return share;
  }

  #userOf({ user, domain }: Lease): Allowance {
    const users = this.#users;
    const key = `${user}\n${domain}`;
    const allowance = users.get(key) ?? new Allowance(this.#state);
    users.delete(key);
    users.set(key, allowance);
    if (users.size > MOST_USERS) this.#forgetOne();
    return allowance;
  }

  #forgetOne(): void {
    for (const [key, { isWaitedFor }] of this.#users) {
      if (isWaitedFor) continue;
      this.#users.delete(key);
      return;
    }
  }

  #domainOf({ domain }: Lease): Allowance {
    const known = this.#domains.get(domain);
    if (known !== undefined) return known;
    const allowance = new Allowance(this.#state);
    this.#domains.set(domain, allowance);
    return allowance;
  }

  #isExempt(source: Connection): boolean {
    if (source.hop !== undefined) return true;
    const { peer } = source;
    return peer.names.some((name) => isRelay(peer, name, this.#state.config.relayNames));
  }
}
