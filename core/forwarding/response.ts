/**
 * Responses from next hops (RFC 4976 §6.4.3): matched to their transaction by transact-id and connection.
 *
 * A response to a SEND ends here; a failure becomes an error response to the chunk that is still coming in, or a REPORT
 * to its sender. A response to any other request goes back the way the request came, under the id it came with.
 * Whatever matches nothing is dropped: a 200 nobody asked for, a late one, an invented one.
 */
import { DOLLAR, octetString, sameOctets } from "../bytes/octets.ts";
import { Scratch } from "../bytes/scratch.ts";
import { firstUriEnd, parsePath, readPath } from "../codec/path.ts";
import { type Head, RESPONSE } from "../codec/head.ts";
import { FROM_PATH, TO_PATH, WWW_AUTHENTICATE } from "../codec/header.ts";
import { sameUri } from "../codec/uri.ts";
import type { Connection } from "../session/connection.ts";
import { type Asked, REPORT_YES, type Transaction } from "../session/transaction.ts";
import { writeAnswer } from "./answer.ts";
import type { BackPressure } from "./back-pressure.ts";
import { copyHeaders, endFrame } from "./chunk.ts";
import { add, count } from "./counters.ts";
import { sendReport } from "./report.ts";
import type { State } from "./state.ts";

/** Takes a response that came in on `from`. Returns the AUTH whose credentials another relay has refused, if it is that. */
export function takeResponse(
  state: State,
  backPressure: BackPressure,
  from: Connection,
  head: Head,
): Asked | undefined {
  const { octets, base } = head;
  if (head.flaw !== undefined) {
    state.noteFault(from, "RESPONSE_MALFORMED", head.flaw);
    return undefined;
  }
  const transaction = from.transactions.find(octets, base + head.transactIdStart, base + head.transactIdEnd);
  if (transaction === undefined) {
    state.noteFault(from, "RESPONSE_UNKNOWN", String(head.status));
    return undefined;
  }
  const { origin, asked } = transaction;
  const own = asked?.lastOwnUri ?? origin?.ownUriOut;
  // With a head like the one it was seen for it need not be looked for again.
  if (own === undefined || (head.memo !== own && !beginsWith(head, own))) {
    state.noteFault(from, "RESPONSE_MALFORMED", "To-Path");
    return undefined;
  }
  head.memo = own;
  if (asked !== undefined) return passBack(state, backPressure, transaction, asked, head);
  if (head.status >= 200 && head.status < 300) from.transactions.finish(transaction);
  else failTransaction(state, backPressure, transaction, head.status);
  return undefined;
}

/** A request of ours has failed for good: its sender is told as it wished, and the transaction ends. */
export function failTransaction(
  state: State,
  backPressure: BackPressure,
  transaction: Transaction,
  status: number,
): void {
  const { origin, asked, rangeStart, rangeEnd, total } = transaction;
  transaction.table.finish(transaction);
  if (origin !== undefined) {
    if (origin.open !== undefined) {
      origin.open.fail(status);
      return;
    }
    sendReport(state, origin, rangeStart, rangeEnd, total, status);
    // Whoever does not read the REPORTs it causes is to cause no more.
    backPressure.wrote(origin.source, origin.source);
  } else if (asked !== undefined && !asked.source.closed) {
    const paths = new Scratch(256).text("To-Path: ").copy(asked.fromPath).text("\r\nFrom-Path: ").copy(asked.ownUri);
    const id = new Scratch(32).text(asked.transactId).take();
    writeAnswer(state, asked.source, id, status, paths.text("\r\n").take(), "");
    backPressure.wrote(asked.source, asked.source);
  }
}

/** Thirty seconds have passed. Only "yes" promises an answer, so only its silence is a failure (§6.4.1). */
export function timeOut(state: State, backPressure: BackPressure, transaction: Transaction): void {
  const { origin } = transaction;
  if (origin !== undefined && origin.failureReport !== REPORT_YES) {
    transaction.table.finish(transaction);
    return;
  }
  state.counters.timeouts++;
  state.noteFault(transaction.table.connection, "NEXT_HOP_SILENT", "");
  failTransaction(state, backPressure, transaction, 408);
}

/**
 * §6.4.3: the first To-Path URI must be ours. Some write the whole way back there rather than the previous hop alone;
 * its beginning is the same.
 */
function beginsWith(head: Head, own: Uint8Array): boolean {
  const { octets } = head;
  const start = head.startOf(TO_PATH);
  const end = firstUriEnd(octets, start, head.endOf(TO_PATH));
  if (end - start === own.length && sameOctets(octets, start, own, 0, own.length)) return true;
  const written = readPath(octets, start, end)?.uris[0];
  const ours = parsePath(octetString(own))?.uris[0];
  return written !== undefined && ours !== undefined && sameUri(written, ours);
}

/** Sends a response on to whom the request came from; drops it when that connection has gone. */
function passBack(
  state: State,
  backPressure: BackPressure,
  transaction: Transaction,
  asked: Asked,
  head: Head,
): Asked | undefined {
  const { source } = asked;
  transaction.table.finish(transaction);
  if (source.closed) return undefined;
  const id = new Scratch(32).text(asked.transactId).take();
  const frame = state.scratch.reset();
  frame.text("MSRP ").copy(id).text(` ${head.method()} ${head.comment()}`.trimEnd()).text("\r\n");
  // The way back is the one the request came by, whatever the To-Path says behind our URI: Kamailio's answers to AUTH
  // name the previous hop alone, and nobody may send a response elsewhere.
  frame.text("To-Path: ").copy(asked.fromPath).text("\r\nFrom-Path: ").copy(asked.ownPath);
  frame
    .text(" ")
    .text(head.value(FROM_PATH) ?? "")
    .text("\r\n");
  copyHeaders(frame, head, 0, head.headerCount, undefined);
  count(state.counters.responsesOut, head.status);
  if (state.traces.on) state.traces.wrote(source, frame, 0, DOLLAR);
  endFrame(frame, id, DOLLAR, false);
  add(state.counters.frameBytesOut, RESPONSE, frame.length);
  source.writeFrame(frame);
  backPressure.wrote(source, source);
  if (asked.proves && head.status === 200) source.remoteAuthFailures = 0;
  const stale = head.values(WWW_AUTHENTICATE).some((value) => /\bstale\s*=\s*"?true/i.test(value));
  return asked.proves && head.status === 401 && !stale ? asked : undefined;
}
