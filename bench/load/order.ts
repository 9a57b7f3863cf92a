/** What a generator process is told to do, and what it tells when it has done it: both as one line of JSON. */

/** Where the octets go, and how a session is opened there. */
export interface Target {
  /**
   * `relay`: client B authenticates and is reached by the URI it was given; client A connects and sends.
   * `bytes`: client A connects to something that connects to client B's listener and copies octets.
   * `self`: client A connects to client B, and nothing is between them.
   */
  readonly kind: "relay" | "bytes" | "self";
  /** Where client A connects, and client B too when it is a relay. */
  readonly port: number;
  /** Where client B listens, when it does. */
  readonly listenPort: number;
  /** Where client A connects and authenticates, when there is a relay before this one. */
  readonly entry?: { readonly port: number; readonly authUri: string };
  /** Both legs are TLS. */
  readonly secure: boolean;
  /** PEM: whom the clients believe, and what client B's listener shows. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The To-Path of AUTH, and the account. */
  readonly authUri: string;
  readonly username: string;
  readonly password: string;
}

/** What is sent; scenarios/ says what for. */
export type Load =
  | {
      readonly kind: "stream";
      /** Octets of a message; each is one chunk. */
      readonly bytes: number;
      readonly failureReport: "yes" | "no";
      readonly sessions: number;
      /** Messages of a session on their way: neither delivered nor, where Failure-Report is yes, answered. */
      readonly window: number;
      /** Messages a second over all sessions; 0: as fast as the windows allow. */
      readonly rate: number;
    }
  /** One chunk of `bytes` octets. */
  | { readonly kind: "endless"; readonly bytes: number }
  /** Connect, AUTH twice (challenge, answer), close; `atOnce` at a time. */
  | { readonly kind: "auth"; readonly atOnce: number }
  /** Authenticated sessions that say nothing. */
  | { readonly kind: "idle"; readonly sessions: number }
  /** Files of `bytes` octets one after the other, beside sessions at a paced rate. */
  | { readonly kind: "shared"; readonly sessions: number; readonly rate: number; readonly bytes: number }
  /** A receiver that stops reading, beside sessions at a paced rate. */
  | { readonly kind: "stall"; readonly sessions: number; readonly rate: number; readonly bytes: number };

export interface Order {
  readonly target: Target;
  readonly load: Load;
  /** The processes whose CPU time and memory are read, with those they have started. */
  readonly pids: readonly number[];
  readonly seconds: number;
  readonly warmupSeconds: number;
}

/** What was measured. A figure that a load does not have is absent. */
export interface Outcome {
  readonly seconds: number;
  /** CPU seconds of the relay, and of the generator, in the time measured. */
  readonly relayCpu: number;
  /** What of it the kernel used on the relay's behalf. */
  readonly relaySystem: number;
  readonly loadCpu: number;
  /** Messages, AUTHs or sessions in that time. */
  readonly count: number;
  /** Body octets delivered and compared in that time. */
  readonly octets: number;
  /** Memory of the relay before there were connections and at the end, in octets (PSS). */
  readonly memoryBefore: number;
  readonly memoryAfter: number;
  /** Milliseconds from the write of a message to its last octet at client B. */
  readonly p50?: number;
  readonly p99?: number;
  /** Octets taken from the sender of a stalled receiver, the kernel's buffers included. */
  readonly swallowed?: number;
}
