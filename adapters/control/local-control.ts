/**
 * Control over the one relay of this process.
 *
 * It hears what happens (`happened`, `refused`, `occurred`) and answers with copies. Core's clock means nothing to
 * people, so every time that leaves here has become Unix time.
 */
import type { ConnectionNow, Happening, Hop, Millis, Relay, SessionNow, TracedHead } from "../../core/mod.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { authority } from "../shared/address.ts";
import type { Refusal } from "../shared/runtime.ts";
import { Journal } from "./journal.ts";
import type {
  ConnectionView,
  Control,
  Drain,
  Explanation,
  Info,
  MetricFamily,
  Occurrence,
  Reloaded,
  SessionView,
  TracedFrame,
} from "./control.ts";
import { LocalMetrics, type Sources, transportOf } from "./local-metrics.ts";
import { NotOffered } from "./not-offered.ts";
import { Occurrences } from "./occurrences.ts";
import { Traces } from "./traces.ts";

/** What LocalControl is told of the program around it. */
export interface Program {
  /** `1` where there is one process. */
  readonly worker: string;
  /** Undefined while the program starts. */
  readonly relay: () => Relay | undefined;
  /** Core's clock, and a turn of its driver. */
  readonly now: () => Millis;
  readonly turn: (work: (now: Millis) => void) => void;
  readonly about: () => Pick<Info, "version" | "runtime" | "hostname" | "listeners" | "domains">;
  readonly certificates: Sources["certificates"];
  /** Events that wait, by webhook. */
  readonly webhooks?: Sources["webhooks"];
  readonly records?: Sources["records"];
  /** Undefined while they are not open. */
  readonly accounts: () => Accounts | undefined;
}

/** What is done by others than the relay. */
export interface Orders {
  reload(): Promise<Reloaded>;
  drain(seconds?: number): Promise<Drain>;
  undrain(): Promise<void>;
  drained(): Drain | undefined;
  logLevels(): Promise<Readonly<Record<string, string>>>;
  setLogLevel(category: string, level: string): Promise<boolean>;
}

/** A happening in words; the log's. */
export interface Words {
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export class LocalControl implements Control {
  readonly metricsHere: LocalMetrics;
  /** What the program can do, set by whoever can; the rest is refused with NotOffered. */
  orders: Partial<Orders>;
  readonly #program: Program;
  readonly #startedAt: number;
  readonly #occurrences: Occurrences;
  readonly #journal: Journal;
  readonly #traces: Traces;

  constructor(program: Program) {
    this.orders = {};
    this.#program = program;
    this.#startedAt = Date.now();
    this.#occurrences = new Occurrences(this.#startedAt);
    this.#journal = new Journal();
    const ask: ConstructorParameters<typeof Traces>[0] = (session, sink) =>
      this.#turn((relay) => relay.trace(session, sink));
    this.#traces = new Traces(ask, (at) => this.#toUnix()(at));
    const { worker, relay, about, certificates, accounts } = program;
    const { webhooks = () => new Map(), records = () => [] } = program;
    const { version, runtime } = about();
    this.metricsHere = new LocalMetrics({
      worker,
      version,
      runtime,
      startedAt: this.#startedAt,
      certificates,
      webhooks,
      records,
      domains: () => about().domains,
      draining: () => this.#drained() !== undefined,
      counters: () => relay()?.counters,
      sessions: () => relay()?.sessionsNow() ?? [],
      connections: () => relay()?.connectionsNow() ?? [],
      stores: () => accounts()?.views ?? [],
    });
  }

  // What the program tells.

  /** @param words  what the log says of it; undefined when it is not worth an event */
  happened(happening: Happening, words: Words | undefined, detail = ""): void {
    const at = Date.now();
    this.#journal.happened(happening, detail, at);
    this.#count(happening);
    if (happening.type === "sessionEnded") this.#traces.ended(happening.session);
    if (words !== undefined) this.occurred(happening.type, words.text, this.#withIds(words.fields), at);
  }

  /** A connection came and never reached the relay. */
  refused(why: Refusal, listener: string, address: string, detail: string): void {
    this.#journal.refused(why, listener, address, detail, Date.now());
    this.metricsHere.count("parley_connections_refused_total", { listener, why });
    const text = `${address || listener} refused: ${why} (${detail})`;
    this.occurred("connectionRefused", text, { why, listener, address, detail });
  }

  /** Whatever else is worth an event: a certificate was reloaded, a drain began. */
  occurred(type: string, text: string, fields: Words["fields"], at = Date.now()): void {
    this.#occurrences.add({ at, type, text, fields });
  }

  stop(): void {
    this.metricsHere.stop();
  }

  // Control.

  async info(): Promise<Info> {
    const census = this.#program.relay()?.census;
    const sessions = this.#program.relay()?.sessionsNow().length ?? 0;
    const drain = this.#drained();
    return {
      ...this.#program.about(),
      startedAt: this.#startedAt,
      workers: 1,
      sessions,
      connections: census?.connections ?? 0,
      ...(drain !== undefined && { drain }),
    };
  }

  async sessions(): Promise<SessionView[]> {
    const toUnix = this.#toUnix();
    return (this.#program.relay()?.sessionsNow() ?? []).map((session) => this.#sessionView(session, toUnix));
  }

  async connections(): Promise<ConnectionView[]> {
    const toUnix = this.#toUnix();
    return (this.#program.relay()?.connectionsNow() ?? []).map((connection) =>
      this.#connectionView(connection, toUnix),
    );
  }

  async endSession(id: string): Promise<boolean> {
    const number = this.#numberIn(id);
    return number !== undefined && this.#turn((relay, now) => relay.endSession(number, now));
  }

  async endConnection(id: string): Promise<boolean> {
    const number = this.#numberIn(id);
    return number !== undefined && this.#turn((relay, now) => relay.endConnection(number, now));
  }

  async explain(of: { readonly user?: string; readonly address?: string }): Promise<Explanation[]> {
    const { user } = of;
    const theirs = (this.#program.relay()?.sessionsNow() ?? []).filter(
      (session) => session.user === user || `${session.user}@${session.domain}` === user,
    );
    return this.#journal.about(
      of,
      theirs.flatMap(({ peers }) => peers),
    );
  }

  async trace(id: string, seconds: number, sink: (frame: TracedFrame) => void): Promise<(() => void) | undefined> {
    const number = this.#numberIn(id);
    if (number === undefined) return undefined;
    return this.#traces.follow(number, seconds, (head, at) => sink(this.#tracedFrame(id, head, at)));
  }

  events(after: number | undefined, sink: (occurrence: Occurrence) => void): () => void {
    return this.#occurrences.follow(after, sink);
  }

  metrics(): Promise<readonly MetricFamily[]> {
    return this.metricsHere.read();
  }

  async reload(): Promise<Reloaded> {
    return this.#order("reload")();
  }

  async drain(seconds?: number): Promise<Drain> {
    return this.#order("drain")(seconds);
  }

  async undrain(): Promise<void> {
    return this.#order("undrain")();
  }

  async logLevels(): Promise<Readonly<Record<string, string>>> {
    return this.#order("logLevels")();
  }

  async setLogLevel(category: string, level: string): Promise<boolean> {
    return this.#order("setLogLevel")(category, level);
  }

  async forgetAccount(username: string, domain: string): Promise<void> {
    this.#program.accounts()?.forget(username, domain);
  }

  // Inside.

  #order<Name extends keyof Orders>(name: Name): Orders[Name] {
    const order = this.orders[name];
    if (order === undefined) throw new NotOffered(`this program cannot ${orderNames[name]}`);
    return (order as (...args: never[]) => unknown).bind(this.orders) as Orders[Name];
  }

  #drained(): Drain | undefined {
    return this.orders.drained?.();
  }

  /** Work on the relay, in a turn of its own. */
  #turn<T>(work: (relay: Relay, now: Millis) => T): Promise<T | false> {
    return new Promise((resolve, reject) => {
      this.#program.turn((now) => {
        const relay = this.#program.relay();
        try {
          resolve(relay === undefined ? false : work(relay, now));
        } catch (bug) {
          reject(bug instanceof Error ? bug : new Error(String(bug)));
        }
      });
    });
  }

  /** From core's clock to ours, which may have been set meanwhile: so anew for each answer. */
  #toUnix(): (at: Millis) => number {
    const offset = Date.now() - this.#program.now();
    return (at) => Math.round(at + offset);
  }

  #id(number: number): string {
    return `${this.#program.worker}.${number}`;
  }

  /** The number in an id of ours. */
  #numberIn(id: string): number | undefined {
    const [, worker, digits] = /^([\w-]+)\.(\d{1,15})$/.exec(id) ?? [];
    return worker === this.#program.worker ? Number(digits) : undefined;
  }

  #withIds(fields: Words["fields"]): Words["fields"] {
    const { session, connection } = fields;
    return {
      ...fields,
      ...(typeof session === "number" && { session: this.#id(session) }),
      ...(typeof connection === "number" && { connection: this.#id(connection) }),
    };
  }

  #sessionView(now: SessionNow, toUnix: (at: Millis) => number): SessionView {
    const { session, connection, user, domain, peer, listener, relay, peers, traffic } = now;
    return {
      id: this.#id(session),
      user,
      domain,
      connection: this.#id(connection),
      listener: listener ?? "",
      address: peer.address,
      port: peer.port,
      secure: peer.secure,
      ...(relay !== undefined && { relay }),
      peers,
      startedAt: toUnix(now.startedAt),
      expiresAt: toUnix(now.expiresAt),
      usedAt: toUnix(now.usedAt),
      traffic,
    };
  }

  #connectionView(now: ConnectionNow, toUnix: (at: Millis) => number): ConnectionView {
    const { connection, listener, hop, peer, bytesIn, bytesOut, backlog, sessions, transactions, held } = now;
    return {
      id: this.#id(connection),
      direction: hop === undefined ? "accepted" : "dialed",
      ...(listener !== undefined && { listener }),
      ...(hop !== undefined && { hop: hopText(hop) }),
      address: peer.address,
      port: peer.port,
      secure: peer.secure,
      ...(peer.tls !== undefined && { tls: peer.tls }),
      names: peer.names,
      openedAt: toUnix(now.openedAt),
      usedAt: toUnix(now.usedAt),
      bytesIn,
      bytesOut,
      backlog,
      sessions,
      transactions,
      held,
    };
  }

  #tracedFrame(session: string, { direction, connection, head, bodyBytes }: TracedHead, at: number): TracedFrame {
    return { at, session, direction, connection: this.#id(connection), head, bodyBytes };
  }

  #count(happening: Happening): void {
    const { metricsHere: metrics } = this;
    switch (happening.type) {
      case "connectionOpened":
      case "connectionDialed": {
        const listener = happening.type === "connectionOpened" ? happening.listener : undefined;
        const { secure, tls: version = "unknown" } = happening.peer;
        if (secure) metrics.count("parley_tls_handshakes_total", { listener: listener ?? "", version });
        return metrics.count("parley_connections_opened_total", transportOf(listener, secure));
      }
      case "connectionClosed":
        return metrics.count("parley_connections_closed_total", { why: happening.why });
      case "sessionStarted":
        return metrics.count("parley_sessions_started_total", { domain: happening.domain });
      case "sessionEnded": {
        const { domain, why, startedAt } = happening;
        metrics.count("parley_sessions_ended_total", { domain, why });
        return metrics.observe("parley_session_duration_seconds", {}, (this.#program.now() - startedAt) / 1000);
      }
      case "authRefused":
      case "dialFailed":
      case "fault": // core counts these
    }
  }
}

const orderNames: Record<keyof Orders, string> = {
  reload: "read its configuration again",
  drain: "drain",
  undrain: "drain",
  drained: "drain",
  logLevels: "tell its log levels",
  setLogLevel: "change its log levels",
};

export function hopText({ secure, host, port }: Hop): string {
  return `${secure ? "msrps" : "msrp"}://${port === 0 ? host : authority(host, port)}`;
}
