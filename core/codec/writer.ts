/**
 * Frames to octets (RFC 4975 §9). Composes into a Scratch; whoever sends decides when to hand it to a Link.
 *
 * Strings are octet strings. Nothing is checked here: what a peer sent was checked by the Reader, what we make
 * ourselves is ours to get right.
 */
import { DASHES } from "../bytes/dashes.ts";
import { CR, DASH, LF } from "../bytes/octets.ts";
import type { Scratch } from "../bytes/scratch.ts";

/** `MSRP id METHOD` and its CRLF. */
export function writeRequestLine(to: Scratch, transactId: string, method: string): void {
  to.text("MSRP ").text(transactId).text(" ").text(method).text("\r\n");
}

/** `MSRP id 200 OK` and its CRLF. */
export function writeStatusLine(to: Scratch, transactId: string, status: number, comment: string): void {
  to.text("MSRP ").text(transactId).text(" ").number(status);
  if (comment !== "") to.text(" ").text(comment);
  to.text("\r\n");
}

export function writeHeader(to: Scratch, name: string, value: string): void {
  to.text(name).text(": ").text(value).text("\r\n");
}

/** The end-line; where a body came before it, its CRLF is written too. */
export function writeEndLine(to: Scratch, transactId: string, flag: number, afterBody: boolean): void {
  if (afterBody) to.octet(CR).octet(LF);
  for (let i = 0; i < DASHES; i++) to.octet(DASH);
  to.text(transactId).octet(flag).octet(CR).octet(LF);
}

/** The reason phrases of RFC 4975 §10 and RFC 4976 §10.3, and that of 503 (faults.ts). */
export function comment(status: number): string {
  return comments[status] ?? "";
}

const comments: Record<number, string> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  408: "Request Timeout",
  413: "Stop Sending",
  415: "Unsupported Media Type",
  423: "Interval Out-of-Bounds",
  481: "Session Does Not Exist",
  500: "Server Error",
  501: "Method Not Understood",
  503: "Service Unavailable",
  506: "Session Already In Use",
};
