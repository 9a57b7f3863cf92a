/**
 * What an operator may see and do, whether one relay runs in this process or several workers do.
 *
 * Everything is plain data that survives JSON, because a worker answers from another process. Ids name their worker
 * (`2.17`), so they are unique in all of parley. Times are Unix milliseconds. No URI that was handed out is ever here:
 * whoever knows one may send to its client.
 */

/** A lease, and what went through it. */
export interface SessionView {
  /** `WORKER.NUMBER`; the log calls it `session`. */
  readonly id: string;
  readonly user: string;
  readonly domain: string;
  /** The connection that its holder authenticated on. */
  readonly connection: string;
  readonly listener: string;
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  /** The relay that brought it (RFC 4976 §6.3), if it did not come from the client itself. */
  readonly relay?: string;
  /** Hosts (and ports) of those who exchange messages with its holder; at most a few, the latest last. */
  readonly peers: readonly string[];
  readonly startedAt: number;
  readonly expiresAt: number;
  readonly usedAt: number;
  readonly traffic: Traffic;
}

/** From the holder's point of view: `out` is what the holder sent. Octets are those of bodies. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Chunks that end a message (`$`). */
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Messages with a Content-Disposition of attachment or render of a file, or larger than a chunk: see core. */
  readonly filesIn: number;
  readonly filesOut: number;
  readonly reportsIn: number;
  readonly reportsOut: number;
}

export interface ConnectionView {
  readonly id: string;
  readonly direction: "accepted" | "dialed";
  /** Of an accepted one. */
  readonly listener?: string;
  /** Where a dialed one should lead: `msrps://relay.example.net:2855`. */
  readonly hop?: string;
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  /** `TLSv1.3`, where the transport tells. */
  readonly tls?: string;
  /** What a verified certificate proved. */
  readonly names: readonly string[];
  readonly openedAt: number;
  readonly usedAt: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Octets waiting for the kernel. */
  readonly backlog: number;
  readonly sessions: number;
  readonly transactions: number;
  /** Not read from just now, because somebody it sends to is slow. */
  readonly held: boolean;
}

/** Something worth telling, for `GET /v1/events`, webhooks and the page. */
export interface Occurrence {
  /** Grows by one within a process; what Last-Event-ID names. */
  readonly id: number;
  readonly at: number;
  /** `sessionStarted`, `sessionEnded`, `authRefused`, `fault`, `certificateReloaded`, `drain` …: the log's event names. */
  readonly type: string;
  /** For people. */
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** The head of a frame of a traced session: never the body, never the session-ids of URIs we handed out. */
export interface TracedFrame {
  readonly at: number;
  readonly session: string;
  /** From the relay's point of view. */
  readonly direction: "in" | "out";
  /** The connection it came from or went to. */
  readonly connection: string;
  readonly head: string;
  readonly bodyBytes: number;
}

/** One attempt of a user or an address, in words: the answer to "why does this session not go through my relay?" */
export interface Explanation {
  readonly at: number;
  readonly address: string;
  readonly user?: string;
  readonly domain?: string;
  /** A fault code, a DialFailure, a reason to refuse a connection, or `OK`. */
  readonly code: string;
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

export interface Drain {
  readonly since: number;
  /** When the sessions that are left are ended. */
  readonly deadline: number;
}

export interface Info {
  readonly version: string;
  readonly runtime: string;
  readonly hostname: string;
  readonly startedAt: number;
  readonly workers: number;
  readonly listeners: readonly { readonly name: string; readonly url: string; readonly advertised: string }[];
  readonly domains: readonly string[];
  readonly sessions: number;
  readonly connections: number;
  readonly drain?: Drain;
}

/** What came of a reload. */
export interface Reloaded {
  /** False: the configuration is wrong and nothing was changed. */
  readonly ok: boolean;
  readonly problems: readonly string[];
  /** Keys that were applied. */
  readonly applied: readonly string[];
  /** Keys that differ from what runs and need a restart. */
  readonly needsRestart: readonly string[];
}

export interface Control {
  info(): Promise<Info>;
  sessions(): Promise<SessionView[]>;
  connections(): Promise<ConnectionView[]>;
  /** Ends it as if it had expired; false when there is none. Its holder's connection is closed when nothing else uses it. */
  endSession(id: string): Promise<boolean>;
  endConnection(id: string): Promise<boolean>;
  explain(of: { readonly user?: string; readonly address?: string }): Promise<Explanation[]>;
  /** Calls `sink` for each frame until the answer is called or `seconds` are over; undefined when there is no such session. */
  trace(id: string, seconds: number, sink: (frame: TracedFrame) => void): Promise<(() => void) | undefined>;
  /** Calls `sink` for what is remembered since event `after`, and for what happens from now on. */
  events(after: number | undefined, sink: (occurrence: Occurrence) => void): () => void;
  /** Families of metrics as `prom-client` gives them in JSON; workers' are summed. */
  metrics(): Promise<readonly MetricFamily[]>;
  // What this program was started without is refused with NotOffered.
  reload(): Promise<Reloaded>;
  /** @param seconds  until what is left is ended; left out, what the configuration says */
  drain(seconds?: number): Promise<Drain>;
  undrain(): Promise<void>;
  /** Level by category, those that were never set apart from their parent's left out. */
  logLevels(): Promise<Readonly<Record<string, string>>>;
  /** False when there is no such category. */
  setLogLevel(category: string, level: string): Promise<boolean>;
  /** An account has changed: what is cached of it is forgotten. */
  forgetAccount(username: string, domain: string): Promise<void>;
}

/** The shape of `Registry.getMetricsAsJSON` of prom-client. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator?: string;
  readonly values: readonly unknown[];
}
