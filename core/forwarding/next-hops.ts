/**
 * Connections to next hops: found, reused, dialed, lost (RFC 4976 §6.4.2, RFC 4975 §5.4).
 *
 * A client of ours is reached on its own connection and nowhere else. Any other next hop is reached on the one we have
 * dialed for the same scheme, host and port; else on the connection it came to us on, if it spoke to this very session
 * before; else on a new one. While that is being dialed, frames are written to it as if it were there.
 */
import type { Uri } from "../codec/uri.ts";
import type { Fault } from "../faults.ts";
import type { DialFailure, Hop, Ticket } from "../ports.ts";
import { Connection } from "../session/connection.ts";
import { Flight } from "../session/flight.ts";
import type { Lease } from "../session/lease.ts";
import { certifies, isRelay } from "../session/relay-peer.ts";
import type { Route } from "./route.ts";
import type { State } from "./state.ts";

/** More dials than this at once: something is wrong, and frames to yet another hop are refused. */
const MAX_DIALING = 1024;
/** Hops that one connection may be known to lead to. */
const MAX_HOPS = 8;

export class NextHops {
  readonly #state: State;
  readonly #byHop: Map<string, Connection>; // by hopKey; dialed, being dialed, or come from that relay
  readonly #dialing: Map<Ticket, Connection>;
  #tickets: number;

  constructor(state: State) {
    this.#state = state;
    this.#byHop = new Map();
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
    // One we have dialed comes first: a session that has begun on it would overtake itself on another.
    let out = this.#byHop.get(hopKey(hop));
    for (const lease of route.leases as readonly Lease[]) out ??= lease.strangerAt(nextUri);
    // RFC 7977 §5.1: who speaks ws cannot be dialed; it has come to us, or it is out of reach.
    if (out === undefined && nextUri.transport !== "tcp") return "NEXT_HOP_LOST";
    if (out === undefined) {
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

  /**
   * `connection` has shown to lead to the authority of `uri`: it is used for that hop when there is no other. Only a
   * certificate shows that: of the relay that came to us and speaks as this host (§6.3), or of the one we have dialed,
   * whose Use-Path names its port where the AUTH had none (§8).
   */
  learn(uri: Uri, connection: Connection): void {
    if (!uri.secure || uri.port === 0 || connection.closed) return;
    const key = hopKey(uri);
    if (this.#byHop.has(key) || connection.hopKeys.size >= MAX_HOPS) return;
    // A farm's name leads to one of its members (§8), whose own name its certificate has as well.
    const { hop, peer } = connection;
    const dialed = hop?.secure === true && (hop.host === uri.host || certifies(peer, uri.host));
    if (!dialed && !isRelay(peer, uri.host, this.#state.config.relayNames)) return;
    this.#byHop.set(key, connection);
    connection.hopKeys.add(key);
    connection.flight ??= new Flight();
  }

  /** A connection on which to answer a relay whose own has gone (RFC 4976 §6.4.1); undefined when there is no way. */
  backTo(uri: Uri): Connection | undefined {
    const known = this.#byHop.get(hopKey(uri));
    if (known !== undefined) return known;
    const dialed = this.#dial({ secure: uri.secure, host: uri.host, port: uri.port });
    return typeof dialed === "string" ? undefined : dialed;
  }

  forget(connection: Connection): void {
    for (const key of connection.hopKeys) if (this.#byHop.get(key) === connection) this.#byHop.delete(key);
    connection.hopKeys.clear();
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
    this.#byHop.set(hopKey(hop), connection);
    connection.hopKeys.add(hopKey(hop));
    this.#dialing.set(ticket, connection);
    state.counters.dials++;
    state.host.dial(hop, ticket);
    return connection;
  }
}

/** A plain connection never carries msrps: the scheme is part of the key. */
function hopKey(hop: Pick<Uri, "secure" | "host" | "port">): string {
  return `${hop.secure ? "msrps" : "msrp"}://${hop.host}:${hop.port}`;
}

/** What the sender of a frame is told when its next hop could not be dialed. */
export function dialFault(why: DialFailure): "NEXT_HOP_REFUSED" | "NEXT_HOP_LOST" {
  return why === "POLICY" ? "NEXT_HOP_REFUSED" : "NEXT_HOP_LOST";
}
