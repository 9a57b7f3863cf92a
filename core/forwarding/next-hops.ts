/**
 * Connections to next hops: found, reused, dialed, lost (RFC 4976 §6.4.2, RFC 4975 §5.4).
 *
 * A client of ours is reached on its own connection and nowhere else. Any other next hop is reached on the connection it
 * came to us on, if it spoke to this very session before; else on the one we have dialed for the same scheme, host and
 * port; else on a new one. While that is being dialed, frames are written to it as if it were there.
 */
import type { Fault } from "../faults.ts";
import type { DialFailure, Hop, Ticket } from "../ports.ts";
import { Connection } from "../session/connection.ts";
import type { Lease } from "../session/lease.ts";
import type { Route } from "./route.ts";
import type { State } from "./state.ts";

/** More dials than this at once: something is wrong, and frames to yet another hop are refused. */
const MAX_DIALING = 1024;

export class NextHops {
  readonly #state: State;
  readonly #dialed: Map<string, Connection>; // by hopKey; being dialed or open
  readonly #dialing: Map<Ticket, Connection>;
  #tickets: number;

  constructor(state: State) {
    this.#state = state;
    this.#dialed = new Map();
    this.#dialing = new Map();
    this.#tickets = 0;
  }

  /** How many dials wait for their answer. */
  get dialing(): number {
    return this.#dialing.size;
  }

  /** The connection a request on this route goes out by; dials if there is none. */
  connectionFor(route: Route): Connection | Fault {
    if (route.out !== undefined && !route.out.closed) return route.out;
    const { hop, nextUri } = route;
    if (hop === undefined || nextUri === undefined) return "SESSION_UNKNOWN";
    let out: Connection | undefined;
    for (const lease of route.leases as readonly Lease[]) out ??= lease.strangerAt(nextUri);
    // RFC 7977 §5.1: who speaks ws cannot be dialed; it has come to us, or it is out of reach.
    if (out === undefined && nextUri.transport !== "tcp") return "NEXT_HOP_LOST";
    out ??= this.#dialed.get(hopKey(hop));
    if (out === undefined || out.closed) {
      const dialed = this.#dial(hop);
      if (typeof dialed === "string") return dialed;
      out = dialed;
    }
    route.out = out;
    return out;
  }

  /** A dial has ended: its connection, no longer waiting; undefined when it was given up meanwhile. */
  answered(ticket: Ticket): Connection | undefined {
    const connection = this.#dialing.get(ticket);
    this.#dialing.delete(ticket);
    return connection?.closed === true ? undefined : connection;
  }

  forget(connection: Connection): void {
    if (connection.hop === undefined) return;
    const key = hopKey(connection.hop);
    if (this.#dialed.get(key) === connection) this.#dialed.delete(key);
  }

  #dial(hop: Hop): Connection | Fault {
    const state = this.#state;
    // §9.4: relays use TLS, unless this one was told otherwise.
    if (!hop.secure && !state.config.outgoing.plain) return "NEXT_HOP_REFUSED";
    if (this.#dialing.size >= MAX_DIALING) return "NEXT_HOP_LOST";
    const ticket = ++this.#tickets;
    const connection = new Connection(
      ++state.connectionsEver,
      { hop },
      state.random,
      state.transactionTimers,
      state.now,
    );
    state.connections.add(connection);
    this.#dialed.set(hopKey(hop), connection);
    this.#dialing.set(ticket, connection);
    state.counters.dials++;
    state.host.dial(hop, ticket);
    return connection;
  }
}

/** A plain connection never carries msrps: the scheme is part of the key. */
function hopKey(hop: Hop): string {
  return `${hop.secure ? "msrps" : "msrp"}://${hop.host}:${hop.port}`;
}

/** What the sender of a frame is told when its next hop could not be dialed. */
export function dialFault(why: DialFailure): "NEXT_HOP_REFUSED" | "NEXT_HOP_LOST" {
  return why === "POLICY" ? "NEXT_HOP_REFUSED" : "NEXT_HOP_LOST";
}
