/** Why something came to nothing: a message, a session, an authentication. */
export interface Failure {
  /**
   * - `response`: the next hop refused it
   * - `report`: a REPORT said so, from further away (RFC 4975 §7.1.4, RFC 4976 §6.4.1)
   * - `timeout`: no response within 30 s of the last octet (RFC 4975 §7.1.1)
   * - `connection`: it ended before the answer
   * - `session`: the session has failed or was closed
   * - `limit`: one of our own bounds (limits.ts)
   * - `proof`: the relay's 200 lacks a usable Use-Path, or it does not know the password (RFC 4976 §9.1)
   */
  readonly by: "response" | "report" | "timeout" | "connection" | "session" | "limit" | "proof";
  /** The status received; 408 for our own timeout, since §10.4 treats both alike; 0 where there is none. */
  readonly status: number;
  /** For people. */
  readonly comment: string;
}
