/**
 * A client for the commands that talk to a relay: core's Endpoint over one connection, with promises to wait on.
 *
 * Whatever goes wrong becomes a Refusal with words for the person at the terminal; a connection that ends fails
 * everything that is being waited for.
 */
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  type Authentication,
  Endpoint,
  type Failure,
  type Feed,
  type Hop,
  type Link,
  type Millis,
  type RelayAccount,
  type Session,
  type SessionOptions,
} from "../../core/mod.ts";
import { whyUnreadable } from "../config/references.ts";
import { systemClock } from "../shared/clock.ts";
import { Driver } from "../shared/driver.ts";
import { Egress } from "../shared/egress.ts";
import type { DialOptions, Runtime } from "../shared/runtime.ts";
import type { Flag, Given } from "./command.ts";
import { type GivenUri, givenUri } from "./hop.ts";
import { Later } from "./later.ts";
import { Break, Refusal, type Terminal, UsageError } from "./terminal.ts";

const DIAL_SECONDS = 10;
/** A time-out, a session nobody knows any more, an account store that is down, and a relay that drains. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 481, 500, 503]);
/** Nobody connects to it: behind a relay, and on a connection of our own, the other side answers where we came from. */
const OUR_HOST = "client.invalid";

export const clientFlags: Readonly<Record<string, Flag>> = {
  user: { value: "NAME", help: "who we are at the relay" },
  via: { value: "URI", help: "a relay on the way to it, where we are known as well; the one nearest to us first" },
  password: { value: "PASSWORD", help: "asked for, or read from standard input, when left out" },
  ca: { value: "FILE", help: "the certificate authority to believe, instead of the system's" },
};

export interface ConnectOptions {
  readonly terminal: Terminal;
  /** File of the authority to believe. */
  readonly ca?: string | undefined;
  readonly keepaliveSeconds?: number;
  readonly progress?: DialOptions["progress"];
  /** Sees the octets that come in, before anybody else. */
  readonly spy?: (octets: Uint8Array) => void;
  /** After a refresh: new URIs, which the sessions do not know yet. */
  readonly refreshed?: (authentication: Authentication) => void;
  /** Fails everything when our relays do not know us any more; a Break says so. Default: nothing happens. */
  readonly loseWithRelays?: boolean;
}

export class Client {
  readonly #driver: Driver;
  readonly #endpoint: Endpoint;
  /** Rejects when the connection ends, or we have a bug. */
  readonly #over: Later<never>;
  readonly #asked: Map<Authentication, { done(): void; failed(failure: Failure): void }>;

  private constructor(secure: boolean, { keepaliveSeconds = 0, loseWithRelays = false, refreshed }: ConnectOptions) {
    this.#over = new Later();
    this.#asked = new Map();
    this.#driver = new Driver({
      clock: systemClock,
      onBug: (bug) => this.#over.reject(bug instanceof Error ? bug : new Error(String(bug))),
    });
    this.#endpoint = new Endpoint({
      host: { secure, host: OUR_HOST, port: 2855 },
      fillRandom: (target) => void randomFillSync(target),
      keepaliveSeconds,
      sink: {
        authenticated: (it) => {
          const asked = this.#asked.get(it);
          this.#asked.delete(it);
          if (asked === undefined)
            refreshed?.(it); // not the first time
          else asked.done();
        },
        authenticationFailed: (it, failure) => {
          const asked = this.#asked.get(it);
          if (asked !== undefined) asked.failed(failure);
          else if (loseWithRelays) this.#over.reject(new Break(`a relay of ours is lost: ${whyFailed(failure)}`));
        },
        ended: (why) =>
          this.#over.reject(
            new Break(why === "PEER" ? "the other side ended the connection" : `the connection ended: ${why}`),
          ),
      },
    });
    this.#driver.register(this.#endpoint);
  }

  /** @throws Refusal */
  static async connect(runtime: Runtime, hop: Hop, options: ConnectOptions): Promise<Client> {
    const ca = options.ca === undefined ? [] : [readAuthority(resolve(options.terminal.cwd, options.ca))];
    const client = new Client(hop.secure, options);
    const dialing: DialOptions = {
      egress: new Egress(["any"]), // the person at the terminal decides where to go
      timeoutSeconds: DIAL_SECONDS,
      tls: { ca, system: ca.length === 0 },
      ...(options.progress === undefined ? {} : { progress: options.progress }),
    };
    await new Promise<void>((done, failed) => {
      runtime.dial(hop, dialing, client.#driver, {
        opened: (link, now) => {
          done();
          return client.#feed(link, options.spy, now);
        },
        failed: (why, detail) =>
          failed(why === "CERTIFICATE" ? new Refusal(`${detail}; here: --ca FILE`) : new Break(detail)),
      });
    });
    return client;
  }

  #feed(link: Link, spy: ConnectOptions["spy"], now: Millis): Feed {
    const feed = this.#endpoint.connected(link, now);
    if (spy === undefined) return feed;
    return {
      received(bytes, at) {
        spy(bytes);
        feed.received(bytes, at);
      },
      writable: (at) => feed.writable(at),
      ended: (at) => feed.ended(at),
    };
  }

  /**
   * @param own  our URI from the time before, by which the peer knows us again; a new one when absent
   * @throws Refusal
   */
  authenticate(relays: readonly RelayAccount[], own?: string): Promise<Authentication> {
    const done = new Promise<Authentication>((resolved, rejected) => {
      this.turn((now) => {
        const authentication = this.#endpoint.authenticate({ relays, ...(own === undefined ? {} : { own }) }, now);
        this.#asked.set(authentication, {
          done: () => resolved(authentication),
          failed: (failure) => rejected(refusal(whyRefused(failure, relays), failure)),
        });
      });
    });
    return this.during(done);
  }

  /** Asks our relays whether they still know us; see `loseWithRelays`. */
  probe(authentication: Authentication): void {
    this.turn((now) => this.#endpoint.probe(authentication, now));
  }

  open(options: SessionOptions): Session {
    return this.#endpoint.open(options);
  }

  /** Calls core; what is thrown fails everything that is being waited for. */
  turn(work: (now: Millis) => void): void {
    this.#driver.turn(work);
  }

  /** The same promise, unless the connection ends first. */
  during<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#over.promise]);
  }

  /** Ends the connection; what was written is still sent. */
  async end(): Promise<void> {
    this.turn((now) => this.#endpoint.close(now));
    await this.#driver.emptied();
    this.#driver.stop();
  }
}

/** The relays that act for us, and where the first of them is. */
export interface GivenRelays {
  readonly hop: Hop;
  /** Nearest first; empty without --user. */
  readonly accounts: readonly RelayAccount[];
}

/** The relays that --via and `relay` name, with the user that --user and --password mean at each. */
export async function givenRelays(given: Given, terminal: Terminal, relay: GivenUri): Promise<GivenRelays> {
  const uris = [...given.all("via").map(givenUri), relay];
  const { hop } = uris[0] as GivenUri;
  const username = given.text("user");
  if (username === undefined) {
    if (uris.length > 1) throw new UsageError("--via needs --user: we are known to every relay on the way");
    return { hop, accounts: [] };
  }
  const password = given.text("password") ?? (await terminal.readSecret(`Password of ${username}: `));
  return { hop, accounts: uris.map(({ text }) => ({ uri: text, username, credential: { password } })) };
}

/** What to throw for a failure: a Break where trying again makes sense. */
export function refusal(message: string, { by, status }: Failure): Refusal {
  const mayPass = by === "connection" || by === "timeout" || MAY_PASS.has(status);
  return mayPass ? new Break(message, status) : new Refusal(message);
}

/** A failure in a line. */
export function whyFailed({ by, status, comment }: Failure): string {
  const code = status === 0 ? "" : `${status} `;
  return by === "report" ? `reported as failed: ${code}${comment}` : `${code}${comment}`;
}

function whyRefused(failure: Failure, relays: readonly RelayAccount[]): string {
  const { username } = relays[0] as RelayAccount;
  const where = relays.map(({ uri }) => uri).join(" or ");
  if (failure.by === "response" && failure.status === 401)
    return `${where} does not know ${username} with that password (401)`;
  // What relays do when AUTH is for a domain they do not serve, or when octets without TLS come to a TLS port.
  if (failure.by === "connection") return `${where} hung up: does it serve that domain, and is it msrps or msrp?`;
  return `${where} refused: ${whyFailed(failure)}`;
}

function readAuthority(file: string): string {
  try {
    const pem = readFileSync(file, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  } catch (error) {
    throw new Refusal(`cannot read ${file}: ${whyUnreadable(error)}`);
  }
  throw new Refusal(`${file} holds no PEM certificate`);
}
