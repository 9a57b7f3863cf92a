/**
 * A real relay on loopback ports: core, driver and a runtime joined as the program joins them, with accounts in memory
 * and none of the program's configuration.
 */
import { randomFillSync } from "node:crypto";
import { systemClock } from "../../adapters/shared/clock.ts";
import { Driver } from "../../adapters/shared/driver.ts";
import { Egress } from "../../adapters/shared/egress.ts";
import type { DialOptions, KeyPair, Listening, Runtime } from "../../adapters/shared/runtime.ts";
import { type Happening, type Host, Relay, type RelayConfig } from "../../core/mod.ts";
import { relayConfig, tlsListener } from "./relay-config.ts";

export interface RelayOptions {
  readonly runtime: Runtime;
  /** The name of its listeners' URIs, and what its certificate is for. Default: 127.0.0.1. */
  readonly host?: string;
  /** Of the TLS listener. */
  readonly pair: KeyPair;
  /** Authorities it believes, of next hops and of those who connect with a certificate. */
  readonly authorities?: readonly string[];
  /** Default: example.com. */
  readonly domain?: string;
  /** Passwords by user. */
  readonly accounts: Readonly<Record<string, string>>;
  readonly chunkBytes?: number;
  readonly outgoing?: Partial<RelayConfig["outgoing"]>;
  readonly limits?: Partial<RelayConfig["limits"]>;
}

export interface ServedRelay {
  readonly relay: Relay;
  readonly host: string;
  readonly domain: string;
  /** Of the listener with TLS. */
  readonly tlsPort: number;
  /** Of the listener without, on which AUTH is taken all the same. */
  readonly plainPort: number;
  readonly happenings: readonly Happening[];
  /** What went wrong with connections to next hops, in words. */
  readonly dialFailures: readonly string[];
  /** Bugs of ours that the driver has caught. */
  readonly bugs: readonly unknown[];
  /** Drops every connection. Throws when the driver has caught a bug. */
  end(): Promise<void>;
}

export async function serveRelay(options: RelayOptions): Promise<ServedRelay> {
  const { runtime, host = "127.0.0.1", domain = "example.com", authorities = [], accounts } = options;
  const happenings: Happening[] = [];
  const dialFailures: string[] = [];
  const bugs: unknown[] = [];
  const driver = new Driver({ clock: systemClock, onBug: (bug) => bugs.push(bug) });
  const dialing: DialOptions = {
    egress: new Egress(["loopback"]),
    timeoutSeconds: 5,
    tls: { ca: authorities, system: false, own: options.pair },
  };

  const listen = (name: string, secure: boolean): Promise<Listening> => {
    const tls = { fallback: options.pair, byName: new Map<string, KeyPair>(), clientCa: authorities };
    return runtime.listen(
      { host: "127.0.0.1", port: 0, handshakeSeconds: 10, ...(secure && { tls }) },
      driver,
      (link, now) => relay.accepted(link, name, now),
    );
  };
  // The ports are not known before, and nobody else knows them until the relay is there.
  const tls = await listen("tls", true);
  const plain = await listen("plain", false);

  const world: Host = {
    dial: (hop, ticket) =>
      runtime.dial(hop, dialing, driver, {
        opened: (link, now) => relay.dialed(ticket, link, now),
        failed: (why, detail, now) => {
          dialFailures.push(detail);
          relay.dialFailed(ticket, why, now);
        },
      }),
    findCredential: (username, _realm, ticket) => {
      const password = accounts[username];
      driver.turn((now) => relay.credential(ticket, password === undefined ? undefined : { password }, now));
    },
    fillRandom: (target) => void randomFillSync(target),
    note: (happening) => void happenings.push(happening),
  };
  const config = relayConfig({
    listeners: [
      tlsListener(host, tls.port, "tls"),
      { name: "plain", advertise: { secure: false, host, port: plain.port }, authInsecure: true },
    ],
    domains: [{ name: domain, algorithms: ["MD5", "SHA-256"] }],
    outgoing: { plain: true, ...options.outgoing },
    forwarding: { chunkBytes: options.chunkBytes ?? 0 },
    limits: { sessionsPerUser: 10_000, ...options.limits },
  });
  const relay = new Relay(config, world, systemClock.now());
  const unregister = driver.register(relay);

  return {
    relay,
    host,
    domain,
    tlsPort: tls.port,
    plainPort: plain.port,
    happenings,
    dialFailures,
    bugs,
    end: async () => {
      await tls.close();
      await plain.close();
      unregister();
      driver.stop();
      await driver.emptied();
      if (bugs.length > 0) throw new Error("the driver has caught a bug", { cause: bugs[0] });
    },
  };
}
