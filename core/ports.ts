/**
 * What core asks of the world, and what the world may ask of core. Read this file first.
 *
 * What happened is a method call on core, with the time as an argument. What should happen is a call on one of two
 * small interfaces that core was given: `Link` (one open connection) and `Host` (everything else). Two laws make it
 * work. **A turn runs to its end**: a Link or Host never calls back into core before the current call has returned.
 * **Memory is borrowed** both ways: whoever keeps bytes beyond the call copies them.
 */
import type { Fault } from "./faults.ts";

/** Milliseconds on a clock that only moves forward; its zero means nothing. */
export type Millis = number;

/** Pairs a question put to the Host with the call that answers it. Never reused within a process. */
export type Ticket = number;

/** Who is at the other end of a connection, as the transport knows it. */
export interface Peer {
  /** Textual IP address, without brackets or zone. */
  readonly address: string;
  readonly port: number;
  /** True when TLS protects the connection. */
  readonly secure: boolean;
  /** `TLSv1.3`, where the transport tells. */
  readonly tls?: string;
  /** dNSNames of a certificate that was verified against a trusted authority; empty for everybody else. */
  readonly names: readonly string[];
}

/** One open connection, as core may use it. Bytes leave core here and nowhere else. */
export interface Link {
  readonly peer: Peer;
  /** Bytes accepted by `write` and not yet taken by the kernel. Stays readable after the link has ended. */
  readonly backlog: number;
  /** Accepts source[start, end). When it returns, the memory is the caller's to reuse. Ignored once closed. */
  write(source: Uint8Array, start: number, end: number): void;
  /** Stops or resumes `received` calls: how back-pressure reaches the previous hop. Bytes already read may still come. */
  setReading(on: boolean): void;
  /** Sends the backlog (for as long as the adapter's patience lasts), then closes. No Feed call follows it. */
  close(): void;
}

/** Where a connection should lead: the authority of a To-Path URI (RFC 4975 §6.2, RFC 4976 §8). */
export interface Hop {
  /** `msrps`: TLS, and the certificate must carry `host`. */
  readonly secure: boolean;
  /** A host name, an IPv4 address, or an IPv6 address without brackets; lower case. */
  readonly host: string;
  /** 0 when the URI names no port: then SRV `_msrps._tcp`, and 2855 last (RFC 4976 §8). */
  readonly port: number;
}

/** Why no connection could be made. Texts for people stand in the log; these codes are what core acts upon. */
export type DialFailure =
  | "POLICY" // the resolved address, or msrp without TLS, is not allowed by the configuration
  | "UNRESOLVED" // no address for the name
  | "UNREACHABLE" // every address refused or reset
  | "CERTIFICATE" // TLS answered, but not as the host we asked for
  | "TIMEOUT"; // nobody answered in time

/** What a user may prove: the password, or H(A1) for each algorithm in lower-case hex (RFC 7616 §3.4.2). */
export interface Credential {
  readonly password?: string;
  /** Lower-case hex of H(username ":" realm ":" password). */
  readonly ha1?: { readonly [algorithm in DigestAlgorithm]?: string };
  /** As good as `password`: those of secrets that are being replaced. A few at most. */
  readonly olderPasswords?: readonly string[];
  /** Whose session it will be, where the username says more than that. */
  readonly user?: string;
  /** It was good once: who proves it is told so (AUTH_EXPIRED). */
  readonly expired?: boolean;
}

export type DigestAlgorithm = "MD5" | "SHA-256" | "SHA-512-256";

/** What went through a session, as its holder sees it: `out` is what the holder sent. */
export interface Traffic {
  /** Octets of SEND bodies. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Chunks that end a message (`$`). */
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Messages whose first chunk says that they are a file; session/traffic.ts says by what. */
  readonly filesIn: number;
  readonly filesOut: number;
  /** REPORTs of peers, and our own about what could not be delivered. */
  readonly reportsIn: number;
  readonly reportsOut: number;
}

/** Why a session has ended. */
export type SessionEnd =
  | "CONNECTION" // its holder's connection has gone; if for a fault, that is beside it
  | "EXPIRED"
  | "EXPIRED_IN_USE" // within two minutes of a request: a client that never refreshes
  | "IDLE" // unused for limits.sessionIdleSeconds, or its connection for limits.idleSeconds
  | "MAX_TIME" // limits.sessionMaxSeconds have passed
  | "ROOM" // unused, and its place was needed (RFC 4976 §6.5)
  | "OPERATOR"
  | "DRAIN" // it was still there at the deadline
  | "SHUTDOWN";

/** Why a connection was closed. */
export type ConnectionEnd = Fault | "PEER" | "IDLE" | "MAX_TIME" | "ROOM" | "OPERATOR" | "DRAIN" | "SHUTDOWN";

/** Whose session it is and where its holder is; a session is called by its number, never by its URI. */
export interface SessionHolder {
  readonly session: number;
  /** The connection on which the AUTH came. */
  readonly connection: number;
  readonly user: string;
  readonly domain: string;
  /** Who is at the other end of that connection. */
  readonly peer: Peer;
  /** Where that connection came in; absent for one that we have dialed. */
  readonly listener?: string;
  /** The relay that brought the AUTH (RFC 4976 §6.3), if it did not come from the client itself. */
  readonly relay?: string;
}

/** Rare events, for logs and records. Counters are plain numbers that admin reads (`Relay.counters`). */
export type Happening =
  | { readonly type: "connectionOpened"; readonly connection: number; readonly peer: Peer; readonly listener: string }
  | { readonly type: "connectionDialed"; readonly connection: number; readonly peer: Peer; readonly hop: Hop }
  | {
      readonly type: "connectionClosed";
      readonly connection: number;
      readonly peer: Peer;
      readonly why: ConnectionEnd;
    }
  | { readonly type: "dialFailed"; readonly hop: Hop; readonly why: DialFailure }
  | (SessionHolder & { readonly type: "sessionStarted"; readonly expiresSeconds: number })
  | (SessionHolder & {
      readonly type: "sessionEnded";
      readonly why: SessionEnd;
      /** What ended its connection, if that is how it ended. */
      readonly fault?: Fault;
      readonly startedAt: Millis;
      /** When a request last passed; `startedAt` when none did. */
      readonly usedAt: Millis;
      /** Hosts and ports of those who exchanged messages with its holder; a path of several has a space between them. */
      readonly peers: readonly string[];
      /** Without the rest of a chunk that was in flight at its expiry, which may still end. */
      readonly traffic: Traffic;
    })
  /** An AUTH was refused, other than by the challenge it begins with. At most 32 a minute of one connection are told. */
  | {
      readonly type: "authRefused";
      readonly fault: Fault;
      readonly connection: number;
      readonly peer: Peer;
      readonly listener?: string;
      /** As far as the AUTH was read. Strangers choose both; `domain` need not be one of ours. */
      readonly user?: string;
      readonly domain?: string;
    }
  | {
      readonly type: "fault";
      readonly fault: Fault;
      readonly connection: number;
      readonly peer: Peer;
      readonly detail: string;
    };

/** A session that is about to start: its holder has authenticated. */
export interface SessionWanted {
  readonly user: string;
  readonly domain: string;
  readonly peer: Peer;
  /** Of the connection, unless we have dialed it. */
  readonly listener?: string;
}

/** What core cannot make for itself. A question carries a ticket; a later call answers it. */
export interface Host {
  /** → `Relay.dialed` or `Relay.dialFailed` */
  dial(hop: Hop, ticket: Ticket): void;
  /** → `Relay.credential`. `realm` is the domain of the configuration that the user authenticates for. */
  findCredential(username: string, realm: string, ticket: Ticket): void;
  /** → `Relay.decided`. Only a Host whose configuration says so (`policy.asks`) is asked. */
  decideSession?(session: SessionWanted, ticket: Ticket): void;
  /** Fills with randomness of cryptographic strength. */
  fillRandom(target: Uint8Array): void;
  note(happening: Happening): void;
}

/** The adapter's end of one connection. */
export interface Feed {
  /** `bytes` are borrowed until it returns. */
  received(bytes: Uint8Array, now: Millis): void;
  /** The backlog fell below the link's low mark (at least once after it had been above it). */
  writable(now: Millis): void;
  /** The peer has finished or vanished: nothing more will come. Called once, and never after `Link.close`. */
  ended(now: Millis): void;
}

/** What a driver must keep alive: something with timers. Relay is one; Endpoint is another. */
export interface Timed {
  /** When `tick` is next wanted; Infinity when nothing waits. May change in any call. */
  readonly deadline: Millis;
  tick(now: Millis): void;
}

/** What adapters call on a relay; `core/relay.ts` is the implementation. */
export interface RelayPort extends Timed {
  /** A connection came in on the listener of that name, TLS already negotiated. */
  accepted(link: Link, listener: string, now: Millis): Feed;
  dialed(ticket: Ticket, link: Link, now: Millis): Feed;
  dialFailed(ticket: Ticket, why: DialFailure, now: Millis): void;
  /** `undefined`: no such user. `UNAVAILABLE`: the store did not answer, which is not the user's fault. */
  credential(ticket: Ticket, found: Credential | undefined | "UNAVAILABLE", now: Millis): void;
  /** `UNAVAILABLE`: nobody could say, and then it must not start. */
  decided(ticket: Ticket, verdict: "ALLOW" | "DENY" | "UNAVAILABLE", now: Millis): void;
  /** Ends politely: open chunks are interrupted, owed responses sent, every link closed. */
  shutdown(now: Millis): void;
}

/** The digits an Expires header may have, and what follows when it has none (RFC 4976 §4.6, §6.3). */
export interface ExpiresBounds {
  readonly minSeconds: number;
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
}

/** One listening address as core sees it: what URIs it hands out say, and whether AUTH is taken on it. */
export interface ListenerConfig {
  readonly name: string;
  /** Scheme, host and port of the URIs handed out to clients of this listener. */
  readonly advertise: Hop;
  /** True when AUTH is taken although the connection has no TLS (RFC 4976 §9.2 says never; tests and TLS proxies need it). */
  readonly authInsecure: boolean;
}

export interface DomainConfig {
  /** Host of the rightmost To-Path URI of an AUTH, and the realm of its challenge. Lower case. */
  readonly name: string;
  /** Algorithms to offer; core/auth/challenge.ts says in which order and why. */
  readonly algorithms: readonly DigestAlgorithm[];
}

/**
 * A rule of the operator. All conditions that are there must hold; in texts `*` stands for anything, and case does not
 * matter.
 */
export interface PolicyRule {
  readonly action: "allow" | "deny";
  readonly user?: string;
  readonly domain?: string;
  /** Host of the hop that messages of the user come from or go to; for another user of ours his domain. */
  readonly peer?: string;
  /** Media type without parameters. */
  readonly contentType?: string;
  /** Octets of a message. */
  readonly largerThan?: number;
}

/** Everything a Relay is told at birth. Plain data; whoever builds it has checked it. */
export interface RelayConfig {
  readonly listeners: readonly ListenerConfig[];
  readonly domains: readonly DomainConfig[];
  readonly auth: {
    readonly nonceSeconds: number;
    readonly expires: ExpiresBounds;
    /** Failed AUTHs after which the connection is closed (RFC 4976 §6.3). */
    readonly maxFailures: number;
  };
  readonly outgoing: {
    /** May a next hop be reached without TLS (RFC 4976 §9.4)? */
    readonly plain: boolean;
    /** Largest chunk body towards next hops whose host matches; first match wins. `*` stands for any labels. */
    readonly chunkBytes: readonly { readonly to: string; readonly bytes: number }[];
  };
  readonly forwarding: {
    /** Requests with a method we do not know: forward (RFC 4976 §6.4.2) or answer 501. */
    readonly unknownMethods: "forward" | "refuse";
    /** Largest chunk body towards anybody; 0 leaves chunks as their sender cut them. */
    readonly chunkBytes: number;
  };
  /** Certificate names that make a previous hop a relay (RFC 4976 §6.3); `*.example.net` matches one label. */
  readonly relayNames: readonly string[];
  readonly policy: {
    /** The first that fits decides; without one it is allowed. */
    readonly rules: readonly PolicyRule[];
    /** Is the Host asked before a session starts that the rules allow (`Host.decideSession`)? */
    readonly asks: boolean;
  };
  readonly limits: {
    readonly sessionsPerUser: number;
    /** 0 for no limit, here and below unless it is said otherwise. */
    readonly sessionsPerDomain: number;
    readonly sessions: number;
    /** Failed AUTHs in a row before the next has to wait, longer and longer up to authPauseSeconds. */
    readonly authFailuresPerAddress: number;
    readonly authFailuresPerUser: number;
    readonly authPauseSeconds: number;
    /** Of a connection (RFC 4976 §6.5). */
    readonly idleSeconds: number;
    /** A session that nothing passes through for so long is ended; 0 for no limit. */
    readonly sessionIdleSeconds: number;
    /** A session is ended after so long, used or not; 0 for no limit. */
    readonly sessionMaxSeconds: number;
    /** Longest head of a frame, start line to blank line. */
    readonly headerBytes: number;
    /** Largest message, and largest file (core/session/traffic.ts says what is one), in octets. */
    readonly messageBytes: number;
    readonly fileBytes: number;
    /** What a session, a user, a domain and all together may send in a second. */
    readonly bytesPerSecondPerSession: number;
    readonly bytesPerSecondPerUser: number;
    readonly bytesPerSecondPerDomain: number;
    readonly bytesPerSecond: number;
  };
}

/** What we did wrong, as opposed to what a peer did: a bug. The driver closes that connection, not the process. */
export class MisuseError extends Error {
  override readonly name = "MisuseError";
}
