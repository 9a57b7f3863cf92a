/**
 * How many connections may be open, in all and from one address.
 *
 * Asked before any octet is read or any TLS is spent on a stranger. One IPv6 customer has at least a /64, so that, and
 * not the single address, is what counts as one (RFC 6177). One object serves all listeners.
 */
import { performance } from "node:perf_hooks";
import { ipv6Words, plainAddress } from "./address.ts";

export interface Limits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** New ones; ten seconds' worth may come at once. 0 for no limit. */
  readonly connectionsPerSecondPerAddress?: number;
}

/**
 * How many connections may be open beyond the limit, because room was made for them: one that is closed takes a moment
 * to be gone.
 */
const MOST_BEYOND = 64;

/** What of the rate may come at once: a household comes back after its router has restarted. */
const BURST_SECONDS = 10;
/** Addresses whose rate is remembered; the one that came longest ago is forgotten first. */
const MOST_RATES = 65_536;

export type LimitReached = "CONNECTIONS" | "CONNECTIONS_PER_ADDRESS" | "CONNECTION_RATE" | "MEMORY";

/** How many connections an address may still open, and when that was. */
interface Rate {
  left: number;
  at: number;
}

export class AddressLimits {
  /** May be replaced while connections are open; those stay. */
  limits: Limits;
  /** Closes a connection that nobody uses, and says whether there was one (`Relay.closeLeastUsed`). */
  makeRoom: () => boolean;
  /** More memory is in use than may be: nobody is let in. */
  isMemoryFull: boolean;
  readonly #now: () => number;
  readonly #rates: Map<string, Rate>;
  #total: number;
  /** Only addresses with an open connection have an entry. */
  readonly #perAddress: Map<string, number>;

  constructor(limits: Limits, now: () => number = () => performance.now()) {
    this.limits = limits;
    this.#now = now;
    this.#rates = new Map();
    this.isMemoryFull = false;
    this.makeRoom = () => false;
    this.#total = 0;
    this.#perAddress = new Map();
  }

  /** Open connections in all. */
  get total(): number {
    return this.#total;
  }

  /** Counts a connection; answers what to call (once or more) when it has ended, or why it may not be. */
  admit(address: string): (() => void) | LimitReached {
    const source = sourceOf(address);
    const count = this.#perAddress.get(source) ?? 0;
    // First, so that one address alone makes nobody else go.
    if (count >= this.limits.connectionsPerAddress) return "CONNECTIONS_PER_ADDRESS";
    if (this.#comesTooOften(source)) return "CONNECTION_RATE";
    if (this.isMemoryFull) return "MEMORY";
    const beyond = this.#total - this.limits.connections;
    if (beyond >= 0 && (beyond >= MOST_BEYOND || !this.makeRoom())) return "CONNECTIONS";
    this.#total++;
    this.#perAddress.set(source, count + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#total--;
      const left = (this.#perAddress.get(source) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(source);
      else this.#perAddress.set(source, left);
    };
  }

  /** Attempts count that are refused for this reason as well. */
  #comesTooOften(source: string): boolean {
    const perSecond = this.limits.connectionsPerSecondPerAddress ?? 0;
    if (perSecond === 0) return false;
    const now = this.#now();
    const most = perSecond * BURST_SECONDS;
    const before = this.#rates.get(source) ?? { left: most, at: now };
    const left = Math.min(most, before.left + ((now - before.at) / 1000) * perSecond) - 1;
    this.#rates.delete(source);
    this.#rates.set(source, { left: Math.max(left, -1), at: now });
    if (this.#rates.size > MOST_RATES) this.#rates.delete(this.#rates.keys().next().value as string);
    return left < 0;
  }
}

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address. */
export function sourceOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(":")) return plain;
  const network = ipv6Words(plain).slice(0, 4);
  return `${network.map((word) => word.toString(16)).join(":")}::/64`;
}
