/**
 * A SEND whose end is in sight when its head is read: passed on in one go, which is what nearly every message is.
 */
import { DASHES } from "../bytes/dashes.ts";
import { DOLLAR } from "../bytes/octets.ts";
import { type ByteRange, formatByteRange } from "../codec/byte-range.ts";
import { type Head, SEND } from "../codec/head.ts";
import { FROM_PATH, MESSAGE_ID, TO_PATH } from "../codec/header.ts";
import { TidGuard } from "../codec/tid-guard.ts";
import type { Connection } from "../session/connection.ts";
import { REPORT_NO, TRANSACT_ID_LENGTH } from "../session/transaction.ts";
import { copyHeaders, endFrame, endLine, ID_AT, startRequest } from "./chunk.ts";
import { add, count } from "./counters.ts";
import type { KnownSend, Route } from "./route.ts";
import type { State } from "./state.ts";
import { countFile, countWhole } from "./traffic.ts";

/** Bodies up to this size are copied behind their head, so that the frame is one write. */
const SMALL = 4096;

/** What stands between a body and the transact-id of its end-line. */
const CRLF_AND_DASHES = 2 + DASHES;

const guard = new TidGuard();
const plainId = new Uint8Array(TRANSACT_ID_LENGTH);

/** The octets of a body, borrowed for a call. */
export interface Body {
  octets: Uint8Array;
  start: number;
  end: number;
  /** No seven dashes in a row stand in it. */
  dashless: boolean;
}

/** Forwards the SEND with this head and body. */
export function forwardWhole(
  state: State,
  source: Connection,
  known: KnownSend,
  out: Connection,
  head: Head,
  body: Readonly<Body>,
  flag: number,
  range: ByteRange | undefined,
): void {
  const { route, failureReport } = known;
  const { transactions } = out;
  const transaction = failureReport === REPORT_NO ? undefined : transactions.begin();
  if (transaction === undefined) state.random.letters(plainId, 0, TRANSACT_ID_LENGTH);
  const id = transaction?.id ?? plainId;
  const length = body.end - body.start;
  while (!body.dashless) {
    guard.begin(id, 0, TRANSACT_ID_LENGTH);
    if (guard.check(body.octets, body.start, body.end) === body.end) break;
    if (transaction === undefined) state.random.letters(plainId, 0, TRANSACT_ID_LENGTH);
    else transactions.renew(transaction);
  }

  out.openChunk?.interrupt();
  out.flight?.usedBy(route, state.now);
  const written = out.written;
  const first = range?.start ?? 1;
  const last = first + length - 1;
  // §6.4.1: a range-end that the body does not bear out is corrected. An empty body has no position to speak of.
  const wrong = range !== undefined && range.end >= 0 && range.end !== last && length > 0;
  if (!wrong && length > 0 && liesInOrder(head, body) && !state.traces.on) {
    writeAsItLies(state, route, out, id, head, body.end, flag);
  } else {
    const text = wrong ? formatByteRange(first, last, range.total) : undefined;
    writeComposed(state, route, out, id, head, text, body, flag);
  }
  count(state.counters.requestsOut, SEND);
  add(state.counters.frameBytesOut, SEND, out.written - written);
  state.counters.bodyBytesIn += length;
  state.counters.bodyBytesOut += length;
  if (known.isFile && first <= 1) countFile(route);
  countWhole(route, length, flag === DOLLAR ? 1 : 0);

  if (transaction === undefined) return;
  transaction.origin = {
    source,
    fromPath: route.fromPath,
    ownUri: route.ownUri,
    ownUriOut: route.lastOwnUri,
    messageId: transaction.keepMessageId(head.octets, head.startOf(MESSAGE_ID), head.endOf(MESSAGE_ID)),
    failureReport,
    givers: route.givers,
    open: undefined,
    refused: false,
  };
  // A REPORT counts from 1 even where the sender of an empty body did not.
  transaction.rangeStart = Math.max(1, first);
  transaction.rangeEnd = Math.max(0, last);
  transaction.total = range?.total ?? (flag === DOLLAR ? last : -1);
  transactions.sent(transaction, state.now);
}

/** Do the paths stand first, and the body behind its head where both came, with the end-line behind it? */
function liesInOrder(head: Head, body: Body): boolean {
  return head.octets === body.octets && head.ids[0] === TO_PATH && head.ids[1] === FROM_PATH;
}

/** Only the paths and the transact-id are another: what stands between, from header lines to dashes, is one copy. */
function writeAsItLies(
  { sendScratch, endScratch }: State,
  route: Route,
  out: Connection,
  id: Uint8Array,
  head: Head,
  bodyEnd: number,
  flag: number,
): void {
  const frame = sendScratch.begin(route.sendBeginning).put(ID_AT, id);
  const start = head.base + (head.lineEnds[1] as number);
  const end = bodyEnd + CRLF_AND_DASHES;
  out.write(frame.octets, 0, frame.length);
  out.write(head.octets, start, end);
  const last = endScratch.reset();
  endLine(last, id, flag);
  out.write(last.octets, 0, last.length);
}

/** @param range  replaces the value of Byte-Range; undefined leaves it as it is */
function writeComposed(
  state: State,
  route: Route,
  out: Connection,
  id: Uint8Array,
  head: Head,
  range: string | undefined,
  { octets: body, start, end }: Body,
  flag: number,
): void {
  const frame = state.scratch.reset();
  startRequest(frame, id, "SEND");
  frame.copy(route.paths);
  copyHeaders(frame, head, 0, head.headerCount, range);
  if (state.traces.on) state.traces.wrote(out, frame, end - start, flag);
  if (head.hasBody) frame.text("\r\n");
  if (end - start > SMALL) {
    out.write(frame.octets, 0, frame.length);
    out.write(body, start, end);
    frame.reset();
  } else {
    frame.copy(body, start, end);
  }
  endFrame(frame, id, flag, head.hasBody);
  out.write(frame.octets, 0, frame.length);
}
