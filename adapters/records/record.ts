/**
 * What is kept of a session when it has ended: who, with whom, how long, how much, and why it ended.
 *
 * One flat map of texts and numbers, the same in a file, a table and a webhook. No URI is in it: whoever knows one that
 * was handed out may send to its client.
 */
import { randomUUID } from "node:crypto";
import type { Happening, Millis } from "../../core/mod.ts";
import type { Occurrence } from "../control/control.ts";

export type SessionEnded = Extract<Happening, { type: "sessionEnded" }>;

/** Names of a record's fields, and how a table has them. */
export const columns = {
  id: "uuid", // for those who are given a record twice
  session: "text", // as the log and the admin API call it
  username: "text",
  domain: "text",
  address: "text",
  port: "number",
  listener: "text", // empty for one that came through a connection of ours
  relay: "text", // that brought it; empty when the client came itself
  peers: "text", // hosts and ports, a comma between them; of a path of several, a space
  started_at: "time",
  ended_at: "time",
  used_at: "time",
  bytes_in: "number",
  bytes_out: "number",
  messages_in: "number",
  messages_out: "number",
  files_in: "number",
  files_out: "number",
  reports_in: "number",
  reports_out: "number",
  why: "text",
  fault: "text", // empty unless one ended it
} as const satisfies Record<string, "uuid" | "text" | "number" | "time">;
export type Column = keyof typeof columns;
export type SessionRecord = Readonly<Record<Column, string | number>>;

/**
 * @param now   on core's clock, when it ended
 * @param unix  the same moment in Unix milliseconds
 */
export function recordOf(ended: SessionEnded, worker: string, now: Millis, unix: number): SessionRecord {
  const { user, domain, peer, listener = "", relay = "", peers, traffic, why, fault = "" } = ended;
  const at = (millis: Millis) => new Date(unix - (now - millis)).toISOString();
  return {
    id: randomUUID(),
    session: `${worker}.${ended.session}`,
    username: user,
    domain,
    address: peer.address,
    port: peer.port,
    listener,
    relay,
    peers: peers.join(","),
    started_at: at(ended.startedAt),
    ended_at: at(now),
    used_at: at(ended.usedAt),
    bytes_in: traffic.bytesIn,
    bytes_out: traffic.bytesOut,
    messages_in: traffic.messagesIn,
    messages_out: traffic.messagesOut,
    files_in: traffic.filesIn,
    files_out: traffic.filesOut,
    reports_in: traffic.reportsIn,
    reports_out: traffic.reportsOut,
    why,
    fault,
  };
}

/** What the queue keeps, and a webhook is told. */
export function occurrenceOf(record: SessionRecord, id: number, at: number): Occurrence {
  const text = `session ${record.session} of ${record.username}@${record.domain} ended: ${record.why}`;
  return { id, at, type: "sessionRecord", text, fields: record };
}
