/**
 * Who may use the admin API: bearer tokens (RFC 6750), each with what it is good for.
 *
 * Only hashes are kept, so that a comparison takes the same time whatever was presented, and the tokens themselves
 * are in nobody's hands once the configuration has been read. Guessing is slowed down for each address.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { sourceOf } from "../shared/address-limits.ts";

/** `read` looks, `operate` changes; whoever may operate may also look. */
export type Scope = "read" | "operate";

export interface TokenSettings {
  /** For the log. */
  readonly name: string;
  readonly token: string;
  readonly scopes: readonly Scope[];
}

/** Who it was. */
export interface Bearer {
  readonly name: string;
  may(scope: Scope): boolean;
}

export class Tokens {
  readonly #known: readonly { readonly hash: Uint8Array; readonly bearer: Bearer }[];

  constructor(settings: readonly TokenSettings[]) {
    this.#known = settings.map(({ name, token, scopes }) => ({
      hash: hashOf(token),
      bearer: { name, may: (scope) => scopes.includes(scope) || scopes.includes("operate") },
    }));
  }

  /** No token at all: nobody may do anything. */
  get none(): boolean {
    return this.#known.length === 0;
  }

  /** Compares with every token, also after one has fitted. */
  find(presented: string): Bearer | undefined {
    const hash = hashOf(presented);
    let found: Bearer | undefined;
    for (const { hash: known, bearer } of this.#known) if (timingSafeEqual(hash, known)) found ??= bearer;
    return found;
  }
}

function hashOf(token: string): Uint8Array {
  return createHash("sha256").update(token, "utf8").digest();
}

/** Wrong tokens that an address may present in a row, and how long it takes (ms) until one of them is forgiven. */
const FAILURES = 10;
const FORGIVEN_AFTER = 6000;
/** Addresses remembered; a failure is forgotten by itself after a minute, so more are never worth keeping. */
const MOST_ADDRESSES = 10_000;

/** Wrong tokens by address. A bucket that leaks: what was forgiven need not be remembered. */
export class Failures {
  readonly #now: () => number;
  /** When the last failure of each address will be forgiven; the one that failed longest ago first. */
  readonly #until: Map<string, number>;

  constructor(now: () => number) {
    this.#now = now;
    this.#until = new Map();
  }

  /** How many seconds this address has to wait before it may present a token; 0 when it may now. */
  wait(address: string): number {
    const owed = this.#owed(sourceOf(address));
    const beyond = owed - (FAILURES - 1) * FORGIVEN_AFTER;
    return beyond <= 0 ? 0 : Math.ceil(beyond / 1000);
  }

  add(address: string): void {
    const source = sourceOf(address);
    const until = this.#now() + this.#owed(source) + FORGIVEN_AFTER;
    this.#until.delete(source);
    this.#until.set(source, until);
    if (this.#until.size <= MOST_ADDRESSES) return;
    const [oldest] = this.#until.keys();
    if (oldest !== undefined) this.#until.delete(oldest);
  }

  #owed(source: string): number {
    return Math.max(0, (this.#until.get(source) ?? 0) - this.#now());
  }
}
