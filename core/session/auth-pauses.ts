/**
 * Growing pauses after failed AUTHs (RFC 4976 §6.3), for an address and for a user, across all connections.
 *
 * A connection ends after a few failures; whoever guesses opens another. So failures are counted by where they come
 * from and whom they are for, and beyond a number that people's mistakes do not reach each makes the next AUTH wait
 * longer: a second, two, four … Nothing is looked up or computed for who has to wait. Somebody who guesses at a user's
 * password must not keep that user out: an address from which the user has proven the password before does not wait for
 * what others do.
 *
 * Both tables are bounded and forget; an IPv6 customer counts as one by its /64.
 */
import type { Millis } from "../ports.ts";

export interface PauseLimits {
  /** Failures in a row before a pause; 0 for never. */
  readonly authFailuresPerAddress: number;
  readonly authFailuresPerUser: number;
  /** The longest pause. */
  readonly authPauseSeconds: number;
}

const FIRST_PAUSE: Millis = 1000;
/** Failures this long ago do not count any more. */
const FORGOTTEN: Millis = 900_000;
/** Addresses and users with failures that are remembered; those whose last one is longest ago are forgotten first. */
const MOST_FAILED = 65_536;
/** Users remembered with an address of theirs. */
const MOST_KNOWN = 65_536;

interface Failures {
  count: number;
  at: Millis;
  /** When the next AUTH may come. */
  until: Millis;
}

export class AuthPauses {
  readonly #limitsNow: () => PauseLimits;
  readonly #failed: Map<string, Failures>;
  /** User and address of AUTHs that succeeded. */
  readonly #known: Set<string>;

  /** @param limitsNow  as the configuration says, which may change */
  constructor(limitsNow: () => PauseLimits) {
    this.#limitsNow = limitsNow;
    this.#failed = new Map();
    this.#known = new Set();
  }

  /** How much is remembered. */
  get size(): number {
    return this.#failed.size + this.#known.size;
  }

  /** @param network  whence it comes (see `networkOf`); undefined where that says nothing, as for a relay */
  mustWait(network: string | undefined, user: string, now: Millis): boolean {
    if (network !== undefined && this.#waits(addressKey(network), now)) return true;
    return this.#waits(userKey(user), now) && !this.#known.has(`${network} ${user}`);
  }

  failed(network: string | undefined, user: string, now: Millis): void {
    const { authFailuresPerAddress, authFailuresPerUser } = this.#limitsNow();
    if (network !== undefined) this.#count(addressKey(network), authFailuresPerAddress, now);
    this.#count(userKey(user), authFailuresPerUser, now);
  }

  succeeded(network: string | undefined, user: string): void {
    if (this.#limitsNow().authFailuresPerUser === 0 && this.#limitsNow().authFailuresPerAddress === 0) return;
    if (network === undefined) return;
    this.#failed.delete(addressKey(network));
    const known = `${network} ${user}`;
    this.#known.delete(known);
    this.#known.add(known);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value as string);
  }

  #waits(key: string, now: Millis): boolean {
    const failures = this.#failed.get(key);
    return failures !== undefined && now < failures.until;
  }

  #count(key: string, most: number, now: Millis): void {
    if (most === 0) return;
    const before = this.#failed.get(key);
    const count = before === undefined || now - before.at > FORGOTTEN ? 1 : before.count + 1;
    const pause = Math.min(this.#limitsNow().authPauseSeconds * 1000, FIRST_PAUSE * 2 ** Math.min(count - most, 30));
    this.#failed.delete(key);
    this.#failed.set(key, { count, at: now, until: count < most ? now : now + pause });
    if (this.#failed.size > MOST_FAILED) this.#failed.delete(this.#failed.keys().next().value as string);
  }
}

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address (RFC 6177). */
export function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [before = "", after] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  const words = [...head, ...Array.from({ length: Math.max(0, zeros) }, () => "0"), ...tail];
  return words
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(":");
}

function addressKey(network: string): string {
  return `@${network}`;
}

function userKey(user: string): string {
  return `u${user}`;
}
