/**
 * A relay with everything around it: listeners, account stores, dials and the admin listener, joined by one driver.
 *
 * `parley serve` starts one; tests and benchmarks start them in their own process.
 */
import { randomFillSync } from "node:crypto";
import { setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  type Credential,
  type Feed,
  type Happening,
  type Hop,
  type Host,
  type Link,
  type Millis,
  Relay,
  type SessionWanted,
  type Ticket,
} from "../../core/mod.ts";
import { Accounts, type AccountsNews } from "../accounts/accounts.ts";
import { type OpenStore, openStore } from "../accounts/open.ts";
import type { ListenerSettings, Settings } from "../config/settings.ts";
import type { Control } from "../control/control.ts";
import { LocalControl, type Orders } from "../control/local-control.ts";
import { type Drainable, Drains, LAST_AUTHS_MS } from "../operation/drain.ts";
import type { Reloadable } from "../operation/reloader.ts";
import { passesOnWaiting, SETTING } from "../operation/shared-ports.ts";
import { Webhooks } from "../control/webhooks.ts";
import { Records } from "../records/records.ts";
import { authority } from "../shared/address.ts";
import { Decision, type Verdict } from "../policy/decision.ts";
import { AddressLimits } from "../shared/address-limits.ts";
import { MemoryCeiling } from "../shared/memory-ceiling.ts";
import { systemClock } from "../shared/clock.ts";
import { Driver } from "../shared/driver.ts";
import { Egress } from "../shared/egress.ts";
import type { DialOptions, KeyPair, Listening, Runtime, TlsServerOptions, Way } from "../shared/runtime.ts";
import { waysToDial } from "../shared/way.ts";
import type { Siblings } from "../workers/siblings.ts";
import { describe, type Log } from "./log.ts";
import { RunningAdmin } from "./running-admin.ts";
import { VERSION } from "./version.ts";

/** How long a client may take for its TLS handshake, and a next hop to answer, in seconds. */
const HANDSHAKE_SECONDS = 10;
const DIAL_SECONDS = 10;
/** How often handshakes are counted that we wait for (ms). */
const HANDSHAKE_LOOK_MS = 20;
/** For how long an account store is kept that a reload has replaced: it may have been asked just before. */
const LAST_ANSWERS_MS = 10_000;

export interface ListeningAt {
  readonly name: string;
  /** Where clients connect, with the real port. */
  readonly url: string;
  readonly port: number;
  /** Scheme, host and port of the URIs handed out there. */
  readonly advertised: string;
  /** The same as data. */
  readonly advertising: Hop;
  /** With several workers, the ports that their URIs have instead of that one. */
  readonly ownPorts?: readonly number[];
  /** By which of the runtime's functions. */
  readonly via: Way;
}

/** What `serve` runs: one relay in this process, or several workers. */
export interface Serving extends Reloadable {
  readonly workers: number;
  /** What an operator may see and do. */
  readonly control: Control & Pick<LocalControl, "occurred"> & { orders: Partial<Pick<Orders, "reload">> };
  readonly drains: Pick<Drains, "start" | "over">;
  /** How long sessions may go on when we are told to stop, as the configuration that runs has it. */
  readonly drainSeconds: number;
  readonly listening: readonly ListeningAt[];
  /** By which of the runtime's functions we connect to next hops of each scheme we dial. */
  readonly dialing: readonly { readonly scheme: "msrp" | "msrps"; readonly via: Way }[];
  /** `http://127.0.0.1:8080`, when there is an admin listener. */
  readonly adminUrl: string | undefined;
  /** Takes no more connections, ends those that are there politely, and after `patience` the others as well. */
  stop(patience: Millis): Promise<void>;
}

export class RelayProgram implements Host, Serving, Drainable {
  readonly workers = 1;
  /** What an operator may see and do here. */
  readonly control: LocalControl;
  readonly drains: Drains;
  readonly #runtime: Runtime;
  #settings: Settings;
  readonly #log: Log;
  readonly #driver: Driver;
  #dialOptions: DialOptions;
  readonly #openStore: OpenStore;
  /** Where this is one of several workers, the others. */
  readonly #siblings: Siblings | undefined;
  readonly #listening: Listening[];
  /** One object for all listeners. */
  readonly #limits: AddressLimits;
  /** How many there are. */
  #sessions: number;
  #accounts: Accounts | undefined;
  #decision: Decision | undefined;
  readonly #memory: MemoryCeiling;
  #relay: Relay | undefined;
  #admin: RunningAdmin | undefined;
  #webhooks: Webhooks | undefined;
  #records: Records | undefined;
  /** Why the dial failed that core is being told of; see `note`. */
  #dialDetail: string;
  #stopping: boolean;

  private constructor(runtime: Runtime, settings: Settings, log: Log, open: OpenStore, siblings?: Siblings) {
    this.drains = new Drains(this, (level, event, text, fields) => {
      log.write(level, event, text, fields);
      if (level !== "debug") this.control.occurred(event, text, fields);
    });
    this.#runtime = runtime;
    this.#settings = settings;
    this.#log = log;
    this.#driver = new Driver({
      clock: systemClock,
      onBug: (bug) => log.write("error", "bug", `a bug of ours: ${bug instanceof Error ? bug.stack : String(bug)}`),
    });
    this.#dialOptions = dialOptions(settings);
    this.#openStore = open;
    this.#siblings = siblings;
    this.#listening = [];
    this.#limits = new AddressLimits(settings.limits);
    this.#sessions = 0;
    this.#accounts = undefined;
    this.#decision = this.#openDecision(settings);
    this.#memory = new MemoryCeiling(settings.limits.memoryMegabytes, {
      full: (isFull) => {
        this.#limits.isMemoryFull = isFull;
      },
      makeRoom: () => this.#limits.makeRoom(),
      tell: (event, text) => {
        log.write("warning", event, text);
        this.control.occurred(event, text, {});
      },
    });
    this.#relay = undefined;
    this.#admin = undefined;
    this.#webhooks = undefined;
    this.#records = undefined;
    this.#dialDetail = "";
    this.#stopping = false;
    this.control = new LocalControl({
      worker: String(siblings?.share.worker ?? 1),
      relay: () => this.#relay,
      now: () => this.#driver.clock.now(),
      turn: (work) => this.#driver.turn(work),
      about: () => this.#about(),
      certificates: () => expiries(this.#settings),
      accounts: () => this.#accounts,
      webhooks: () => this.#webhooks?.sizes ?? new Map<string, number>(),
      records: () => this.#records?.views ?? [],
    });
    const { drains } = this;
    this.control.orders.drain = (seconds = this.drainSeconds) => drains.start(seconds);
    this.control.orders.undrain = () => drains.cancel();
    this.control.orders.drained = () => drains.current;
    this.control.orders.logLevels = async () => log.levels;
    this.control.orders.setLogLevel = async (category, level) => {
      const known = log.setLevel(category, level);
      if (known)
        this.#log.write("info", "operationLogLevel", `log level of ${category || "parley"}: ${level}`, { category });
      return known;
    };
  }

  /**
   * @param open  opens the account stores
   * @throws Error with words for the operator; nothing is left open then
   */
  static async start(
    runtime: Runtime,
    settings: Settings,
    log: Log,
    open: OpenStore = openStore,
    siblings?: Siblings,
  ): Promise<RelayProgram> {
    const program = new RelayProgram(runtime, settings, log, open, siblings);
    try {
      await program.#open();
    } catch (error) {
      await program.#closeDoors();
      program.#driver.stop();
      throw error;
    }
    return program;
  }

  get listening(): ListeningAt[] {
    return this.#listening.map(({ port, via }, index) => {
      const listener = this.#settings.listeners[index] as ListenerSettings;
      const config = this.#settings.relay.listeners[index];
      const at = config?.advertise ?? { secure: false, host: listener.host, port };
      const advertising = { ...at, port: at.port === 0 ? port : at.port };
      return {
        name: listener.name,
        port,
        url: `${listener.tls === undefined ? "msrp" : "msrps"}://${authority(listener.host, port)}`,
        advertised: uriOf(advertising),
        advertising,
        via,
      };
    });
  }

  get dialing(): { readonly scheme: "msrp" | "msrps"; readonly via: Way }[] {
    const { plain, tls } = waysToDial(this.#runtime.dials, this.#dialOptions.from);
    const secure = { scheme: "msrps", via: tls } as const;
    return this.#settings.outgoing.plain ? [secure, { scheme: "msrp", via: plain }] : [secure];
  }

  get adminUrl(): string | undefined {
    return this.#admin?.url;
  }

  /** Who may authenticate; undefined until it has started. */
  get accounts(): Accounts | undefined {
    return this.#accounts;
  }

  get drainSeconds(): number {
    return this.#settings.drain.seconds;
  }

  // What Drains asks.

  get sessions(): number {
    return this.#sessions;
  }

  get connections(): number {
    return this.#limits.total;
  }

  /**
   * A listener whose port is shared takes no more connections meanwhile: they are for whoever shares it. The others do,
   * since those who send to our sessions have to reach us.
   */
  async refuseSessions(on: boolean): Promise<void> {
    let shared = false;
    for (const [index, listener] of this.#settings.listeners.entries()) {
      if (listener.reusePort !== true) continue;
      shared = true;
      const listening = this.#listening[index];
      if (on) await listening?.stopAccepting();
      else this.#listening[index] = await this.#listen(listener, listening?.port);
    }
    if (on && shared) await this.#handshakesOver();
    this.#driver.turn((now) => this.#relay?.drain(on, now));
  }

  /** Who came by a port that is shared may not be sent elsewhere: elsewhere is the same port. */
  async #handshakesOver(): Promise<void> {
    const known = () => this.#relay?.connectionsNow().filter(({ listener }) => listener !== undefined).length ?? 0;
    const enough = this.#driver.clock.now() + LAST_AUTHS_MS;
    while (this.#limits.total > known() && this.#driver.clock.now() < enough) await sleep(HANDSHAKE_LOOK_MS);
  }

  async stop(patience: Millis): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#listening.map((listening) => listening.close()));
    this.#driver.turn((now) => this.#relay?.shutdown(now));
    const enough = new AbortController();
    await Promise.race([this.#driver.emptied(), sleep(patience, undefined, { signal: enough.signal }).catch(() => {})]);
    enough.abort();
    this.#driver.stop();
    await this.#closeDoors();
  }

  /**
   * Takes over other settings while sessions go on: what of them differs from those that run. Addresses and names of
   * listeners, and the admin listener, stay as they are.
   *
   * @throws Error with words for the operator; nothing has changed then
   */
  async apply(next: Settings): Promise<void> {
    const before = this.#settings;
    // First, because a store that cannot be opened is the one thing here that may fail.
    const same = isDeepStrictEqual([next.accounts, next.accountsOf], [before.accounts, before.accountsOf]);
    if (!same) this.#changeAccounts(await this.#openAccounts(next));
    this.#settings = next;
    if (!isDeepStrictEqual(next.log, before.log)) this.#log.configure(next.log, next.data);
    this.#limits.limits = next.limits;
    this.#memory.megabytes = next.limits.memoryMegabytes;
    if (!isDeepStrictEqual(next.decision, before.decision)) {
      this.#decision?.close();
      this.#decision = this.#openDecision(next);
    }
    this.#dialOptions = dialOptions(next);
    this.#driver.turn((now) => this.#relay?.reconfigure(this.#withRealPorts(), now));
    await this.#showCertificates(before);
    this.#admin?.use(next);
  }

  #openAccounts({ accounts, accountsOf }: Settings): Promise<Accounts> {
    return Accounts.open(accounts, accountsOf, (news) => this.#tellOf(news), this.#openStore);
  }

  #openDecision({ decision }: Settings): Decision | undefined {
    return decision === undefined
      ? undefined
      : new Decision(decision, {
          tell: ({ event, text }) => {
            this.#log.write(event === "policyUp" ? "info" : "warning", event, text);
            this.control.occurred(event, text, {});
          },
          count: (outcome) => this.control.metricsHere.count("parley_policy_decisions_total", { outcome }),
        });
  }

  #changeAccounts(accounts: Accounts): void {
    const before = this.#accounts;
    this.#accounts = accounts;
    // Somebody may still be waiting for an answer of theirs.
    setTimeout(() => void before?.close(), LAST_ANSWERS_MS).unref();
  }

  /** A listener that cannot take its certificates keeps those it has. */
  async #showCertificates(before: Settings): Promise<void> {
    for (const [index, { name: listener, tls }] of this.#settings.listeners.entries()) {
      if (tls === undefined || isDeepStrictEqual(plain(tls), plain(before.listeners[index]?.tls))) continue;
      try {
        await this.#listening[index]?.setTls(tls);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const text = `${listener} keeps its certificates: ${why}`;
        this.#log.write("error", "certificateRefused", text, { listener, why });
      }
    }
  }

  async #open(): Promise<void> {
    const settings = this.#settings;
    const { control } = this;
    this.#accounts = await this.#openAccounts(settings);
    // Before there are sessions: one that ends has to be kept.
    const { data, records } = settings;
    this.#records = await Records.open(records, {
      data,
      share: this.#siblings?.share ?? { worker: 1, of: 1 },
      tell: (level, event, text, fields) => {
        this.#log.write(level, event, text, fields);
        control.occurred(event, text, fields);
      },
    });
    // RFC 4976 §6.5: a newcomer takes the place of a connection that nobody uses.
    this.#limits.makeRoom = () => {
      let made = false;
      this.#driver.turn((now) => {
        made = this.#relay?.closeLeastUsed(now) ?? false;
      });
      return made;
    };
    for (const listener of settings.listeners) this.#listening.push(await this.#listen(listener));
    this.#relay = new Relay(this.#withRealPorts(), this, this.#driver.clock.now());
    this.#driver.register(this.#relay);
    this.#webhooks = await Webhooks.open(settings.webhooks, settings.data, control, {
      count: (webhook, outcome) => control.metricsHere.count("parley_webhook_deliveries_total", { webhook, outcome }),
      tell: (level, text, webhook) => this.#log.write(level, "webhook", text, { webhook }),
    });
    this.#admin = await RunningAdmin.open(settings, { control, log: this.#log, stopping: () => this.#stopping });
    this.#tellWays();
  }

  /** @param again  the port it had before */
  #listen(listener: ListenerSettings, again?: number): Promise<Listening> {
    const { name, host, port, reusePort, proxyProtocol, tls } = listener;
    return this.#runtime.listen(
      {
        host,
        port: again ?? port,
        ...(reusePort === true && { reusePort }),
        ...(proxyProtocol !== undefined && { proxyProtocol: believing(proxyProtocol) }),
        ...(tls === undefined ? {} : { tls }),
        handshakeSeconds: HANDSHAKE_SECONDS,
        limits: this.#limits,
        refused: (why, address, detail) => {
          this.#log.write("warning", "connectionRefused", `${address || name} refused: ${why} (${detail})`, {
            listener: name,
            peer: address,
            why,
            detail,
          });
          this.control.refused(why, name, address, detail);
        },
      },
      this.#driver,
      (link, now) => this.#accepted(link, name, now),
    );
  }

  #tellOf(news: AccountsNews): void {
    this.#log.accounts(news);
    const { event, text, ...fields } = news;
    this.control.occurred(event, text, fields);
  }

  /** People read it on standard output; here it is for those who read logs. */
  #tellWays(): void {
    for (const { name: listener, url, via } of this.listening) {
      this.#log.write("debug", "listening", `${listener} is ${url}, ${inWords(via)}`, { listener, url, ...via });
    }
    // Workers share a port with each other, and leave it together: only their own ones are shared with somebody else.
    const { listeners } = this.#settings;
    const mine = this.#siblings === undefined ? listeners : listeners.slice(0, listeners.length / 2);
    const shared = mine.find(({ reusePort }) => reusePort === true);
    if (shared !== undefined && passesOnWaiting() === false) {
      const text = `${shared.name} shares its port: set ${SETTING} to 1, or connections that wait to be accepted are reset when we leave it`;
      this.#log.write("warning", "portShared", text, { listener: shared.name });
    }
    for (const { scheme, via } of this.dialing) {
      this.#log.write("debug", "dialing", `next hops of ${scheme} are dialled ${inWords(via)}`, { scheme, ...via });
    }
  }

  #withRealPorts(): Settings["relay"] {
    const { relay } = this.#settings;
    const listeners = relay.listeners.map((listener) => {
      // A worker listens twice by one name, and gives out the port of the first.
      const index = relay.listeners.findIndex(({ name }) => name === listener.name);
      const port = listener.advertise.port === 0 ? (this.#listening[index]?.port ?? 0) : listener.advertise.port;
      return { ...listener, advertise: { ...listener.advertise, port } };
    });
    return { ...relay, listeners };
  }

  #accepted(link: Link, listener: string, now: Millis): Feed {
    if (this.#relay !== undefined) return this.#relay.accepted(link, listener, now);
    link.close(); // the first listener is open and the last is not yet
    return { received() {}, writable() {}, ended() {} };
  }

  async #closeDoors(): Promise<void> {
    await Promise.all(this.#listening.map((listening) => listening.close()));
    await this.#admin?.close();
    await this.#webhooks?.close();
    await this.#records?.close();
    this.control.stop();
    this.#memory.stop();
    this.#decision?.close();
    await this.#accounts?.close();
  }

  // What core asks.

  dial(hop: Hop, ticket: Ticket): void {
    const near = this.#siblings?.find(hop);
    // Core refuses this itself, unless siblings are reached so.
    if (near === undefined && !hop.secure && !this.#settings.outgoing.plain) {
      this.#driver.later((now) => this.#relay?.dialFailed(ticket, "POLICY", now));
      return;
    }
    const took = this.control.metricsHere.stopwatch("parley_dial_duration_seconds");
    this.#runtime.dial(near?.hop ?? hop, near?.options ?? this.#dialOptions, this.#driver, {
      opened: (link, now) => {
        took({ outcome: "OK" });
        return this.#relay?.dialed(ticket, link, now) as Feed;
      },
      failed: (why, detail, now) => {
        took({ outcome: why });
        this.#dialDetail = detail;
        this.#relay?.dialFailed(ticket, why, now);
        this.#dialDetail = "";
      },
    });
  }

  decideSession(session: SessionWanted, ticket: Ticket): void {
    const answer = (verdict: Verdict) => this.#driver.turn((now) => this.#relay?.decided(ticket, verdict, now));
    void (this.#decision?.decide(session) ?? Promise.resolve("UNAVAILABLE" as const)).then(answer);
  }

  findCredential(username: string, realm: string, ticket: Ticket): void {
    const answer = (found: Credential | undefined | "UNAVAILABLE") =>
      this.#driver.turn((now) => this.#relay?.credential(ticket, found, now));
    // Why it is unavailable has been told by the accounts.
    this.#accounts?.find(username, realm).then(answer, () => answer("UNAVAILABLE"));
  }

  fillRandom(target: Uint8Array): void {
    randomFillSync(target);
  }

  note(happening: Happening): void {
    if (happening.type === "sessionStarted") this.#sessions++;
    if (happening.type === "sessionEnded") this.#sessions--;
    const detail = happening.type === "dialFailed" ? this.#dialDetail : "";
    const now = this.#driver.clock.now();
    if (happening.type === "sessionEnded") this.#records?.ended(happening, now);
    this.#log.happening(happening, now, detail);
    const line = describe(happening, now);
    // Of AUTH the log has the fault at its level; here it is the name of the user that is wanted.
    const worthAnEvent =
      line.level !== "debug" || (happening.type === "authRefused" && happening.fault !== "AUTH_STALE");
    this.control.happened(happening, worthAnEvent ? line : undefined, detail);
  }

  #about(): ReturnType<ConstructorParameters<typeof LocalControl>[0]["about"]> {
    const { hostname, accountsOf } = this.#settings;
    const listeners = this.listening.map(({ name, url, advertised }) => ({ name, url, advertised }));
    return { version: VERSION, runtime: this.#runtime.name, hostname, listeners, domains: [...accountsOf.keys()] };
  }
}

/** When each certificate ends, by the key of the configuration that names it. */
function expiries({ certificates }: Settings): Map<string, number> {
  return new Map([...certificates].map(([key, { certificate }]) => [key, Date.parse(certificate.validTo)]));
}

function dialOptions({ outgoing }: Settings): DialOptions {
  return {
    egress: new Egress(outgoing.allow),
    from: outgoing.from.map(({ to, address }) => ({ to: new Egress([to]), address })),
    timeoutSeconds: DIAL_SECONDS,
    tls: outgoing.tls,
  };
}

/** Without the parsed certificates, which no comparison can see into. */
function plain(tls: TlsServerOptions | undefined) {
  const bare = ({ cert, key }: KeyPair) => ({ cert, key });
  if (tls === undefined) return undefined;
  return { ...tls, fallback: bare(tls.fallback), byName: [...tls.byName].map(([name, pair]) => [name, bare(pair)]) };
}

function believing({ from }: NonNullable<ListenerSettings["proxyProtocol"]>): { readonly from?: Egress } {
  return from === undefined ? {} : { from: new Egress(from) };
}

/** `msrps://relay.example.com:2855` */
export function uriOf({ secure, host, port }: Hop): string {
  return `${secure ? "msrps" : "msrp"}://${authority(host, port)}`;
}

export function inWords({ api, because }: Way): string {
  return `by ${api}, because ${because}`;
}
