/**
 * An MSRP client that knows the protocol: core's Endpoint over a real socket, with promises for tests to wait on.
 *
 * For a client that breaks the rules, or shows every octet, see `wire-client.ts`.
 */
import { createHash, type Hash, randomFillSync } from "node:crypto";
import { systemClock } from "../../adapters/shared/clock.ts";
import { Driver } from "../../adapters/shared/driver.ts";
import { Egress } from "../../adapters/shared/egress.ts";
import type { Runtime } from "../../adapters/shared/runtime.ts";
import type { Authentication, RelayAccount } from "../../core/endpoint/authentication.ts";
import { Endpoint } from "../../core/endpoint/endpoint.ts";
import type { Failure } from "../../core/endpoint/failure.ts";
import type { IncomingMessage } from "../../core/endpoint/incoming-message.ts";
import type { MessageOptions, OutgoingMessage, OutgoingState } from "../../core/endpoint/outgoing-message.ts";
import type { Session, SessionOptions } from "../../core/endpoint/session.ts";
import type { Report, SessionSink } from "../../core/endpoint/sinks.ts";
import type { Content } from "./content.ts";
import { until } from "./wait.ts";

export interface NodeClientOptions {
  readonly runtime: Runtime;
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Present: TLS, and this authority (PEM) is believed. */
  readonly authority?: string;
}

/** A message that has come, or is coming. */
export interface Arrival {
  readonly message: IncomingMessage;
  /** Of the octets in the order in which they came. */
  readonly hash: Hash;
  /** Octets that have come, in whatever session. */
  size: number;
  /** Octets that have come in this one. */
  came: number;
  /** It began in an earlier session. */
  resumed: boolean;
  /** All octets so far came in order, and none of them twice in one session. */
  ordered: boolean;
  done: boolean;
}

export class NodeClient {
  readonly endpoint: Endpoint;
  /** Why the connection is over. */
  endedBy: string | undefined;
  readonly bugs: unknown[] = [];
  readonly #driver: Driver;
  /** Those who wait to be told about their AUTH. */
  readonly #asking: Map<Authentication, (failure: Failure | undefined) => void>;

  private constructor(secure: boolean) {
    this.#driver = new Driver({ clock: systemClock, onBug: (bug) => this.bugs.push(bug) });
    this.#asking = new Map();
    this.endpoint = new Endpoint({
      host: { secure, host: "client.invalid", port: 2855 },
      fillRandom: (target) => void randomFillSync(target),
      sink: {
        authenticated: (authentication) => this.#asking.get(authentication)?.(undefined),
        authenticationFailed: (authentication, failure) => this.#asking.get(authentication)?.(failure),
        ended: (why) => {
          this.endedBy = why;
        },
      },
    });
    this.#driver.register(this.endpoint);
  }

  static open(options: NodeClientOptions): Promise<NodeClient> {
    const { authority, host = "127.0.0.1", port, runtime } = options;
    const client = new NodeClient(authority !== undefined);
    const dialing = {
      egress: new Egress(["loopback"]),
      timeoutSeconds: 10,
      tls: { ca: authority === undefined ? [] : [authority], system: false },
    };
    return new Promise((resolve, reject) => {
      runtime.dial({ secure: authority !== undefined, host, port }, dialing, client.#driver, {
        opened: (link, now) => {
          resolve(client);
          return client.endpoint.connected(link, now);
        },
        failed: (why, detail) => reject(new Error(`${why}: ${detail}`)),
      });
    });
  }

  /** Authenticates at a chain of relays, the one this client is connected to first. */
  authenticate(...relays: readonly RelayAccount[]): Promise<Authentication> {
    return new Promise((resolve, reject) => {
      this.#driver.turn((now) => {
        const authentication = this.endpoint.authenticate({ relays }, now);
        this.#asking.set(authentication, (failure) => {
          if (failure === undefined) resolve(authentication);
          else reject(new Error(`AUTH failed: ${failure.by} ${failure.status} ${failure.comment}`));
        });
      });
    });
  }

  /**
   * Opens a session behind the relays that `authentication` is about.
   *
   * @param earlier  a session that has failed, whose messages may go on here
   */
  talk(authentication: Authentication, options: Omit<SessionOptions, "sink"> = {}, earlier?: Talk): Talk {
    const { own, usePath } = authentication;
    return new Talk(this.endpoint, this.#driver, { own, usePath, ...options }, earlier);
  }

  /** Drops the connection. Throws when the driver has caught a bug. */
  end(): void {
    this.#driver.stop();
    if (this.bugs.length > 0) throw new Error("the driver has caught a bug", { cause: this.bugs[0] });
  }
}

/** One session of a client. */
export class Talk {
  readonly session: Session;
  /** Messages in the order in which their first octets came. */
  readonly arrivals: Arrival[] = [];
  readonly reports: Report[] = [];
  readonly #driver: Driver;
  readonly #byMessage: Map<IncomingMessage, Arrival> = new Map();
  readonly #contents: Map<OutgoingMessage, Content> = new Map();

  constructor(endpoint: Endpoint, driver: Driver, options: Omit<SessionOptions, "sink">, earlier?: Talk) {
    this.#driver = driver;
    const sink: SessionSink = {
      wanted: (message, room, now) => this.#supply(message, room, now),
      reported: (_message, report) => void this.reports.push(report),
      messageStarted: (message) => {
        const before = earlier?.arrivals.find((one) => one.message.id === message.id);
        for (const [start, end] of before?.message.received.toArray() ?? []) message.have(start, end);
        const fresh = { hash: createHash("sha256"), size: 0, ordered: true };
        const arrival = { ...fresh, ...before, message, came: 0, done: false, resumed: before !== undefined };
        this.arrivals.push(arrival);
        this.#byMessage.set(message, arrival);
      },
      octets: (message, position, source, start, end) => {
        const arrival = this.#byMessage.get(message);
        if (arrival === undefined) return;
        arrival.came += end - start;
        // What comes again after a break is not news.
        const known = arrival.resumed ? Math.min(end - start, Math.max(0, arrival.size - position)) : 0;
        if (position + known !== arrival.size && known < end - start) arrival.ordered = false;
        arrival.hash.update(source.subarray(start + known, end));
        arrival.size += end - start - known;
      },
      messageEnded: (message) => {
        const arrival = this.#byMessage.get(message);
        if (arrival !== undefined) arrival.done = true;
      },
    };
    this.session = endpoint.open({ ...options, sink });
  }

  /** The path the peer is told of, as `a=path` would. */
  get path(): string {
    const { own, toPath } = this.session;
    return toPath === "" ? own : toPath;
  }

  send(options: MessageOptions): OutgoingMessage {
    let message: OutgoingMessage | undefined;
    this.#driver.turn((now) => {
      message = this.session.send(options, now);
    });
    return message as OutgoingMessage;
  }

  /** Sends octets without keeping them in memory. */
  stream(content: Content, options: MessageOptions = {}): OutgoingMessage {
    const { from = 0 } = options;
    const total = from + content.left;
    let message: OutgoingMessage | undefined;
    this.#driver.turn((now) => {
      message = this.session.send({ contentType: "application/octet-stream", total, ...options }, now);
      this.#contents.set(message, content);
      this.#supply(message, message.room, now);
    });
    return message as OutgoingMessage;
  }

  pause(): void {
    this.#driver.turn(() => this.session.pause());
  }

  resume(): void {
    this.#driver.turn(() => this.session.resume());
  }

  /** Waits until one of ours has come so far. */
  async reaches(message: OutgoingMessage, state: OutgoingState, milliseconds = 10_000): Promise<void> {
    await until(
      () => message.state === state || message.state === "failed",
      () => `the message to be ${state}; it is ${message.state}, ${message.octetsSent} octets of it are sent`,
      milliseconds,
    );
    if (message.state !== state) throw new Error(`the message has failed: ${JSON.stringify(message.failure)}`);
  }

  /** Waits for the `count`th message to have come. */
  async arrived(count: number, milliseconds = 10_000): Promise<Arrival> {
    const what = () => {
      const last = this.arrivals.at(-1);
      return `message ${count}; ${this.arrivals.length} have begun, ${last?.size ?? 0} octets of the last have come`;
    };
    await until(() => this.arrivals[count - 1]?.done === true, what, milliseconds);
    return this.arrivals[count - 1] as Arrival;
  }

  #supply(message: OutgoingMessage, room: number, now: number): void {
    const content = this.#contents.get(message);
    if (content === undefined || room === 0 || content.left === 0) return;
    message.write(content.take(room), now);
  }
}
