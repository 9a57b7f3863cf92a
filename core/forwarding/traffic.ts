/**
 * What passes is added to the sessions it passes through (session/traffic.ts): those whose holder has sent it, and the one
 * whose holder gets it. Plain additions, since this is done for every chunk.
 */
import type { Millis } from "../ports.ts";
import type { Route } from "./route.ts";

/** A file begins. */
export function countFile({ givers, taker }: Route): void {
  for (const { traffic } of givers) traffic.filesOut++;
  if (taker !== undefined) taker.traffic.filesIn++;
}

/** A chunk came as a whole, and went. */
export function countWhole({ givers, taker }: Route, octets: number, messages: 0 | 1): void {
  for (const { traffic } of givers) {
    traffic.bytesOut += octets;
    traffic.messagesOut += messages;
  }
  if (taker === undefined) return;
  taker.traffic.bytesIn += octets;
  taker.traffic.messagesIn += messages;
}

/** Octets of a body have come, and with them the session is in use. */
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
