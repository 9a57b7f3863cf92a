/**
 * What happened to an attempt, and what to do about it, for the person whose session does not go through.
 *
 * A code says what was wrong with a request; here stands what mostly lies behind it.
 */
import { consequence, type DialFailure, type Fault, type SessionEnd } from "../../core/mod.ts";
import type { Refusal } from "../shared/runtime.ts";

export interface Words {
  readonly text: string;
  readonly advice?: string;
}

/** Faults with a usual reason; the others' own words suffice. */
const ofFault: Partial<Record<Fault, string>> = {
  START_LINE:
    "What came is not MSRP: is it another protocol on this port, or TLS to a plain one (msrp:// and msrps://)?",
  HEADER_LINE: "The client or something in between damages frames; capture its traffic and compare with RFC 4975 §9.",
  HEAD_TOO_LONG: "The client writes an unusually long head; raise limits.headerBytes if it is meant to.",
  PATH: "The client writes a path that is no MSRP URI; its log shows which.",
  NOT_FOR_US:
    "The first To-Path URI names a host that is neither ours nor one of our domains: compare the relay URI in the client with hostname and domains.",
  SESSION_UNKNOWN:
    "The URI was handed out to a connection that has closed, or by another relay: the client must authenticate again and send its new URI in SDP.",
  SESSION_EXPIRED:
    "The client did not authenticate again before its URI expired; raise auth.expires.default if it never does.",
  SESSION_FOREIGN:
    "The sender is neither the client that holds the URI nor sends towards it: mostly the other side uses an old path. New SDP gives it the right one.",
  METHOD_REFUSED: "forwarding.unknownMethods is refuse; set it to forward if clients need that method.",
  NEXT_HOP_REFUSED:
    "outgoing does not allow that next hop: add its network or name to outgoing.allow, or outgoing.plain for msrp:// without TLS.",
  NEXT_HOP_LOST: "Try parley ping from this machine to the next hop: it says at which step the connection fails.",
  NEXT_HOP_FULL: "The receiver takes nothing, and its relay shares one connection with others: look at that relay.",
  NEXT_HOP_SILENT:
    "The next hop took the message and never answered: the client there is stuck, or its network is gone.",
  AUTH_NOT_SECURE:
    "AUTH needs TLS (RFC 4976 §9.2): let the client use msrps://, or say auth: insecure on a listener behind a TLS proxy.",
  AUTH_MALFORMED: "The client writes an Authorization header that Digest does not know; capture it and tell its maker.",
  AUTH_STALE: "Usual after a restart or a long pause: the client repeats the AUTH with a new nonce by itself.",
  AUTH_WRONG:
    "Unknown user, wrong password or wrong realm: the realm is the domain in the relay URI. parley user passwd sets a new password.",
  AUTH_UNAVAILABLE: "The account store did not answer; the log has the reason, and sessions that exist go on.",
  AUTH_TOO_MANY_FAILURES: "The client goes on with a wrong password: correct the password in the client.",
  AUTH_TOO_MANY_PENDING: "The client sends AUTH after AUTH without waiting for answers.",
  AUTH_CHALLENGED: "Every AUTH begins so; the client has yet to answer with its password.",
  AUTH_EXPIRED:
    "The credentials were made for a while, and that is over: the web application must give the client new ones.",
  AUTH_PAUSED: "Too many wrong passwords came before: correct the password and wait, or look for whoever guesses.",
  EXPIRES: "The client writes an Expires that is no number of seconds; tell its maker.",
  EXPIRES_TOO_SHORT: "The client asks for less than auth.expires.min; it may repeat with the Min-Expires it was told.",
  EXPIRES_TOO_LONG: "The client asks for more than auth.expires.max; it may repeat with the Max-Expires it was told.",
  TOO_MANY_SESSIONS: "The user has limits.sessionsPerUser sessions already: end old ones, or raise the limit.",
  TOO_MANY_SESSIONS_OF_DOMAIN: "The domain has as many sessions as its limit allows: end old ones, or raise the limit.",
  TOO_MANY_SESSIONS_IN_ALL: "The relay has as many sessions as its limit allows: raise it, or take more machines.",
  DRAINING: "This relay is being drained: clients go on to the next one that DNS names. DELETE /v1/drain ends it.",
  POLICY_SESSION: "A rule of policy.rules denies this user sessions, or policy.decision said no.",
  POLICY_UNAVAILABLE:
    "The service of policy.decision did not answer, and policy.decision.otherwise is deny; the log has the reason.",
  POLICY_PEER: "A rule of policy.rules denies messages between this user and this peer.",
  POLICY_TYPE: "A rule of policy.rules denies messages of this Content-Type.",
  MESSAGE_TOO_LARGE:
    "limits.messageBytes, limits.fileBytes or a rule with largerThan in policy.rules says how large a message may be.",
  PROBATION:
    "It connected and no request succeeded in 30 s. Either it never sent AUTH, or it was challenged and never answered: has it a user name and password for this relay?",
  STALLED: "The client stopped reading: it hangs, or its network is gone without a word.",
};

/** The others that are answered: a frame that is wrong in itself. */
const ofFrame =
  "The client writes frames that the RFC does not allow; GET /v1/sessions/{id}/trace shows them, for its maker.";

export function faultWords(fault: Fault, detail: string): Words {
  const { text: usual, status } = consequence(fault);
  const text = detail === "" ? usual : `${usual} (${detail})`;
  const advice = ofFault[fault] ?? (status === 400 ? ofFrame : undefined);
  return advice === undefined ? { text } : { text, advice };
}

const ofDial: Record<DialFailure, Words> = {
  POLICY: {
    text: "outgoing does not allow this next hop",
    advice: "Add its network or name to outgoing.allow if messages may go there; msrp:// also needs outgoing.plain.",
  },
  UNRESOLVED: {
    text: "there is no address for the name of this next hop",
    advice: "Compare the name in the path with DNS; clients often write a private name or address there.",
  },
  UNREACHABLE: {
    text: "nobody answers at the next hop",
    advice: "Clients behind NAT cannot be dialled: the other side needs a relay of its own, or must connect itself.",
  },
  CERTIFICATE: {
    text: "the next hop's certificate was not accepted",
    advice:
      "It must be for the host in the URI, in date, and from an authority we believe: the system's, or one in outgoing.tls.ca.",
  },
  TIMEOUT: { text: "the next hop did not answer in time", advice: "Is it up, and does a firewall stand between?" },
};

/** @param detail  what the dial itself said */
export function dialWords(why: DialFailure, hop: string, detail: string): Words {
  const { text, advice } = ofDial[why];
  return { text: `${text}: ${hop}${detail === "" ? "" : ` (${detail})`}`, ...(advice !== undefined && { advice }) };
}

const ofRefusal: Partial<Record<Refusal, Words>> = {
  CONNECTIONS: {
    text: "limits.connections is reached and every connection is in use",
    advice: "Raise limits.connections, or take more machines.",
  },
  CONNECTIONS_PER_ADDRESS: {
    text: "this address has limits.connectionsPerAddress connections already",
    advice:
      "Raise it when many clients share one address behind NAT; otherwise look for a client that leaks connections.",
  },
  CONNECTION_RATE: {
    text: "this address opens more connections than limits.connectionsPerSecondPerAddress lets it",
    advice:
      "Raise it when many clients share one address behind NAT; otherwise look for a client that cannot log in and tries again at once.",
  },
  MEMORY: {
    text: "limits.memoryMegabytes is reached",
    advice: "Raise it if the machine has more, or take more machines.",
  },
  PROXY: {
    text: "the connection did not begin with a PROXY header that we believe",
    advice: "proxyProtocol of the listener says who must send one: compare its from with the proxy's address.",
  },
  ACCEPT: {
    text: "the system could not accept the connection",
    advice: "Mostly for want of descriptors: raise ulimit -n.",
  },
};

/** Why TLS failed, by what OpenSSL (or Deno's rustls) calls it. The first that fits. */
const ofHandshake: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /UNKNOWN_CA|unknown.?ca|UNKNOWN_?ISSUER|CERT_AUTHORITY/i,
    "The client does not know the authority of our certificate: install it there (ca.crt of the data folder), or take a certificate of a public one.",
  ],
  [
    /BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|bad.?certificate|certificate.?unknown/i,
    "The client refused our certificate: mostly its names do not include the host that the client connects to, or it has expired.",
  ],
  [
    /CERTIFICATE_EXPIRED|certificate.?expired/i,
    "For the client our certificate has expired: renew it, and compare the clocks.",
  ],
  [
    /HTTP_REQUEST|WRONG_VERSION_NUMBER|wrong.?version|INVALID_?CONTENT_?TYPE|UNEXPECTED_MESSAGE|corrupt/i,
    "What came is not TLS: the client speaks plain MSRP (or HTTP) to a TLS port. Set it to msrps://.",
  ],
  [
    /UNSUPPORTED_PROTOCOL|NO_PROTOCOLS|VERSION_TOO_LOW|PROTOCOL_VERSION|PeerIncompatible/i,
    "The client knows no TLS 1.2: parley has nothing older (RFC 8996).",
  ],
  [
    /NO_SHARED_CIPHER|HANDSHAKE_FAILURE/i,
    // Deno says the same of what is no TLS at all.
    "Client and relay have nothing in common: mostly plain MSRP (or HTTP) to a TLS port, which msrps:// mends; or a client so old that its cipher suites are given up (RFC 9325).",
  ],
  [
    /too long|TIMEOUT/i,
    "It connected and did not finish TLS in time: a port check, or a client that speaks plain MSRP and waits.",
  ],
  [
    /ECONNRESET|hung up|EPIPE|closed|EOF/i,
    "It hung up during TLS, without a word why: a port check, or a client that refuses our certificate.",
  ],
];

export function refusalWords(why: Refusal, listener: string, detail: string): Words {
  if (why !== "HANDSHAKE") {
    return ofRefusal[why] ?? { text: `the connection was refused: ${why}${detail === "" ? "" : ` (${detail})`}` };
  }
  const advice = ofHandshake.find(([pattern]) => pattern.test(detail))?.[1];
  return {
    text: `the TLS handshake on listener ${listener} failed (${detail})`,
    ...(advice !== undefined && { advice }),
  };
}

const ofEnd: Record<SessionEnd, Words> = {
  CONNECTION: { text: "the session ended with its connection: the client hung up, or its network is gone" },
  EXPIRED: { text: "the session expired unused" },
  EXPIRED_IN_USE: {
    text: "the session expired while it was in use",
    advice:
      "The client never authenticates again: raise auth.expires.default, which holds for clients that ask for nothing.",
  },
  IDLE: {
    text: "the session was unused for too long",
    advice: "Raise limits.sessionIdleSeconds or limits.idleSeconds.",
  },
  MAX_TIME: { text: "the session reached limits.sessionMaxSeconds" },
  ROOM: {
    text: "the session was unused, and its place was needed",
    advice: "Raise limits.connections or sessionsPerUser.",
  },
  OPERATOR: { text: "an operator ended the session" },
  DRAIN: { text: "the session was still there when the drain's deadline came" },
  SHUTDOWN: { text: "parley was stopped" },
};

export function endWords(why: SessionEnd, fault: Fault | undefined): Words {
  if (fault === undefined) return ofEnd[why];
  const { text, advice } = faultWords(fault, "");
  return { text: `the session ended with its connection: ${text}`, ...(advice !== undefined && { advice }) };
}
