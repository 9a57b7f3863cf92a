/**
 * Where a request goes, and whether it may: the open-relay rule (RFC 4976 §6.2, §6.4).
 *
 * The first To-Path URI must be one we handed out, and then the request must either lead to the client that holds it
 * or come from that client's connection. Two clients of ours in one session make two of our URIs follow each other: each
 * is checked like the first, and no hop lies between. What is decided for a pair of paths is remembered with the
 * connection, since a session's paths repeat from SEND to SEND.
 */
import { copyOctets, numberOf } from "../bytes/octets.ts";
import { Scratch } from "../bytes/scratch.ts";
import { firstUriEnd, MAX_PATH, readPath } from "../codec/path.ts";
import type { Head } from "../codec/head.ts";
import { FROM_PATH, TO_PATH } from "../codec/header.ts";
import type { Uri } from "../codec/uri.ts";
import type { Fault } from "../faults.ts";
import type { Hop, RelayConfig } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import type { Lease } from "../session/lease.ts";
import { type Party, type Terms, termsOf } from "../session/policy.ts";
import { isRelay } from "../session/relay-peer.ts";
import { Okay } from "./answer.ts";
import { sendBeginning } from "./chunk.ts";
import type { FailureReport } from "../session/transaction.ts";
import type { NextHops } from "./next-hops.ts";
import type { State } from "./state.ts";

export interface Route {
  /** The paths this was decided for, octet for octet. */
  readonly toPath: Uint8Array;
  readonly fromPath: Uint8Array;
  /** Our URIs at the beginning of the To-Path, all valid when this was decided. */
  readonly leases: readonly Lease[];
  /** Of the leases, when it was last seen that nothing has changed for us. */
  readonly versions: number[];
  /** `to`: towards the client that holds the last lease. `on`: from its holder to another hop. `here`: for us alone. */
  readonly direction: "to" | "on" | "here";
  /** The next hop when it is not a client of ours. */
  readonly hop: Hop | undefined;
  /** The next hop's URI. */
  readonly nextUri: Uri | undefined;
  /** Both path headers as the next hop gets them, each with its CRLF. */
  readonly paths: Uint8Array;
  /** The beginning of a SEND with those; see chunk.ts. */
  readonly sendBeginning: Uint8Array;
  /** The first To-Path URI, which is ours, as it was written. */
  readonly ownUri: Uint8Array;
  /** The first From-Path URI: the previous hop. */
  readonly previousUri: Uri;
  /** The URI that stands first in From-Path when we forward: the last of ours. */
  readonly lastOwnUri: Uint8Array;
  /** All of ours, as they stand in the To-Path. */
  readonly ownPath: Uint8Array;
  /** Both path headers of a response to the previous hop (RFC 4975 §7.2). */
  readonly answerPaths: Uint8Array;
  /** And the 200 with them. */
  readonly okay: Okay;
  /** Largest chunk body the next hop is given; 0 for no limit. */
  chunkBytes: number;
  /** Whose rules apply, and what they leave to look at; see session/policy.ts. */
  readonly parties: readonly Party[];
  terms: Terms;
  /** The sessions whose holder has sent it: usually one or none. */
  readonly givers: readonly Lease[];
  /** The session whose holder gets it, if it is a client of ours. */
  readonly taker: Lease | undefined;
  /** The connection to use, once somebody has asked for it. */
  out: Connection | undefined;
}

/** What was found out about the head of a SEND, and holds for all like it (Head.memo). */
export interface KnownSend {
  readonly route: Route;
  readonly failureReport: FailureReport;
  /** It has a Content-Type, so a body may follow. */
  readonly hasType: boolean;
  /** Its message is a file, if it is the first chunk. */
  readonly isFile: boolean;
}

/** Routes that are remembered of a connection: more conversations at once have few clients. */
const MOST = 32;
/** And of another relay's, which brings the sessions of many clients. */
const MOST_OF_RELAY = 4096;

/** The routes of one previous hop. */
export class Routes {
  readonly #source: Connection;
  readonly #state: State;
  readonly #nextHops: NextHops;
  /** The one that was found last. */
  #last: Route | undefined;
  /** By a number made of both paths, the oldest first. Of two with the same number the newer one stands. */
  #byPaths: Map<number, Route> | undefined;
  /** The connection that the last request went to, and the last one before it that was another. */
  #latest: Connection | undefined;
  #other: Connection | undefined;

  constructor(source: Connection, state: State, nextHops: NextHops) {
    this.#source = source;
    this.#state = state;
    this.#nextHops = nextHops;
    this.#last = undefined;
    this.#byPaths = undefined;
    this.#latest = undefined;
    this.#other = undefined;
  }

  /** Do requests of this previous hop go to more than one connection? Asked while one of them holds all of them up. */
  get isShared(): boolean {
    return this.#other?.closed === false;
  }

  /** A request goes to this connection. */
  goesTo(out: Connection): void {
    if (out === this.#latest) return;
    this.#other = this.#latest;
    this.#latest = out;
  }

  /** The configuration has changed. A session stays on the connection it uses, and chunks become what they may be now. */
  reconfigured(): void {
    const { config } = this.#state;
    for (const route of this.#byPaths?.values() ?? []) {
      route.chunkBytes = chunkBytes(config, route.hop);
      route.terms = termsOf(config.policy.rules, route.parties, limitsMessages(config));
    }
    this.#last = undefined; // which may have been forgotten there
  }

  /** Is the route that was last found still right for the same paths? Then it is used again. */
  reuse(route: Route): boolean {
    if (route !== this.#last || !isCurrent(route)) return false;
    this.#useLeases(route);
    return true;
  }

  /** The route of a request; both path headers are there. */
  find(head: Head): Route | Fault {
    const key = numberOfPaths(head);
    const known = this.#byPaths?.get(key);
    if (known !== undefined && isFor(known, head) && isCurrent(known)) return this.#use(known);
    this.#byPaths?.delete(key);
    const route = decide(head, this.#source, this.#state);
    if (typeof route === "string") return route;
    this.#nextHops.learn(route.previousUri, this.#source);
    this.#remember(key, route);
    return this.#use(route);
  }

  #remember(key: number, route: Route): void {
    const routes = (this.#byPaths ??= new Map());
    const fromRelay = isRelay(this.#source.peer, route.previousUri.host, this.#state.config.relayNames);
    const [oldest] = routes.keys();
    if (oldest !== undefined && routes.size >= (fromRelay ? MOST_OF_RELAY : MOST)) routes.delete(oldest);
    routes.set(key, route);
  }

  #use(route: Route): Route {
    this.#last = route;
    this.#useLeases(route);
    return route;
  }

  #useLeases({ leases }: Route): void {
    for (let i = 0; i < leases.length; i++) (leases[i] as Lease).usedAt = this.#state.now;
  }
}

/** Both paths of a request as one number. Who writes several with the same one slows down nobody else. */
function numberOfPaths(head: Head): number {
  const { octets } = head;
  const number = numberOf(octets, head.startOf(TO_PATH), head.endOf(TO_PATH));
  return numberOf(octets, head.startOf(FROM_PATH), head.endOf(FROM_PATH), number);
}

/** Was it decided for the paths of this request? */
function isFor(route: Route, head: Head): boolean {
  return head.valueIs(TO_PATH, route.toPath) && head.valueIs(FROM_PATH, route.fromPath);
}

function isCurrent(route: Route): boolean {
  for (let i = 0; i < route.leases.length; i++) {
    const lease = route.leases[i] as Lease;
    if (lease.state !== "valid") return false;
    if (lease.version === route.versions[i]) continue;
    if (isSuperseded(route, lease)) return false;
    route.versions[i] = lease.version;
  }
  return route.out === undefined || !route.out.closed;
}

/**
 * Has the peer come back on another connection? Only then does a session move while its connection is open: on any other
 * it would overtake itself.
 */
function isSuperseded({ out, nextUri }: Route, lease: Lease): boolean {
  if (out === undefined || out.hop !== undefined || nextUri === undefined) return false;
  const stranger = lease.strangerAt(nextUri);
  return stranger !== undefined && stranger !== out;
}

function decide(head: Head, source: Connection, state: State): Route | Fault {
  const { octets } = head;
  const toStart = head.startOf(TO_PATH);
  const toEnd = head.endOf(TO_PATH);
  const fromStart = head.startOf(FROM_PATH);
  const fromEnd = head.endOf(FROM_PATH);
  const to = readPath(octets, toStart, toEnd);
  const from = readPath(octets, fromStart, fromEnd);
  if (to === undefined || from === undefined) return "PATH";
  // §6.3: a relay has proven itself by its certificate. We may have forgotten its sessions, and must not part with it.
  if (!source.proven && isRelay(source.peer, (from.uris[0] as Uri).host, state.config.relayNames)) {
    state.endProbation(source);
  }

  const leases: Lease[] = [];
  const givers: Lease[] = [];
  let direction: Route["direction"] = "here";
  for (let i = 0; i < to.uris.length && i < MAX_PATH; i++) {
    const uri = to.uris[i] as Uri;
    const lease = state.leases.find(uri);
    if (lease === undefined) {
      if (i > 0 && !isOurs(uri, state.config)) break;
      return isOurs(uri, state.config) ? "SESSION_UNKNOWN" : "NOT_FOR_US";
    }
    if (lease.state !== "valid") return lease.state === "expired" ? "SESSION_EXPIRED" : "SESSION_UNKNOWN";
    leases.push(lease);
    const fromOwner = lease.isFromOwner(source, state.config.relayNames);
    const next = to.uris[i + 1];
    if (next === undefined) {
      // The URI alone: a keepalive, and only its holder has reason to send one.
      if (!fromOwner) return "SESSION_FOREIGN";
      direction = "here";
      break;
    }
    // Before its own URIs are learned: the relay before us brings what others send to its client as well.
    if (lease.leadsToOwner(next)) {
      // §6.4: the next hop is the next hop back toward the client that obtained this URI.
      if (!fromOwner && i === 0 && mayCarry(source, from.uris[0] as Uri)) {
        lease.learnStranger(from.uris[0] as Uri, source);
      }
      // Who sends to itself is on both sides. What another relay brings for its client may come from anybody behind it.
      if (fromOwner && lease.relayHost === undefined) givers.push(lease);
      direction = "to";
      break;
    }
    // §6.4: or the previous hop was the one coming from that client.
    if (!fromOwner) return "SESSION_FOREIGN";
    lease.learnOwnerUri(from.uris[0] as Uri);
    givers.push(lease);
    direction = "on";
  }

  const own = leases.length;
  const lastLease = leases[own - 1] as Lease;
  const nextUri = to.uris[own];
  // A client is reached on its own connection and nowhere else; a relay on any that leads to it.
  const toClient = direction === "to" && lastLease.relayHost === undefined;
  const hop = direction === "here" || toClient ? undefined : hopOf(nextUri as Uri);
  const paths = new Scratch(512);
  if (direction !== "here") {
    paths.text("To-Path: ").text(to.texts.slice(own).join(" "));
    paths
      .text("\r\nFrom-Path: ")
      .text([...to.texts.slice(0, own).reverse(), ...from.texts].join(" "))
      .text("\r\n");
  }
  const answerPaths = new Scratch(256);
  answerPaths.text("To-Path: ").copy(octets, fromStart, firstUriEnd(octets, fromStart, fromEnd));
  answerPaths
    .text("\r\nFrom-Path: ")
    .text(to.texts[0] as string)
    .text("\r\n");
  for (const lease of leases) lease.usedAt = state.now;
  const taker = direction === "to" ? lastLease : undefined;
  for (const giver of givers) giver.learnPeer(beyondUs(to.uris.slice(own), state.config));
  taker?.learnPeer(beyondUs(from.uris, state.config));
  const parties = direction === "here" ? [] : partiesOf(givers, taker, from.uris[0] as Uri, nextUri as Uri);
  const pathsWritten = paths.take();
  const answerPathsWritten = answerPaths.take();
  return {
    toPath: copyOctets(octets, toStart, toEnd),
    fromPath: copyOctets(octets, fromStart, fromEnd),
    leases,
    versions: leases.map((lease) => lease.version),
    direction,
    hop,
    nextUri,
    paths: pathsWritten,
    sendBeginning: sendBeginning(pathsWritten),
    ownUri: new Scratch(128).text(to.texts[0] as string).take(),
    ownPath: new Scratch(128).text(to.texts.slice(0, own).join(" ")).take(),
    previousUri: from.uris[0] as Uri,
    lastOwnUri: new Scratch(128).text(to.texts[own - 1] as string).take(),
    answerPaths: answerPathsWritten,
    okay: new Okay(answerPathsWritten),
    chunkBytes: chunkBytes(state.config, hop),
    parties,
    terms: termsOf(state.config.policy.rules, parties, direction !== "here" && limitsMessages(state.config)),
    givers,
    taker,
    out: toClient ? lastLease.owner : undefined,
  };
}

/** Does the authority of this URI name this relay, whatever its session-id? */
export function isOurs(uri: Uri, config: RelayConfig): boolean {
  return config.listeners.some(({ advertise }) => advertise.host === uri.host && advertise.port === uri.port);
}

/** The holders of sessions that a message concerns, each with who is on the other side. */
function partiesOf(givers: readonly Lease[], taker: Lease | undefined, previous: Uri, next: Uri): Party[] {
  const [giver] = givers;
  const all = givers.map(({ user, domain }) => ({ user, domain, peer: taker?.domain ?? next.host }));
  if (taker === undefined || givers.includes(taker)) return all;
  return [...all, { user: taker.user, domain: taker.domain, peer: giver?.domain ?? previous.host }];
}

function limitsMessages({ limits }: RelayConfig): boolean {
  return limits.messageBytes > 0 || limits.fileBytes > 0;
}

/** The part of a path that is not this relay: what an operator does not know yet. */
function beyondUs(path: readonly Uri[], config: RelayConfig): Uri[] {
  return path.filter((uri) => !isOurs(uri, config));
}

/** An msrps URI is never served over a connection without TLS, ours or that of the proxy in front of a listener. */
function mayCarry(connection: Connection, uri: Uri): boolean {
  return !uri.secure || connection.peer.secure || connection.listener?.advertise.secure === true;
}

function chunkBytes({ forwarding, outgoing }: RelayConfig, hop: Hop | undefined): number {
  if (hop === undefined) return forwarding.chunkBytes;
  return outgoing.chunkBytes.find(({ to }) => matchesName(to, hop.host))?.bytes ?? forwarding.chunkBytes;
}

/** `*` alone is every name; `*.example.net` is any name below that one. */
function matchesName(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function hopOf(uri: Uri): Hop {
  return { secure: uri.secure, host: uri.host, port: uri.port };
}
