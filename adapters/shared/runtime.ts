/**
 * What a runtime (Node, Bun, Deno) must be able to do for the shared parts. Each runtime folder implements `Runtime`
 * once; nothing here or there has heard of MSRP.
 */
import type { DialFailure, Feed, Hop, Link, Millis } from "../../core/mod.ts";
import type { AddressLimits, LimitReached } from "./address-limits.ts";
import type { Driver } from "./driver.ts";
import type { Egress } from "./egress.ts";
import type { Resolver } from "./resolve.ts";

/** A certificate chain and its private key, both PEM. Checked to belong together before they come here. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface TlsServerOptions {
  /** For clients that send no SNI, or a name we have no certificate for. */
  readonly fallback: KeyPair;
  /** Chosen by SNI; keys are lower-case host names, `*.example.com` matches one label. */
  readonly byName: ReadonlyMap<string, KeyPair>;
  /** Authorities (PEM) whose client certificates we believe; a certificate is asked for, never required (RFC 4976 §6.1). */
  readonly clientCa: readonly string[];
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Others that ask for it too may have the same port; the kernel deals out connections among them (SO_REUSEPORT). */
  readonly reusePort?: boolean;
  /** Absent: plain TCP. */
  readonly tls?: TlsServerOptions;
  /**
   * Every connection comes from a proxy and begins with a header that says for whom (shared/proxy-protocol.ts), before
   * TLS. Limits, logs and `Peer` mean that one. `from`: which proxies are believed; absent: whoever connects.
   */
  readonly proxyProtocol?: { readonly from?: Egress };
  /** A client that has not finished its TLS handshake (or a proxy its header) by then is dropped. */
  readonly handshakeSeconds: number;
  /** One object for all listeners, because the limits are for all of them together. */
  readonly limits?: AddressLimits;
  /** Told of each connection that never came to core, for counters and logs; `detail` is for people. */
  readonly refused?: (why: Refusal, address: string, detail: string) => void;
}

/**
 * `HANDSHAKE`: TLS failed or took too long. `PROXY`: no PROXY header, or from somebody who may not send one. `ACCEPT`: the
 * system could not accept, for want of descriptors mostly.
 */
export type Refusal = LimitReached | "HANDSHAKE" | "PROXY" | "ACCEPT";

/** Which of the runtime's functions does the work, for the log. */
export interface Way {
  /** `Bun.listen`, `node:tls` … */
  readonly api: string;
  /** Continues the sentence "by this way, because …". */
  readonly because: string;
}

export interface Listening {
  readonly host: string;
  /** The real port, also when 0 was asked for. */
  readonly port: number;
  /** May change with `setTls`. */
  readonly via: Way;
  /** Once this resolves, new handshakes use these certificates; open connections live on. Not called again before. */
  setTls(tls: TlsServerOptions): Promise<void>;
  /** Takes no more connections; those that are there live on, in their handshake as well. For good. */
  stopAccepting(): Promise<void>;
  /** Takes no more connections; open ones live on, and those in their handshake are dropped. */
  close(): Promise<void>;
}

/** One of our addresses, and where connections from it lead. */
export interface LeavingBy {
  readonly to: Egress;
  readonly address: string;
}

export interface DialOptions {
  readonly egress: Egress;
  /** From which of our addresses to connect; absent or without a line that applies: as the system's routes have it. */
  readonly from?: readonly LeavingBy[];
  readonly timeoutSeconds: number;
  /** Kept by identity: making the store of authorities takes milliseconds, so pass the same object to each dial. */
  readonly tls: {
    /** Authorities (PEM) we believe besides the system's. */
    readonly ca: readonly string[];
    readonly system: boolean;
    /** How we prove who we are to a relay that asks (RFC 4976 §9.2). */
    readonly own?: KeyPair;
    /** Certificates (PEM) of which one must be shown; then nothing else is asked of it, nor of any authority. */
    readonly pinned?: readonly string[];
  };
  /** Where to connect, whatever the hop's name leads to. */
  readonly at?: { readonly host: string; readonly port: number };
  /** Absent: the system's. */
  readonly resolver?: Resolver;
  /** For `parley ping`: called as each step is done, with words for people. */
  readonly progress?: (step: "resolve" | "connect" | "certificate", detail: string) => void;
}

/** What becomes of a dial; exactly one is called, each as a turn of the driver. */
export interface DialOutcome {
  opened(link: Link, now: Millis): Feed;
  failed(why: DialFailure, detail: string, now: Millis): void;
}

/** Called in a turn for each connection, TLS already negotiated; answers the Feed core has for it. */
export type Accepted = (link: Link, now: Millis) => Feed;

export interface Runtime {
  readonly name: "node" | "bun" | "deno";
  /** By which ways `dial` connects. */
  readonly dials: { readonly plain: Way; readonly tls: Way };
  /** Rejects with an Error whose message says what to do (address in use, permission …). */
  listen(options: ListenOptions, driver: Driver, accepted: Accepted): Promise<Listening>;
  /** Never throws; `outcome` hears the end of it in a later turn. */
  dial(hop: Hop, options: DialOptions, driver: Driver, outcome: DialOutcome): void;
}
