/**
 * What passes is added to the sessions it passes through (session/traffic.ts): those whose holder has sent it, and the one
 * whose holder gets it. Plain additions, since this is done for every chunk.
 */
import type { Head } from "../codec/head.ts";
import type { Millis } from "../ports.ts";
import { isFile } from "../session/traffic.ts";
import type { Route } from "./route.ts";

/** A message begins with this head: is it a file? */
export function countBegin({ givers, taker }: Route, head: Head): void {
  if (!isFile(head)) return;
  for (const { traffic } of givers) traffic.filesOut++;
  if (taker !== undefined) taker.traffic.filesIn++;
}

/** Octets of a body have come. */
export function countIn({ givers, taker }: Route, octets: number, now: Millis): void {
  for (const giver of givers) {
    giver.traffic.bytesOut += octets;
    giver.usedAt = now;
  }
  if (taker !== undefined) taker.usedAt = now;
}

/** They were passed on. */
export function countOut({ taker }: Route, octets: number): void {
  if (taker !== undefined) taker.traffic.bytesIn += octets;
}

/** The last chunk of a message has ended. */
export function countEnd({ givers, taker }: Route): void {
  for (const { traffic } of givers) traffic.messagesOut++;
  if (taker !== undefined) taker.traffic.messagesIn++;
}

export function countReport({ givers, taker }: Route): void {
  for (const { traffic } of givers) traffic.reportsOut++;
  if (taker !== undefined) taker.traffic.reportsIn++;
}
