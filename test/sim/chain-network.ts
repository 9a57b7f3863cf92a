/**
 * Chains of relays on the simulated network: relays know each other by their certificates, and clients authenticate
 * through one after the other.
 *
 *     alice ─ r1 ─ r2 ─ r3 ─ bob        relays 3, of which the first 2 are Alice's
 */
import { Connection } from "../../adapters/shared/connection.ts";
import type { Authentication } from "../../core/mod.ts";
import { SimNetwork, type Dialing, type SimOptions } from "../support/sim-network.ts";
import { SimClient } from "../support/sim/sim-client.ts";
import { passwordOf, SimRelay } from "../support/sim/sim-relay.ts";
import type { End, Wire } from "../support/sim/wire.ts";

/** Beyond what any test lasts, so that URIs end by time only when everybody has left. */
export const EXPIRES_SECONDS = 4000;
export const IDLE_SECONDS = 2000;

export interface ChainOptions extends SimOptions {
  readonly relays: number;
  /** How many of them, from her side, are those of Alice and her friends. */
  readonly hers: number;
  /** May AUTH leave the port to SRV (RFC 4976 §8)? */
  readonly portless?: boolean;
}

export class ChainRelay extends SimRelay {
  constructor(net: SimNetwork, name: string) {
    super(net, name, {
      auth: { expires: { minSeconds: 60, defaultSeconds: EXPIRES_SECONDS, maxSeconds: EXPIRES_SECONDS } },
      limits: { idleSeconds: IDLE_SECONDS },
    });
    Object.assign(this.core.state.config, { relayNames: ["*.example.com"] });
  }

  /** As any relay accepts, and those that are relays show their certificate. */
  override accept(end: End, address: string): void {
    const name = address.replace(/\.address$/, "");
    const peer = { address, port: 40_000, secure: true, names: this.net.relays.has(name) ? [name] : [] };
    const connection = new Connection(this.driver, peer, end, { freshReads: end.freshReads });
    connection.attach((link, now) => this.core.accepted(link, "public", now));
    end.attach(connection);
  }
}

/** A client with several relays of its own. */
export class ChainClient extends SimClient {
  /** By name, the one it connects to first. */
  readonly way: readonly string[];
  readonly portless: boolean;
  readonly #asking: Map<string, (done: Authentication | undefined) => void>;

  constructor(net: ChainNetwork, name: string, way: readonly string[], portless: boolean) {
    super(net, name, {}, true);
    this.way = way;
    this.portless = portless;
    this.#asking = new Map();
    this.onRefreshed = (done) => {
      const asked = this.#asking.get(done.own);
      this.#asking.delete(done.own);
      asked?.(done);
    };
  }

  /** Asks all its relays, whatever `relay` says of the first. A failure is only found in `failures`. */
  override authenticate(_relay: SimRelay, then: (done: Authentication | undefined) => void = () => {}): void {
    const first = this.net.relays.get(this.way[0] as string) as SimRelay;
    const presence = this.presence === undefined || this.presence.over ? this.connect(first) : this.presence;
    const credential = { password: passwordOf(this.name) };
    const port = (index: number) => (this.portless && index > 0 ? "" : ":2855");
    const own = presence.endpoint.newUri();
    this.#asking.set(own, then);
    const relays = this.way.map((name, index) => ({
      uri: `msrps://${name}${port(index)};tcp`,
      username: this.name,
      credential,
    }));
    this.driver.turn((now) => presence.endpoint.authenticate({ relays, own }, now));
  }
}

export class ChainNetwork extends SimNetwork {
  /** `r1.example.com`, `r2.example.com` …, from Alice to Bob. */
  readonly names: readonly string[];
  readonly #chain: ChainOptions;
  /** How often each relay has been killed. */
  readonly #deaths: Map<string, number>;
  #dying: string;
  /** Told of each new connection. */
  onWire: ((wire: Wire, from: string, to: string) => void) | undefined;

  constructor(options: ChainOptions) {
    super(options);
    this.#chain = options;
    this.#deaths = new Map();
    this.#dying = "";
    this.onWire = undefined;
    this.names = Array.from({ length: options.relays }, (_, i) => `r${i + 1}.example.com`);
    for (const name of this.names) this.relays.set(name, new ChainRelay(this, name));
  }

  /** A client on Alice's side, or on Bob's. */
  person(name: string, side: "alice" | "bob"): ChainClient {
    const { hers, portless = false } = this.#chain;
    const way = side === "alice" ? this.names.slice(0, hers) : this.names.slice(hers).reverse();
    const client = new ChainClient(this, name, way, portless);
    this.clients.push(client);
    this.addUser(name);
    return client;
  }

  relayAt(index: number): SimRelay {
    return this.relays.get(this.names[index] as string) as SimRelay;
  }

  /** Connections between two neighbours, of which either may have dialed, that are not known to be lost. */
  between(a: string, b: string): Wire[] {
    return this.wires
      .filter(({ wire, from, to }) => !wire.lost && ((from === a && to === b) || (from === b && to === a)))
      .map(({ wire }) => wire);
  }

  /** The relay ends without a word, and another of its name, which remembers nothing, is there at once. */
  kill(name: string): void {
    const old = this.relays.get(name) as SimRelay;
    this.#deaths.set(name, (this.#deaths.get(name) ?? 0) + 1);
    this.#dying = name;
    old.driver.stop();
    this.#dying = "";
    this.relays.set(name, new ChainRelay(this, name));
  }

  /** Ports that are not named lead to where SRV would. */
  override dial(from: string, host: string, port: number, delay: number, outcome: Dialing): void {
    // The dead dial nobody.
    if (from === this.#dying) return;
    const deaths = this.#deaths.get(from);
    super.dial(from, host, port === 0 ? 2855 : port, delay, {
      opened: (end) => {
        this.onWire?.(end.wire, from, host);
        if (this.#deaths.get(from) === deaths) outcome.opened(end);
        else end.destroy();
      },
      failed: (why) => outcome.failed(why),
    });
  }
}
