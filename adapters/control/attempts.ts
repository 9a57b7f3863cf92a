/**
 * The last attempts of each address and user, and of us at each next hop: what `explain` tells from.
 *
 * Strangers decide how many addresses and names there are, so the number of each is bounded, and whoever was heard of
 * longest ago is forgotten first. A flood from one address costs only the attempts of that address.
 */
import { sourceOf } from "../shared/address-limits.ts";
import type { Explanation } from "./control.ts";

/** Attempts remembered of one address, user or hop. */
const EACH = 20;
/** Addresses, users and hops remembered, of each kind. */
const SUBJECTS = 5000;
/** The longest name that is remembered; a stranger may choose one of some kilobytes. */
const LONGEST = 256;
/** Attempts in one answer. */
const ANSWERED = 50;

/** Whom an attempt is remembered for. */
export interface Subjects {
  readonly address?: string | undefined;
  readonly user?: string | undefined;
  readonly domain?: string | undefined;
  /** Host, and port if it has one, of a next hop. */
  readonly hop?: string | undefined;
}

export class Attempts {
  readonly #addresses = new Recent();
  readonly #users = new Recent();
  readonly #hops = new Recent();

  /** @param instead  what was known of the same connection before, and is worth nothing beside this */
  add({ address, user, domain, hop }: Subjects, attempt: Explanation, instead?: Explanation): void {
    if (address !== undefined) this.#addresses.add(sourceOf(address), attempt, instead);
    if (user !== undefined) {
      this.#users.add(user, attempt, instead);
      if (domain !== undefined) this.#users.add(`${user}@${domain}`, attempt, instead);
    }
    if (hop !== undefined) this.#hops.add(hop, attempt);
  }

  /** A user's session has ended: what became of its next hops is the user's to hear. */
  inherit({ user, domain }: { readonly user: string; readonly domain: string }, hops: readonly string[]): void {
    for (const attempt of hops.flatMap((hop) => this.#hops.of(hop))) {
      if (!this.#users.of(user).includes(attempt)) this.add({ user, domain }, attempt);
    }
  }

  /** The latest first. `hops` are those that the user's sessions exchange messages with. */
  about(of: { readonly user?: string; readonly address?: string }, hops: readonly string[]): Explanation[] {
    const { user, address } = of;
    const found = new Set([
      ...(user === undefined ? [] : this.#users.of(lowerDomain(user))),
      ...(address === undefined ? [] : this.#addresses.of(sourceOf(address))),
      ...hops.flatMap((hop) => this.#hops.of(hop)),
    ]);
    // Those of the same millisecond stand in the order in which they happened.
    return [...found]
      .map((attempt, index) => ({ attempt, index }))
      .sort((one, other) => other.attempt.at - one.attempt.at || other.index - one.index)
      .slice(0, ANSWERED)
      .map(({ attempt }) => attempt);
  }
}

/** Lists of attempts by name; the name heard of longest ago stands first in the map. */
class Recent {
  readonly #lists = new Map<string, Explanation[]>();

  add(name: string, attempt: Explanation, instead?: Explanation): void {
    const key = name.slice(0, LONGEST);
    const list = this.#lists.get(key) ?? [];
    const before = instead === undefined ? -1 : list.indexOf(instead);
    if (before >= 0) list.splice(before, 1);
    list.push(attempt);
    if (list.length > EACH) list.shift();
    this.#lists.delete(key);
    this.#lists.set(key, list);
    if (this.#lists.size <= SUBJECTS) return;
    const [oldest] = this.#lists.keys();
    if (oldest !== undefined) this.#lists.delete(oldest);
  }

  of(name: string): readonly Explanation[] {
    return this.#lists.get(name.slice(0, LONGEST)) ?? [];
  }
}

function lowerDomain(user: string): string {
  const at = user.lastIndexOf("@");
  return at < 0 ? user : user.slice(0, at) + user.slice(at).toLowerCase();
}
