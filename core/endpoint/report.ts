/** REPORT requests (RFC 4975 §7.1.2 to §7.1.4, §7.3.2), of which nobody ever answers one. */
import { DOLLAR } from "../bytes/octets.ts";
import type { Scratch } from "../bytes/scratch.ts";
import { type ByteRange, formatByteRange, readByteRange } from "../codec/byte-range.ts";
import type { Head } from "../codec/head.ts";
import { BYTE_RANGE, FROM_PATH, STATUS } from "../codec/header.ts";
import { comment, writeEndLine, writeHeader, writeRequestLine } from "../codec/writer.ts";

/** What a REPORT says. */
export interface Report {
  readonly status: number;
  readonly comment: string;
  /** What it is about: octets [start, end), counted from 0. `end` is -1 when it does not say. */
  readonly start: number;
  readonly end: number;
  /** Who says it: the From-Path, the sender of the REPORT last. */
  readonly fromPath: string;
}

/** Reads a REPORT; undefined when it is malformed, or speaks of something else than MSRP's own codes. */
export function readReport(head: Head): Report | undefined {
  // §7.1.3: in namespace 000 a code means what it means in a response. No other is defined.
  const status = /^000 +(\d{3})(?: +(.*))?$/.exec(head.value(STATUS) ?? "");
  const range = readRange(head);
  if (status === null || range === undefined) return undefined;
  return {
    status: Number(status[1]),
    comment: status[2] ?? "",
    start: Math.max(0, range.start - 1),
    end: range.end,
    fromPath: head.value(FROM_PATH) ?? "",
  };
}

/** The Byte-Range; all of the message when there is none (§7.3.1), undefined when malformed. */
export function readRange(head: Head): ByteRange | undefined {
  if (!head.has(BYTE_RANGE)) return { start: 1, end: -1, total: -1 };
  return readByteRange(head.octets, head.startOf(BYTE_RANGE), head.endOf(BYTE_RANGE));
}

/** About what a REPORT of ours is. */
export interface Reported {
  readonly id: string;
  /** From-Path of its last chunk. */
  readonly replyPath: string;
  /** Our URI. */
  readonly own: string;
  /** Its length; -1 when unknown. */
  readonly total: number;
}

/** Writes a REPORT on octets [start, end) of a message. */
export function writeReport(
  to: Scratch,
  transactId: string,
  about: Reported,
  start: number,
  end: number,
  status: number,
): void {
  writeRequestLine(to, transactId, "REPORT");
  writeHeader(to, "To-Path", about.replyPath);
  writeHeader(to, "From-Path", about.own);
  writeHeader(to, "Message-ID", about.id);
  writeHeader(to, "Byte-Range", formatByteRange(end === 0 ? 1 : start + 1, end, about.total));
  writeHeader(to, "Status", `000 ${status} ${comment(status)}`.trimEnd());
  writeEndLine(to, transactId, DOLLAR, false);
}
