/**
 * Leases: the URIs we hand out in Use-Path (RFC 4976 §6.3).
 *
 * A client's lease belongs to the connection that authenticated and dies with it. One that came to us through another
 * relay belongs to that relay: it is valid on any connection to it, and lives until its expiry. Its session-id holds 130 random bits and
 * nothing else, so it tells nothing about the client. It ends at its expiry; the chunk in flight may end, the next is
 * refused. A second AUTH makes a second lease, and the first stays valid: that is how a client refreshes.
 */
import type { RandomPool } from "../bytes/random.ts";
import { authorityOf, formatUri, sameUri, type Uri } from "../codec/uri.ts";
import type { Hop, Millis, SessionEnd, SessionHolder } from "../ports.ts";
import type { Connection } from "./connection.ts";
import { isRelay } from "./relay-peer.ts";
import type { Timer, Timers } from "./timers.ts";
import { newTally, type Tally } from "./traffic.ts";

/** 26 letters of 5 bits. */
const SESSION_ID_LETTERS = 26;
/** How long an ended lease is remembered, so that the log can say "expired" rather than "unknown". */
const REMEMBERED: Millis = 300_000;
/** A client may use more than one URI of its own with a lease; more than a few is a mistake of ours or theirs. */
const MAX_OWNER_URIS = 4;
/** Peers of one session whose connections we remember. One is usual. */
const MAX_STRANGERS = 16;
/** Peers of one session whose hosts are told to operators. */
const MAX_PEERS = 8;
/** What is told of such a path; strangers write it. */
const MAX_PEER_TEXT = 256;
/** A lease used this recently was in use when it expired, and the log says so. */
const RECENT: Millis = 120_000;
/** One that came through a relay and was not used for so long may make room for another of the same user. */
const ABANDONED: Millis = 600_000;

export class Lease {
  readonly number: number; // for logs: says nothing about the URI
  readonly uri: Uri;
  readonly text: string; // the URI as handed out
  readonly user: string;
  readonly domain: string;
  readonly owner: Connection; // where the AUTH came in
  /** The relay it came through, proven by its certificate; undefined when it came from the client itself. */
  readonly relayHost: string | undefined;
  readonly grantedAt: Millis;
  readonly lastsSeconds: number;
  readonly expiresAt: Millis;
  /** It lasts no longer because of limits.sessionMaxSeconds, whatever its holder asked for. */
  readonly capped: boolean;
  /** URIs of the owner: the one it authenticated with, and those it has sent from since. */
  readonly #ownerUris: Uri[];
  /** Peers that have reached the owner through this lease: their URI, and the connection it came on. */
  readonly #strangers: { uri: Uri; connection: Connection }[];
  /** Hosts and ports of those who exchange messages with the owner, the latest last. */
  readonly #peers: string[];
  readonly traffic: Tally;
  /** Grows when a stranger's connection changes, so that remembered routes are looked up again. */
  version: number;
  state: "valid" | "expired" | "dead";
  usedAt: Millis;
  timer: Timer | undefined;

  constructor(
    number: number,
    uri: Uri,
    { user, domain, owner, ownerUri, relayHost }: Holder,
    lasts: { readonly seconds: number; readonly capped: boolean },
    now: Millis,
  ) {
    this.number = number;
    this.uri = uri;
    this.text = formatUri(uri);
    this.user = user;
    this.domain = domain;
    this.owner = owner;
    this.relayHost = relayHost;
    this.lastsSeconds = lasts.seconds;
    this.expiresAt = now + lasts.seconds * 1000;
    this.capped = lasts.capped;
    this.#ownerUris = [ownerUri];
    this.#strangers = [];
    this.#peers = [];
    this.traffic = newTally();
    this.version = 0;
    this.state = "valid";
    this.grantedAt = now;
    this.usedAt = Number.NEGATIVE_INFINITY;
    this.timer = undefined;
  }

  /** Is this the previous hop from the client that holds it (RFC 4976 §6.4)? */
  isFromOwner(source: Connection, relayNames: readonly string[]): boolean {
    if (this.relayHost === undefined) return this.owner === source;
    return isRelay(source.peer, this.relayHost, relayNames);
  }

  /** Is this URI the next hop back toward the client (RFC 4976 §6.4)? */
  leadsToOwner(uri: Uri): boolean {
    return this.#ownerUris.some((known) => sameUri(known, uri));
  }

  /** The owner has sent from this URI: answers to it are for the owner. */
  learnOwnerUri(uri: Uri): void {
    if (this.#ownerUris.length < MAX_OWNER_URIS && !this.leadsToOwner(uri)) this.#ownerUris.push(uri);
  }

  /**
   * A peer has reached the owner from this URI over this connection: requests the other way use the same connection
   * (RFC 4975 §5.4), which for a peer behind NAT is the only way. The last one to show the lease's secret wins, so a peer
   * that reconnects is found again.
   */
  learnStranger(uri: Uri, connection: Connection): void {
    const known = this.#strangers.find((stranger) => sameUri(stranger.uri, uri));
    if (known === undefined) {
      if (this.#strangers.length === MAX_STRANGERS) this.#strangers.shift();
      this.#strangers.push({ uri, connection });
    } else {
      if (known.connection === connection) return;
      known.connection = connection;
    }
    this.version++;
  }

  /** Messages go to or come from whoever is at the end of this path, the nearest hop first. */
  learnPeer(path: readonly Uri[]): void {
    if (path.length === 0) return; // it speaks to us alone
    const text = path.map(authorityOf).join(" ").slice(0, MAX_PEER_TEXT);
    const at = this.#peers.indexOf(text);
    if (at >= 0) this.#peers.splice(at, 1);
    else if (this.#peers.length === MAX_PEERS) this.#peers.shift();
    this.#peers.push(text);
  }

  get peers(): string[] {
    return [...this.#peers];
  }

  /** What a request last did with it, its grant included. */
  get touchedAt(): Millis {
    return Math.max(this.grantedAt, this.usedAt);
  }

  get holder(): SessionHolder {
    const { number, user, domain, owner, relayHost } = this;
    return {
      session: number,
      connection: owner.number,
      user,
      domain,
      peer: owner.peer,
      ...(owner.listener === undefined ? {} : { listener: owner.listener.name }),
      ...(relayHost === undefined ? {} : { relay: relayHost }),
    };
  }

  hasStranger(connection: Connection): boolean {
    return this.#strangers.some((stranger) => stranger.connection === connection);
  }

  /** The connection a peer with this URI came on, if it is still there. */
  strangerAt(uri: Uri): Connection | undefined {
    const known = this.#strangers.find((stranger) => sameUri(stranger.uri, uri));
    return known === undefined || known.connection.closed ? undefined : known.connection;
  }
}

/** Whom a lease is for. */
export interface Holder {
  readonly user: string;
  readonly domain: string;
  readonly owner: Connection;
  readonly ownerUri: Uri;
  readonly relayHost: string | undefined;
}

/** How long a session may last, or be without use, whatever its expiry; 0 for no limit. */
export interface SessionLimits {
  readonly sessionIdleSeconds: number;
  readonly sessionMaxSeconds: number;
}

const unlimited: SessionLimits = { sessionIdleSeconds: 0, sessionMaxSeconds: 0 };

/** Why a lease may end while its connection is there. */
export type LeaseEnd = Exclude<SessionEnd, "CONNECTION" | "DRAIN" | "SHUTDOWN">;

export class Leases {
  readonly #bySessionId: Map<string, Lease>;
  readonly #perUser: Map<string, Set<Lease>>; // valid leases by user and domain, the oldest first
  readonly #perDomain: Map<string, number>; // how many are valid
  #valid: number; // in all
  readonly #timers: Timers;
  readonly #random: RandomPool;
  readonly #ended: (lease: Lease, why: LeaseEnd) => void;
  #limits: SessionLimits;
  #granted: number;

  constructor(
    timers: Timers,
    random: RandomPool,
    ended: (lease: Lease, why: LeaseEnd) => void,
    limits: SessionLimits = unlimited,
  ) {
    this.#bySessionId = new Map();
    this.#perUser = new Map();
    this.#perDomain = new Map();
    this.#valid = 0;
    this.#timers = timers;
    this.#random = random;
    this.#ended = ended;
    this.#limits = limits;
    this.#granted = 0;
  }

  /** For leases from now on; those that are there may end sooner for want of use, and no sooner otherwise. */
  set limits(limits: SessionLimits) {
    this.#limits = limits;
    for (const lease of this.valid()) {
      if (lease.timer !== undefined) this.#timers.cancel(lease.timer);
      this.#watch(lease);
    }
  }

  /** Leases that have ended but are remembered count too. */
  get size(): number {
    return this.#bySessionId.size;
  }

  /** Those that are valid. */
  *valid(): IterableIterator<Lease> {
    for (const lease of this.#bySessionId.values()) if (lease.state === "valid") yield lease;
  }

  /** The valid one of this number. */
  numbered(number: number): Lease | undefined {
    for (const lease of this.valid()) if (lease.number === number) return lease;
    return undefined;
  }

  get validCount(): number {
    return this.#valid;
  }

  heldByDomain(domain: string): number {
    return this.#perDomain.get(domain) ?? 0;
  }

  /** How many valid leases a user has. */
  heldBy(user: string, domain: string): number {
    return this.#perUser.get(userKey(user, domain))?.size ?? 0;
  }

  /**
   * Ends the lease of this user that came through a relay and has been unused for longest; false when all are in use.
   * Nobody tells us that a client behind a relay has gone, so without this those that come and go every few minutes
   * would have used up what a user may have long before the first of them expires.
   */
  makeRoom(user: string, domain: string, now: Millis): boolean {
    let oldest: Lease | undefined;
    let unusedSince = now - ABANDONED;
    for (const lease of this.#perUser.get(userKey(user, domain)) ?? []) {
      const since = Math.max(lease.grantedAt, lease.usedAt);
      if (lease.relayHost === undefined || since > unusedSince) continue;
      oldest = lease;
      unusedSince = since;
    }
    if (oldest === undefined) return false;
    this.end(oldest, "ROOM", now);
    return true;
  }

  /**
   * Hands out a new URI.
   *
   * @param advertise  what the URI says of us
   * @param owner  where the AUTH came in
   * @param ownerUri  its first From-Path URI: the client's, or that of the relay before us
   * @param relayHost  that relay, if it has proven to be one
   */
  grant(advertise: Hop, holder: Holder, now: Millis, expiresSeconds: number): Lease {
    const { user, domain, owner, relayHost } = holder;
    const sessionId = this.#random.text(SESSION_ID_LETTERS);
    const uri: Uri = { ...advertise, userinfo: "", sessionId, transport: "tcp" };
    const most = this.#limits.sessionMaxSeconds;
    const capped = most > 0 && most < expiresSeconds;
    const lasts = { seconds: capped ? most : expiresSeconds, capped };
    const lease = new Lease(++this.#granted, uri, holder, lasts, now);
    this.#bySessionId.set(sessionId, lease);
    const key = userKey(user, domain);
    const held = this.#perUser.get(key) ?? new Set();
    this.#perUser.set(key, held.add(lease));
    this.#perDomain.set(domain, this.heldByDomain(domain) + 1);
    this.#valid++;
    // §6.3: what came through a relay is valid on any connection to it, and outlives this one.
    if (relayHost === undefined) owner.leases.add(lease);
    this.#watch(lease);
    return lease;
  }

  /** The lease a To-Path URI names, valid or not; undefined when we handed out no such URI. */
  find(uri: Uri): Lease | undefined {
    const lease = this.#bySessionId.get(uri.sessionId);
    return lease !== undefined && sameUri(lease.uri, uri) ? lease : undefined;
  }

  /** The owner's connection has gone, and its leases with it (RFC 4976 §6.3). */
  endOf(owner: Connection): Lease[] {
    const leases = [...owner.leases];
    for (const lease of leases) {
      this.#release(lease);
      lease.state = "dead";
      if (lease.timer !== undefined) this.#timers.cancel(lease.timer);
      this.#bySessionId.delete(lease.uri.sessionId);
    }
    owner.leases.clear();
    return leases;
  }

  /** Ends every lease that outlived its connection: the relay itself ends. */
  endAll(): Lease[] {
    const leases = [...this.#bySessionId.values()].filter(({ state }) => state === "valid");
    for (const lease of leases) {
      this.#release(lease);
      lease.state = "dead";
    }
    for (const { timer } of this.#bySessionId.values()) if (timer !== undefined) this.#timers.cancel(timer);
    this.#bySessionId.clear();
    return leases;
  }

  /** Ends a lease while its connection is there. It is remembered, like one that has expired. */
  end(lease: Lease, why: LeaseEnd, now: Millis): void {
    if (lease.state !== "valid") return;
    this.#release(lease);
    lease.state = "expired";
    lease.owner.leases.delete(lease);
    if (lease.timer !== undefined) this.#timers.cancel(lease.timer);
    lease.timer = this.#timers.set(now + REMEMBERED, () => this.#bySessionId.delete(lease.uri.sessionId));
    this.#ended(lease, why);
  }

  /** Sets the timer for when it may have to end. */
  #watch(lease: Lease): void {
    lease.timer = this.#timers.set(Math.min(lease.expiresAt, this.#idleAt(lease)), (now) => {
      if (lease.expiresAt <= now) this.end(lease, expiryOf(lease, now), now);
      else if (this.#idleAt(lease) <= now) this.end(lease, "IDLE", now);
      else this.#watch(lease);
    });
  }

  /** When it will have been without use for too long. */
  #idleAt(lease: Lease): Millis {
    const { sessionIdleSeconds } = this.#limits;
    return sessionIdleSeconds === 0 ? Number.POSITIVE_INFINITY : lease.touchedAt + sessionIdleSeconds * 1000;
  }

  #release(lease: Lease): void {
    if (lease.state !== "valid") return;
    const key = userKey(lease.user, lease.domain);
    const held = this.#perUser.get(key);
    held?.delete(lease);
    if (held?.size === 0) this.#perUser.delete(key);
    this.#perDomain.set(lease.domain, this.heldByDomain(lease.domain) - 1);
    this.#valid--;
  }
}

function expiryOf(lease: Lease, now: Millis): LeaseEnd {
  if (lease.capped) return "MAX_TIME";
  return now - lease.usedAt < RECENT ? "EXPIRED_IN_USE" : "EXPIRED";
}

function userKey(user: string, domain: string): string {
  return `${user}\n${domain}`;
}
