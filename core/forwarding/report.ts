/**
 * REPORTs that the relay makes itself (RFC 4976 §6.4.1, RFC 4975 §7.1.2, §7.1.4): a chunk was taken from its sender and
 * could not be delivered. Sent back along the From-Path the chunk came with; never answered, never reported on.
 */
import { DOLLAR, octetString } from "../bytes/octets.ts";
import { formatByteRange } from "../codec/byte-range.ts";
import { REPORT } from "../codec/head.ts";
import { writeEndLine, writeHeader, writeRequestLine } from "../codec/writer.ts";
import { type Origin, REPORT_NO, TRANSACT_ID_LENGTH } from "../session/transaction.ts";
import { statusText } from "./answer.ts";
import { add, count } from "./counters.ts";
import type { State } from "./state.ts";

/**
 * Tells the sender of a chunk that octets `start` to `end` (counted from 1) were not delivered.
 *
 * @param total  the message's length, -1 when unknown
 */
export function sendReport(
  state: State,
  origin: Origin,
  start: number,
  end: number,
  total: number,
  status: number,
): void {
  if (origin.failureReport === REPORT_NO || origin.refused) return;
  // A client is told on its own connection or not at all; to a relay there may be another way.
  const to = origin.source.closed ? state.wayBack(origin) : origin.source;
  if (to === undefined) {
    state.counters.reportsLost++;
    return;
  }
  const id = state.random.text(TRANSACT_ID_LENGTH);
  const frame = state.scratch.reset();
  writeRequestLine(frame, id, "REPORT");
  frame.text("To-Path: ").copy(origin.fromPath).text("\r\nFrom-Path: ").copy(origin.ownUri).text("\r\n");
  writeHeader(frame, "Message-ID", octetString(origin.messageId));
  writeHeader(frame, "Byte-Range", formatByteRange(start, end, total));
  writeHeader(frame, "Status", `000 ${statusText(status)}`);
  if (state.traces.on) state.traces.wrote(to, frame, 0, DOLLAR);
  writeEndLine(frame, id, DOLLAR, false);
  to.writeFrame(frame);
  count(state.counters.requestsOut, REPORT);
  add(state.counters.frameBytesOut, REPORT, frame.length);
  state.counters.reportsMade++;
  for (const { traffic } of origin.givers) traffic.reportsIn++;
}
