/**
 * Whom to part with when no more connections can be taken (RFC 4976 §6.5): the least recently used, and nobody in use.
 *
 * First those that came some seconds ago and have yet to make a request that succeeds, then those that hold no URI of
 * ours, then all others; of the latter two only who has been silent for a minute. They are looked for many at once,
 * since the moment in which there is no room is the one in which thousands knock.
 */
import type { Millis } from "../ports.ts";
import type { Connection } from "./connection.ts";

/** Time a stranger has to say something sensible before we need his place. */
const UNPROVEN_FOR: Millis = 5_000;
/** Silence after which a connection counts as unused. */
const UNUSED_FOR: Millis = 60_000;
/** How many are looked for at once, and how long the list holds. */
const MOST_CANDIDATES = 256;
const LIST_HOLDS: Millis = 10_000;
/** After a search without success there is none for so long. */
const SEARCH_AGAIN: Millis = 1_000;

const NOT_PROVEN = 0;
const NO_LEASE = 1;
const WITH_LEASE = 2;

export class LeastUsed {
  readonly #connections: ReadonlySet<Connection>;
  /** The one to part with first is the last. */
  #candidates: Connection[];
  #listedAt: Millis;
  #searchAt: Millis;

  constructor(connections: ReadonlySet<Connection>) {
    this.#connections = connections;
    this.#candidates = [];
    this.#listedAt = 0;
    this.#searchAt = Number.NEGATIVE_INFINITY;
  }

  /** The one to part with; undefined when all are in use. */
  next(now: Millis): Connection | undefined {
    if (now - this.#listedAt > LIST_HOLDS) this.#candidates = [];
    const listed = this.#pop(now);
    if (listed !== undefined || now < this.#searchAt) return listed;
    this.#search(now);
    const found = this.#pop(now);
    if (found === undefined) this.#searchAt = now + SEARCH_AGAIN;
    return found;
  }

  #pop(now: Millis): Connection | undefined {
    while (true) {
      const candidate = this.#candidates.pop();
      // It may have been used since it was listed.
      if (candidate === undefined || rank(candidate, now) !== undefined) return candidate;
    }
  }

  #search(now: Millis): void {
    const ranks: Connection[][] = [[], [], []];
    for (const connection of this.#connections) {
      const at = rank(connection, now);
      if (at !== undefined) ranks[at]?.push(connection);
    }
    const first = ranks.flatMap((list) => list.sort((a, b) => since(a) - since(b)));
    this.#candidates = first.slice(0, MOST_CANDIDATES).reverse();
    this.#listedAt = now;
  }
}

/** Which it belongs to of those that may go; undefined when it may not. */
function rank(connection: Connection, now: Millis): number | undefined {
  // One that we have dialed takes nobody's place.
  if (connection.listener === undefined || connection.closed || isInUse(connection)) return undefined;
  if (!connection.proven) return now - connection.openedAt >= UNPROVEN_FOR ? NOT_PROVEN : undefined;
  // In the middle of a frame it is in use, however slowly that comes.
  if (now - connection.usedAt < UNUSED_FOR || connection.reader?.idle === false) return undefined;
  return connection.leases.size === 0 ? NO_LEASE : WITH_LEASE;
}

/** Is anything under way to it, or of it? */
function isInUse(connection: Connection): boolean {
  const { authsPending, backlog, feeders, held, holds, openTransactions } = connection;
  return authsPending > 0 || backlog > 0 || feeders.size > 0 || held.length > 0 || holds > 0 || openTransactions > 0;
}

/** Octets do not make a stranger younger: he may send them one by one. */
function since(connection: Connection): Millis {
  return connection.proven ? connection.usedAt : connection.openedAt;
}
