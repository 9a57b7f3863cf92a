/** A Control with a small world in it: two sessions, three connections, and whatever a test changes. */
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
} from "../../adapters/control/control.ts";
import { Occurrences } from "../../adapters/control/occurrences.ts";

const idle = { messagesIn: 0, messagesOut: 0, filesIn: 0, filesOut: 0, reportsIn: 0, reportsOut: 0 };

export function sessionView(id: string, over: Partial<SessionView> = {}): SessionView {
  return {
    id,
    user: "alice",
    domain: "example.com",
    connection: "1.1",
    listener: "public",
    address: "192.0.2.1",
    port: 40_000,
    secure: true,
    peers: ["bob.example.net:2855"],
    startedAt: 1_000,
    expiresAt: 90_000,
    usedAt: 2_000,
    traffic: { ...idle, bytesIn: 10, bytesOut: 20 },
    ...over,
  };
}

export function connectionView(id: string, over: Partial<ConnectionView> = {}): ConnectionView {
  return {
    id,
    direction: "accepted",
    listener: "public",
    address: "192.0.2.1",
    port: 40_000,
    secure: true,
    names: [],
    openedAt: 1_000,
    usedAt: 2_000,
    bytesIn: 100,
    bytesOut: 200,
    backlog: 0,
    sessions: 1,
    transactions: 0,
    held: false,
    ...over,
  };
}

export class FakeControl implements Control {
  sessionViews: SessionView[] = [sessionView("1.1"), sessionView("1.2", { user: "bob", startedAt: 3_000 })];
  connectionViews: ConnectionView[] = [
    connectionView("1.1"),
    connectionView("1.2", { openedAt: 3_000, backlog: 7 }),
    connectionView("1.3", { direction: "dialed", hop: "msrps://bob.example.net:2855", openedAt: 2_000, bytesIn: 999 }),
  ];
  explanations: Explanation[] = [];
  families: MetricFamily[] = [];
  draining: Drain | undefined;
  levels: Record<string, string> = { parley: "info" };
  reloadBrings: Reloaded = { ok: true, problems: [], applied: ["log.level"], needsRestart: [] };
  readonly forgotten: string[] = [];
  readonly happened = new Occurrences(0);
  tracing: ((frame: TracedFrame) => void) | undefined;
  /** What each method throws from now on. */
  broken: Error | undefined;

  async info(): Promise<Info> {
    this.#check();
    return {
      version: "0.1.0",
      runtime: "node",
      hostname: "relay.example.com",
      startedAt: 500,
      workers: 1,
      listeners: [{ name: "public", url: "msrps://0.0.0.0:2855", advertised: "msrps://relay.example.com:2855" }],
      domains: ["example.com"],
      sessions: this.sessionViews.length,
      connections: this.connectionViews.length,
      ...(this.draining !== undefined && { drain: this.draining }),
    };
  }

  async sessions(): Promise<SessionView[]> {
    this.#check();
    return this.sessionViews;
  }

  async connections(): Promise<ConnectionView[]> {
    return this.connectionViews;
  }

  async endSession(id: string): Promise<boolean> {
    const before = this.sessionViews.length;
    this.sessionViews = this.sessionViews.filter((view) => view.id !== id);
    return this.sessionViews.length < before;
  }

  async endConnection(id: string): Promise<boolean> {
    const before = this.connectionViews.length;
    this.connectionViews = this.connectionViews.filter((view) => view.id !== id);
    return this.connectionViews.length < before;
  }

  async explain(): Promise<Explanation[]> {
    return this.explanations;
  }

  async trace(id: string, _seconds: number, sink: (frame: TracedFrame) => void): Promise<(() => void) | undefined> {
    if (!this.sessionViews.some((view) => view.id === id)) return undefined;
    this.tracing = sink;
    return () => {
      this.tracing = undefined;
    };
  }

  events(after: number | undefined, sink: (occurrence: Occurrence) => void): () => void {
    return this.happened.follow(after, sink);
  }

  async metrics(): Promise<readonly MetricFamily[]> {
    return this.families;
  }

  async reload(): Promise<Reloaded> {
    this.#check();
    return this.reloadBrings;
  }

  async drain(seconds = 90): Promise<Drain> {
    this.#check();
    return (this.draining = { since: 0, deadline: seconds * 1000 });
  }

  async undrain(): Promise<void> {
    this.#check();
    this.draining = undefined;
  }

  async logLevels(): Promise<Readonly<Record<string, string>>> {
    return this.levels;
  }

  async setLogLevel(category: string, level: string): Promise<boolean> {
    if (!(category in this.levels)) return false;
    this.levels = { ...this.levels, [category]: level };
    return true;
  }

  async forgetAccount(username: string, domain: string): Promise<void> {
    this.forgotten.push(`${username}@${domain}`);
  }

  #check(): void {
    if (this.broken !== undefined) throw this.broken;
  }
}
