/**
 * AUTH at this relay (RFC 4976 §5.1, §6.3): from the claim to the lease.
 *
 * Stands beside relay.ts because two rooms meet here that do not know each other: `auth` says whether a credential is
 * right, `session` hands out the URI. In between the account is looked up, which takes a turn of its own.
 */
import { Authenticator, type Claim } from "./auth/authenticator.ts";
import { boundHeader, readExpires } from "./auth/expires.ts";
import { copyOctets } from "./bytes/octets.ts";
import type { Head } from "./codec/head.ts";
import { AUTHORIZATION, EXPIRES, FROM_PATH, TO_PATH } from "./codec/header.ts";
import { parsePath } from "./codec/path.ts";
import type { Uri } from "./codec/uri.ts";
import { consequence, type Fault } from "./faults.ts";
import { answerPaths, writeAnswer } from "./forwarding/answer.ts";
import type { Surroundings } from "./forwarding/incoming.ts";
import type { Credential, DomainConfig, ListenerConfig, Millis, Ticket } from "./ports.ts";
import { AuthPauses, networkOf } from "./session/auth-pauses.ts";
import type { Connection } from "./session/connection.ts";
import { allowsSession } from "./session/policy.ts";
import { isRelay } from "./session/relay-peer.ts";

/** AUTH requests of one connection whose accounts are being looked up. They cannot be pipelined (§9.1). */
const MAX_PENDING = 16;
/** The same of a relay, which brings those of many clients. */
const MAX_PENDING_OF_RELAY = 1024;

/** Refused AUTHs of one connection that are told one by one in a minute; all are counted. */
const MAX_NOTED_REFUSALS = 32;
const NOTED_WITHIN: Millis = 60_000;

/** Who asked, and what a response to it needs. */
interface Asker {
  readonly source: Connection;
  readonly id: Uint8Array;
  readonly paths: Uint8Array;
  /** The first From-Path URI: who sends to us on behalf of the client, or the client itself. */
  readonly ownerUri: Uri;
  /** The relays between the client and us, in the order in which the client reaches them, each with a space behind it. */
  readonly relaysBefore: string;
}

/** What is known of an AUTH that is refused. */
export interface About {
  readonly user?: string;
  readonly domain?: string;
}

/** An AUTH whose account is being looked up. */
interface Pending {
  readonly asker: Asker;
  readonly claim: Claim;
  readonly expiresSeconds: number;
}

/** An AUTH with right credentials. */
interface Proven extends Pending {
  readonly user: string;
  /** For Authentication-Info. */
  readonly info: string;
}

export class Admission {
  readonly #around: Surroundings;
  readonly #authenticator: Authenticator;
  #domains: ReadonlyMap<string, DomainConfig>;
  readonly #pending: Map<Ticket, Pending>;
  /** Those the Host is asked about. */
  readonly #undecided: Map<Ticket, Proven>;
  readonly #pauses: AuthPauses;
  #drainedSince: Millis | undefined;
  #tickets: number;

  constructor(around: Surroundings) {
    const { config, host } = around.state;
    this.#around = around;
    this.#authenticator = new Authenticator((target) => host.fillRandom(target), config.auth.nonceSeconds);
    this.#domains = byName(config.domains);
    this.#pending = new Map();
    this.#undecided = new Map();
    this.#pauses = new AuthPauses(() => around.state.config.limits);
    this.#drainedSince = undefined;
    this.#tickets = 0;
  }

  /** The configuration has changed. Challenges that are out and lookups under way go on. */
  reconfigured(): void {
    const { config } = this.#around.state;
    this.#authenticator.nonceSeconds = config.auth.nonceSeconds;
    this.#domains = byName(config.domains);
  }

  /** Since when no new sessions are taken; undefined when they are. */
  get drainedSince(): Millis | undefined {
    return this.#drainedSince;
  }

  drain(on: boolean): void {
    this.#drainedSince = on ? (this.#drainedSince ?? this.#around.state.now) : undefined;
  }

  /** How many wait for their account, or for the operator's word. */
  get pending(): number {
    return this.#pending.size + this.#undecided.size;
  }

  /** An AUTH for this relay: challenge it, or have its account looked up. */
  ask(source: Connection, head: Head): void {
    const { state } = this.#around;
    const paths = answerPaths(state, head);
    if (paths === undefined) {
      state.noteFault(source, "PATH", "AUTH");
      return;
    }
    const id = copyOctets(head.octets, head.base + head.transactIdStart, head.base + head.transactIdEnd);
    const to = parsePath(head.value(TO_PATH) ?? "");
    const from = parsePath(head.value(FROM_PATH) ?? "");
    if (to === undefined || from === undefined) {
      this.#refuse({ source, id, paths }, {}, "PATH");
      return;
    }
    const relays = from.texts.slice(0, -1).reverse();
    const relaysBefore = relays.map((text) => `${text} `).join("");
    const asker: Asker = { source, id, paths, ownerUri: from.uris[0] as Uri, relaysBefore };
    const domain = this.#domainOf(to.uris[0] as Uri);
    if (domain === undefined) {
      // §6.2: a domain we do not serve is another relay's business.
      this.refused(source, { domain: (to.uris[0] as Uri).host }, "NOT_FOR_US");
      this.#around.close(source, "NOT_FOR_US", `AUTH for ${(to.uris[0] as Uri).host}`);
      return;
    }
    const about: About = { domain: domain.name };
    if (this.#isDrainedFor(source)) {
      this.#refuse(asker, about, "DRAINING");
      return;
    }
    // A relay has proven itself by its certificate, whatever becomes of its client's AUTH.
    const fromRelay = this.#isFromRelay(asker);
    if (fromRelay) state.endProbation(source);
    if (!source.peer.secure && source.listener?.authInsecure !== true) {
      this.#refuse(asker, about, "AUTH_NOT_SECURE");
      return;
    }
    const bounds = state.config.auth.expires;
    const expires = readExpires(head.value(EXPIRES), bounds);
    if (expires === "EXPIRES") {
      this.#refuse(asker, about, expires);
      return;
    }
    const claim = this.#authenticator.begin(head.value(AUTHORIZATION), to.texts[0] as string, domain);
    if (claim === "AUTH_CHALLENGED") {
      this.#challenge(asker, domain, claim);
      return;
    }
    if (claim === "AUTH_MALFORMED") {
      this.#refuse(asker, about, claim);
      return;
    }
    const claimed = aboutClaim(claim);
    if (this.#pauses.mustWait(this.#networkOf(asker), userOf(claim), state.now)) {
      this.#refuse(asker, claimed, "AUTH_PAUSED");
      if (!fromRelay) this.countFailure(source, "us");
      return;
    }
    // Before the credentials are checked, so that the client may repeat them with another Expires.
    if (typeof expires === "string") {
      const { name, value } = boundHeader(expires, bounds);
      this.#refuse(asker, claimed, expires, `${name}: ${value}\r\n`);
      return;
    }
    if (source.authsPending >= (fromRelay ? MAX_PENDING_OF_RELAY : MAX_PENDING)) {
      this.refused(source, claimed, "AUTH_TOO_MANY_PENDING");
      this.#around.close(source, "AUTH_TOO_MANY_PENDING", "");
      return;
    }
    source.authsPending++;
    const ticket = ++this.#tickets;
    this.#pending.set(ticket, { asker, claim, expiresSeconds: expires });
    state.host.findCredential(claim.username, domain.name, ticket);
  }

  /** The account was looked up. */
  answer(ticket: Ticket, found: Credential | undefined | "UNAVAILABLE"): void {
    const pending = this.#pending.get(ticket);
    this.#pending.delete(ticket);
    if (pending === undefined || pending.asker.source.closed) return;
    const { asker, claim } = pending;
    asker.source.authsPending--;
    if (found === "UNAVAILABLE") {
      this.#refuse(asker, aboutClaim(claim), "AUTH_UNAVAILABLE");
      return;
    }
    const proven = this.#authenticator.finish(claim, found, this.#around.state.now);
    if (typeof proven !== "string") {
      this.#pauses.succeeded(this.#networkOf(asker), userOf(claim));
      this.#consider({ ...pending, user: found?.user ?? claim.username, info: proven.info });
      return;
    }
    this.#challenge(asker, claim.domain, proven, found?.user ?? claim.username);
    if (proven === "AUTH_STALE") return;
    this.#pauses.failed(this.#networkOf(asker), userOf(claim), this.#around.state.now);
    // §6.3: failures of the clients behind a relay are no reason to part with the relay.
    if (!this.#isFromRelay(asker)) this.countFailure(asker.source, "us");
  }

  /** §6.3: several unsuccessful AUTHs from a client end its connection. */
  countFailure(source: Connection, at: "us" | "another relay"): void {
    if (at === "us") source.authFailures++;
    else source.remoteAuthFailures++;
    if (source.authFailures + source.remoteAuthFailures < this.#around.state.config.auth.maxFailures) return;
    this.#around.close(source, "AUTH_TOO_MANY_FAILURES", "");
  }

  /** The client is who it says. Does the operator want it? */
  #consider(proven: Proven): void {
    const { config, host } = this.#around.state;
    const { asker, claim, user } = proven;
    const { source } = asker;
    const domain = claim.domain.name;
    if (!allowsSession(config.policy.rules, user, domain)) {
      this.#refuse(asker, { user, domain }, "POLICY_SESSION");
      return;
    }
    if (!config.policy.asks || host.decideSession === undefined) {
      this.#admit(proven);
      return;
    }
    source.authsPending++;
    const ticket = ++this.#tickets;
    this.#undecided.set(ticket, proven);
    const where = source.listener === undefined ? {} : { listener: source.listener.name };
    host.decideSession({ user, domain, peer: source.peer, ...where }, ticket);
  }

  /** The Host was asked whether a session may start. */
  decided(ticket: Ticket, verdict: "ALLOW" | "DENY" | "UNAVAILABLE"): void {
    const proven = this.#undecided.get(ticket);
    this.#undecided.delete(ticket);
    if (proven === undefined || proven.asker.source.closed) return;
    const { asker, claim, user } = proven;
    asker.source.authsPending--;
    const about = { user, domain: claim.domain.name };
    if (verdict === "ALLOW") this.#admit(proven);
    else this.#refuse(asker, about, verdict === "DENY" ? "POLICY_SESSION" : "POLICY_UNAVAILABLE");
  }

  /** A lease is its own. */
  #admit({ asker, claim, expiresSeconds, user, info }: Proven): void {
    const { state, nextHops, backPressure } = this.#around;
    const { source, ownerUri } = asker;
    const domain = claim.domain.name;
    const full = this.#isFull(user, domain);
    if (full !== undefined) {
      this.#refuse(asker, { user, domain }, full);
      return;
    }
    // A connection that we dialed came in on no listener: any of ours will do.
    const { advertise } = source.listener ?? (state.config.listeners[0] as ListenerConfig);
    const relayHost = this.#isFromRelay(asker) ? ownerUri.host : undefined;
    const holder = { user, domain, owner: source, ownerUri, relayHost };
    const lease = state.leases.grant(advertise, holder, state.now, expiresSeconds);
    if (relayHost !== undefined) nextHops.learn(ownerUri, source);
    // §4.2, §5.1: the URIs in the order in which the client will write them in a To-Path.
    const extra =
      `Use-Path: ${asker.relaysBefore}${lease.text}\r\n` +
      `Expires: ${lease.lastsSeconds}\r\n` +
      `Authentication-Info: ${info}\r\n`;
    writeAnswer(state, source, asker.id, 200, asker.paths, extra);
    backPressure.wrote(source, source);
    source.authFailures = 0;
    state.endProbation(source);
    state.counters.auth(domain, "OK");
    state.host.note({ type: "sessionStarted", ...lease.holder, expiresSeconds: lease.lastsSeconds });
  }

  /** Which number of sessions is reached, if one is. */
  #isFull(user: string, domain: string): Fault | undefined {
    const { leases, config, now } = this.#around.state;
    const { sessions, sessionsPerDomain, sessionsPerUser } = config.limits;
    if (sessions > 0 && leases.validCount >= sessions) return "TOO_MANY_SESSIONS_IN_ALL";
    if (sessionsPerDomain > 0 && leases.heldByDomain(domain) >= sessionsPerDomain) return "TOO_MANY_SESSIONS_OF_DOMAIN";
    if (leases.heldBy(user, domain) < sessionsPerUser) return undefined;
    return leases.makeRoom(user, domain, now) ? undefined : "TOO_MANY_SESSIONS";
  }

  #challenge(
    asker: Asker,
    domain: DomainConfig,
    fault: "AUTH_CHALLENGED" | "AUTH_WRONG" | "AUTH_STALE" | "AUTH_EXPIRED",
    user?: string,
  ): void {
    const values = this.#authenticator.challenge(domain, fault === "AUTH_STALE", this.#around.state.now);
    const about = user === undefined ? { domain: domain.name } : { user, domain: domain.name };
    this.#refuse(asker, about, fault, values.map((value) => `WWW-Authenticate: ${value}\r\n`).join(""));
  }

  /** @param extra  header lines of the response, each with its CRLF */
  #refuse({ source, id, paths }: Pick<Asker, "source" | "id" | "paths">, about: About, fault: Fault, extra = ""): void {
    const { state, backPressure } = this.#around;
    // A challenge is how every AUTH begins, and no fault of anybody.
    if (fault !== "AUTH_CHALLENGED") state.noteFault(source, fault, "");
    this.refused(source, about, fault);
    const { status, named } = consequence(fault);
    writeAnswer(state, source, id, status as number, paths, extra, named === true ? fault : "");
    backPressure.wrote(source, source);
  }

  /** Counts a refusal, and tells the Host of it unless there were many of late. */
  refused(source: Connection, about: About, fault: Fault): void {
    const { counters, host, now } = this.#around.state;
    counters.auth(about.domain ?? "", fault);
    if (fault === "AUTH_CHALLENGED") return;
    if (now - source.authsRefusedAt >= NOTED_WITHIN) {
      source.authsRefused = 0;
      source.authsRefusedAt = now;
    }
    if (source.authsRefused++ >= MAX_NOTED_REFUSALS) return;
    const { number: connection, peer, listener } = source;
    const where = listener === undefined ? {} : { listener: listener.name };
    host.note({ type: "authRefused", fault, connection, peer, ...where, ...about });
  }

  /**
   * While draining: who came before and has not authenticated yet may still do so, having chosen this relay when it was
   * open (probation bounds how long that takes); all others are sent elsewhere.
   */
  #isDrainedFor(source: Connection): boolean {
    return this.#drainedSince !== undefined && (source.proven || source.openedAt > this.#drainedSince);
  }

  /** Where an AUTH comes from; behind a relay there are many, and its address says nothing of them. */
  #networkOf(asker: Asker): string | undefined {
    return this.#isFromRelay(asker) ? undefined : networkOf(asker.source.peer.address);
  }

  /** Is the previous hop a relay (§6.3)? */
  #isFromRelay({ source, ownerUri }: Asker): boolean {
    return isRelay(source.peer, ownerUri.host, this.#around.state.config.relayNames);
  }

  /** The domain an AUTH is for: the host of its To-Path URI, a name of ours meaning the first domain. */
  #domainOf(uri: Uri): DomainConfig | undefined {
    const domain = this.#domains.get(uri.host);
    if (domain !== undefined) return domain;
    const { listeners, domains } = this.#around.state.config;
    return listeners.some(({ advertise }) => advertise.host === uri.host) ? domains[0] : undefined;
  }
}

function byName(domains: readonly DomainConfig[]): ReadonlyMap<string, DomainConfig> {
  return new Map(domains.map((domain) => [domain.name, domain]));
}

function userOf({ username, domain }: Claim): string {
  return `${username}@${domain.name}`;
}

function aboutClaim({ username, domain }: Claim): About {
  return { user: username, domain: domain.name };
}
