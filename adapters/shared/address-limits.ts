/**
 * How many connections may be open, in all and from one address.
 *
 * Asked before any octet is read or any TLS is spent on a stranger. One IPv6 customer has at least a /64, so that, and
 * not the single address, is what counts as one (RFC 6177). One object serves all listeners.
 */
import { ipv6Words, plainAddress } from "./address.ts";

export interface Limits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/**
 * How many connections may be open beyond the limit, because room was made for them: one that is closed takes a moment
 * to be gone.
 */
const MOST_BEYOND = 64;

export type LimitReached = "CONNECTIONS" | "CONNECTIONS_PER_ADDRESS";

export class AddressLimits {
  /** May be replaced while connections are open; those stay. */
  limits: Limits;
  /** Closes a connection that nobody uses, and says whether there was one (`Relay.closeLeastUsed`). */
  makeRoom: () => boolean;
  #total: number;
  /** Only addresses with an open connection have an entry. */
  readonly #perAddress: Map<string, number>;

  constructor(limits: Limits) {
    this.limits = limits;
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
}

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address. */
export function sourceOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(":")) return plain;
  const network = ipv6Words(plain).slice(0, 4);
  return `${network.map((word) => word.toString(16)).join(":")}::/64`;
}
