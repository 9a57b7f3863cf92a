/**
 * Every way a peer can be wrong, and what follows.
 *
 * The code is for machines: metric label, log field, test name. `then` is what the relay does, with the response
 * status where there is one; whether a response may be sent at all is for Failure-Report to say (RFC 4975 §7.2).
 * `close` drops the connection without an answer: either the framing is lost and there is nobody to answer, or the
 * RFC says so. The operator's table in README is made from the same lines.
 */
export interface Consequence {
  /** `close`: drop the connection. `answer`: respond with `status` and go on. `ignore`: drop the frame and go on. */
  readonly then: "close" | "answer" | "ignore";
  readonly status?: number;
  readonly rfc: string;
  /** The answer's comment names the code: its peer may know, and cannot find out anything by it. */
  readonly named?: true;
  /** For people; may change, so nothing compares it. */
  readonly text: string;
}

export const faults = {
  // Framing: where frames begin and end is no longer known.
  START_LINE: { then: "close", rfc: "4975 §9", text: "not an MSRP start line" },
  HEADER_LINE: {
    then: "close",
    rfc: "4975 §9",
    text: "a header line that is neither a header nor this frame's end-line",
  },
  HEAD_TOO_LONG: { then: "close", rfc: "4975 §14.5", text: "head longer than limits.headerBytes" },

  // The frame can be read, but not accepted.
  TOO_MANY_HEADERS: { then: "answer", status: 400, rfc: "4975 §10.2", text: "more than 64 header lines" },
  HEADER_VALUE: { then: "answer", status: 400, rfc: "4975 §9", text: "a control character in a header" },
  HEADER_REPEATED: { then: "answer", status: 400, rfc: "4975 §9", text: "a header that may stand once stands twice" },
  PATH: { then: "answer", status: 400, rfc: "4975 §9", text: "To-Path or From-Path missing or malformed" },
  MESSAGE_ID: { then: "answer", status: 400, rfc: "4975 §7.1.1", text: "SEND without a valid Message-ID" },
  BYTE_RANGE: { then: "answer", status: 400, rfc: "4975 §7.1.1", text: "malformed Byte-Range" },
  REPORT_FIELD: {
    then: "answer",
    status: 400,
    rfc: "4975 §9",
    text: "Success-Report or Failure-Report with an unknown value",
  },
  CONTENT_TYPE: { then: "answer", status: 400, rfc: "4975 §7.1", text: "a body without Content-Type" },
  BODY_TOO_LONG: {
    then: "answer",
    status: 400,
    rfc: "4975 §7.1",
    text: "body of a non-SEND request above 10,240 octets",
  },
  NOT_INTERRUPTIBLE: {
    then: "answer",
    status: 400,
    rfc: "4975 §7.1",
    text: "a non-SEND request that does not end in $",
  },
  RESPONSE_MALFORMED: { then: "ignore", rfc: "4976 §6.4.3", text: "a response that cannot be parsed" },
  RESPONSE_UNKNOWN: { then: "ignore", rfc: "4976 §6.4.3", text: "a response to no transaction of ours" },

  // Whom it is for.
  NOT_FOR_US: { then: "close", rfc: "4976 §6.2", text: "first To-Path URI is not ours" },
  SESSION_UNKNOWN: {
    then: "answer",
    status: 481,
    rfc: "4976 §6.3",
    text: "no such session, or its connection has gone",
  },
  SESSION_EXPIRED: { then: "answer", status: 481, rfc: "4976 §6.3", text: "the session's URI has expired" },
  SESSION_FOREIGN: {
    then: "answer",
    status: 481,
    rfc: "4976 §6.4",
    text: "neither from nor towards the client that holds the URI",
  },
  METHOD_REFUSED: {
    then: "answer",
    status: 501,
    rfc: "4976 §6.4.2",
    text: "unknown methods are blocked by configuration",
  },
  NEXT_HOP_REFUSED: { then: "answer", status: 403, rfc: "4976 §9.4", text: "the next hop is not allowed by outgoing" },
  NEXT_HOP_LOST: {
    then: "answer",
    status: 408,
    rfc: "4976 §6.4.1",
    text: "the next hop cannot be reached or was lost",
  },
  NEXT_HOP_FULL: {
    then: "answer",
    status: 408,
    rfc: "4976 §6.4.1",
    text: "the next hop takes nothing, and other sessions share the way to us",
  },
  NEXT_HOP_SILENT: {
    then: "answer",
    status: 408,
    rfc: "4976 §6.4.1",
    text: "the next hop did not answer in 30 seconds",
  },

  // AUTH.
  AUTH_NOT_SECURE: { then: "answer", status: 403, rfc: "4976 §9.2", text: "AUTH on a connection without TLS" },
  AUTH_MALFORMED: { then: "answer", status: 400, rfc: "4976 §7", text: "an Authorization header that cannot be read" },
  AUTH_CHALLENGED: { then: "answer", status: 401, rfc: "4976 §5.1", text: "no credentials yet" },
  AUTH_STALE: {
    then: "answer",
    status: 401,
    rfc: "2617 §3.2.1",
    text: "right credentials with an expired or used nonce",
  },
  AUTH_WRONG: { then: "answer", status: 401, rfc: "4976 §10.3", text: "unknown user or wrong password" },
  AUTH_EXPIRED: {
    then: "answer",
    status: 401,
    rfc: "4976 §10.3",
    text: "right credentials whose time is over",
  },
  AUTH_UNAVAILABLE: { then: "answer", status: 500, rfc: "4976 §6.3", text: "the account store did not answer" },
  AUTH_TOO_MANY_FAILURES: { then: "close", rfc: "4976 §6.3", text: "several failed AUTHs on one connection" },
  AUTH_TOO_MANY_PENDING: { then: "close", rfc: "4976 §9.1", text: "AUTH requests cannot be pipelined" },
  EXPIRES: { then: "answer", status: 400, rfc: "4976 §7", text: "Expires is not a whole number of seconds" },
  EXPIRES_TOO_SHORT: { then: "answer", status: 423, rfc: "4976 §6.3", text: "Expires below Min-Expires" },
  EXPIRES_TOO_LONG: { then: "answer", status: 423, rfc: "4976 §6.3", text: "Expires above Max-Expires" },
  // No MSRP text has a code that says "elsewhere". 503 is the one of SIP, whose clients these are: with it they go on to the
  // next SRV target (RFC 3263 §4.3). To who does not know it, whatever is not 200 is a refusal.
  DRAINING: { then: "answer", status: 503, rfc: "3263 §4.3", text: "no new sessions: the relay is being drained" },
  AUTH_PAUSED: {
    then: "answer",
    status: 403,
    rfc: "4976 §6.3",
    named: true,
    text: "too many failed AUTHs from this address or for this user: not before the pause is over",
  },
  TOO_MANY_SESSIONS: {
    then: "answer",
    status: 403,
    rfc: "4976 §6.3",
    named: true,
    text: "limits.sessionsPerUser reached",
  },
  TOO_MANY_SESSIONS_OF_DOMAIN: {
    then: "answer",
    status: 403,
    rfc: "4976 §6.3",
    named: true,
    text: "limits.sessionsPerDomain reached",
  },
  TOO_MANY_SESSIONS_IN_ALL: {
    then: "answer",
    status: 503,
    rfc: "3263 §4.3",
    named: true,
    text: "limits.sessions reached",
  },

  // What the operator does not want.
  POLICY_SESSION: {
    then: "answer",
    status: 403,
    rfc: "4976 §6.3",
    named: true,
    text: "policy denies this user a session",
  },
  POLICY_UNAVAILABLE: {
    then: "answer",
    status: 500,
    rfc: "4976 §6.3",
    named: true,
    text: "policy.decision did not answer, and says deny then",
  },
  POLICY_PEER: {
    then: "answer",
    status: 403,
    rfc: "4975 §10.3",
    named: true,
    text: "policy denies messages between this user and this peer",
  },
  POLICY_TYPE: {
    then: "answer",
    status: 415,
    rfc: "4975 §10.5",
    named: true,
    text: "policy denies messages of this Content-Type",
  },
  MESSAGE_TOO_LARGE: {
    then: "answer",
    status: 413,
    rfc: "4975 §10.4",
    named: true,
    text: "a message larger than limits.messageBytes, limits.fileBytes or policy allows",
  },

  // Time and quantity.
  PROBATION: { then: "close", rfc: "4976 §6.1", text: "no successful request within 30 seconds" },
  STALLED: { then: "close", rfc: "4976 §6.5", text: "took nothing of its backlog for two minutes" },
} as const satisfies Record<string, Consequence>;

export type Fault = keyof typeof faults;

/** The consequence of a fault, with the optional field visible. */
export function consequence(fault: Fault): Consequence {
  return faults[fault];
}

export function isFault(code: string): code is Fault {
  return Object.hasOwn(faults, code);
}
