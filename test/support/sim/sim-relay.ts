/**
 * A whole relay on the simulated network: core, and the driver, connections and outboxes that run it everywhere else.
 */
import { Connection } from "../../../adapters/shared/connection.ts";
import { Driver } from "../../../adapters/shared/driver.ts";
import { type DialFailure, type Happening, type Hop, Relay, type RelayConfig } from "../../../core/mod.ts";
import { relayConfig, tlsListener } from "../relay-config.ts";
import type { SimNetwork } from "../sim-network.ts";
import type { End } from "./wire.ts";

export interface SimRelayOptions {
  readonly limits?: Partial<RelayConfig["limits"]>;
  readonly auth?: Partial<RelayConfig["auth"]>;
  readonly chunkBytes?: number;
  readonly unknownMethods?: "forward" | "refuse";
  /** How long the account store takes, from and to, in milliseconds. */
  readonly credentialDelay?: readonly [number, number];
}

export class SimRelay {
  readonly net: SimNetwork;
  readonly name: string;
  readonly port = 2855;
  /** Where AUTH goes. */
  readonly uri: string;
  readonly driver: Driver;
  readonly core: Relay;
  readonly happenings: Happening[];
  /** Connections to next hops that succeeded. */
  readonly dialed: End[];
  /** What dials come to, by host name, where it is not a connection. */
  readonly dialFailures: Map<string, DialFailure>;
  /** Extra time that dials take. */
  dialDelay: number;
  /** The most octets that were ever waiting: for one connection, and for all of them together. */
  readonly peak: { connection: number; total: number };

  constructor(net: SimNetwork, name: string, options: SimRelayOptions = {}) {
    this.net = net;
    this.name = name;
    this.uri = `msrps://${name}:${this.port};tcp`;
    this.happenings = [];
    this.dialed = [];
    this.dialFailures = new Map();
    this.dialDelay = 0;
    this.peak = { connection: 0, total: 0 };
    const dice = net.dice.fork();
    const [least, most] = options.credentialDelay ?? [0, 20];
    this.driver = new Driver({ clock: net.clock, onBug: (bug) => net.bug(name, bug) });
    const config = relayConfig({
      listeners: [tlsListener(name, this.port)],
      domains: [{ name, algorithms: ["MD5", "SHA-256"] }],
      ...(options.auth === undefined ? {} : { auth: options.auth }),
      forwarding: { unknownMethods: options.unknownMethods ?? "forward", chunkBytes: options.chunkBytes ?? 0 },
      limits: { sessionsPerUser: 10_000, ...options.limits },
    });
    this.core = new Relay(
      config,
      {
        dial: (hop, ticket) => this.#dial(hop, ticket),
        findCredential: (username, _realm, ticket) =>
          net.clock.in(dice.between(least, most), () => {
            const found = net.hasUser(username) ? { password: passwordOf(username) } : undefined;
            this.driver.turn((now) => this.core.credential(ticket, found, now));
          }),
        fillRandom: (target) => dice.fill(target),
        note: (happening) => void this.happenings.push(happening),
      },
      net.clock.time,
    );
    this.driver.register(this.core);
  }

  /** Somebody has dialed us. */
  accept(end: End, address: string): void {
    const peer = { address, port: 40_000, secure: true, names: [] };
    const connection = new Connection(this.driver, peer, end, { freshReads: end.freshReads });
    connection.attach((link, now) => this.core.accepted(link, "public", now));
    end.attach(connection);
  }

  /** What of a fault there was so far. */
  faults(code: string): number {
    return this.core.counters.faults[code] ?? 0;
  }

  /** Looks how much is waiting. Called after every event. */
  measure(): void {
    const { peak } = this;
    let total = 0;
    for (const { backlog } of this.core.state.connections) {
      total += backlog;
      if (backlog > peak.connection) peak.connection = backlog;
    }
    if (total > peak.total) peak.total = total;
  }

  /** What is left in its tables, in words; empty when nothing is. */
  leftovers(): string[] {
    const { state } = this.core;
    const left: string[] = [];
    const count = (what: string, size: number) => size > 0 && left.push(`${size} ${what}`);
    count("connections", state.connections.size);
    count("connections of the driver", this.driver.connections);
    count("leases", state.leases.size);
    count("timers", state.timers.next === Number.POSITIVE_INFINITY ? 0 : 1);
    count("transactions", state.transactionTimers.next === Number.POSITIVE_INFINITY ? 0 : 1);
    count("senders waiting to be let go", this.core.backPressure.pending ? 1 : 0);
    return left;
  }

  #dial(hop: Hop, ticket: number): void {
    const failed = (why: DialFailure) => this.driver.turn((now) => this.core.dialFailed(ticket, why, now));
    const failure = this.dialFailures.get(hop.host);
    if (failure !== undefined) return this.net.clock.in(this.net.latency() + this.dialDelay, () => failed(failure));
    this.net.dial(this.name, hop.host, hop.port, this.dialDelay, {
      opened: (end) => {
        this.dialed.push(end);
        const peer = { address: hop.host, port: hop.port, secure: hop.secure, names: [hop.host] };
        const connection = new Connection(this.driver, peer, end, { freshReads: end.freshReads });
        connection.attach((link, now) => this.core.dialed(ticket, link, now));
        end.attach(connection);
      },
      failed,
    });
  }
}

/** Every user has a password, and everybody who needs it can work it out. */
export function passwordOf(username: string): string {
  return `${username}'s secret`;
}
