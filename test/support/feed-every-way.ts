/**
 * Gives a Reader the same octets in every way a connection may cut them, and expects the same frames each time: whole,
 * octet by octet, cut at every point, at every pair of points when they are few, and with another frame before and
 * behind (`python-hyper/h11`: `h11/tests/test_io.py`).
 *
 * What the Reader lends is copied when it is told and destroyed afterwards, and the promises a Reader makes to its sink
 * are checked on the way: order of the calls, no empty body, and a `bodyInSight` that is true.
 */
import { octetString, octets } from "../../core/bytes/octets.ts";
import { AUTH, type Head, type Kind, OTHER_METHOD, REPORT, RESPONSE, SEND } from "../../core/codec/head.ts";
import { headerNames, OTHER } from "../../core/codec/header.ts";
import { type FrameSink, Reader } from "../../core/codec/reader.ts";
import type { Fault } from "../../core/faults.ts";

/** A frame as a Reader told it, copied out of what was borrowed. All texts are octet strings. */
export interface ReadFrame {
  kind: "SEND" | "REPORT" | "AUTH" | "OTHER" | "RESPONSE";
  transactId: string;
  /** The method, or the digits of the status. */
  method: string;
  status: number;
  comment: string;
  /** Name as written and value, in the order of the wire. */
  headers: [string, string][];
  /** The header lines with their CRLFs, as they stand. */
  headerOctets: string;
  flaw: Fault | undefined;
  hasBody: boolean;
  body: string;
  /** Empty while the end-line has not come. */
  flag: string;
}

export interface Reading {
  /** The last one may be unfinished: its flag is then empty. */
  frames: ReadFrame[];
  lost: Fault | undefined;
  /** True when the reader stands between two frames. */
  idle: boolean;
}

export type MakeReader = (sink: FrameSink) => Reader;

export const MAX_HEAD = 8192;
/** Up to this many octets every pair of cuts is tried. */
const FEW = 110;

const before = "MSRP before1 REPORT\r\nTo-Path: msrp://a:1/x;tcp\r\nFrom-Path: msrp://b:2/y;tcp\r\n-------before1$\r\n";
const behind =
  "MSRP behind1 SEND\r\nTo-Path: msrp://a:1/x;tcp\r\nFrom-Path: msrp://b:2/y;tcp\r\nContent-Type: text/plain\r\n\r\n" +
  "behind\r\n-------behind1+\r\n";

export function newReader(sink: FrameSink): Reader {
  return new Reader(sink, MAX_HEAD);
}

/** Reads `input` whole and in every other way, and throws where a way yields anything else. */
export function feedEveryWay(input: string | Uint8Array, makeReader: MakeReader = newReader): Reading {
  const bytes = typeof input === "string" ? octets(input) : input;
  const whole = readPieces([bytes], makeReader);
  const expected = JSON.stringify(whole);
  const expectSame = (way: string, pieces: readonly Uint8Array[]) =>
    same(way, expected, JSON.stringify(readPieces(pieces, makeReader)));

  expectSame("octet by octet", singly(bytes));
  expectSame(
    "with reads of no octets",
    [...singly(bytes)].flatMap((octet) => [octet, new Uint8Array(0)]),
  );
  for (let first = 0; first < bytes.length; first++) {
    expectSame(`cut at ${first}`, cut(bytes, first));
    if (bytes.length > FEW) continue;
    for (let second = first + 1; second < bytes.length; second++) {
      expectSame(`cut at ${first} and ${second}`, cut(bytes, first, second));
    }
  }
  for (const size of [2, 3, 7, 16, 61]) expectSame(`in pieces of ${size}`, inPieces(bytes, size));
  feedAmongOthers(bytes, whole, makeReader);
  return whole;
}

/** The same in company: what stands before or behind a frame changes nothing about it. */
function feedAmongOthers(bytes: Uint8Array, whole: Reading, makeReader: MakeReader): void {
  const first = readPieces([octets(before)], makeReader).frames;
  const last = whole.idle ? readPieces([octets(behind)], makeReader).frames : [];
  const expected = JSON.stringify({ ...whole, frames: [...first, ...whole.frames, ...last] });
  const all = octets(before + octetString(bytes) + (whole.idle ? behind : ""));
  const expectSame = (way: string, pieces: readonly Uint8Array[]) =>
    same(way, expected, JSON.stringify(readPieces(pieces, makeReader)));

  expectSame("with a frame before and behind, in one read", [all]);
  expectSame("with a frame before and behind, octet by octet", singly(all));
  for (let at = before.length; at <= before.length + bytes.length; at++) {
    expectSame(`with a frame before and behind, cut at ${at - before.length}`, cut(all, at));
  }
}

/** Gives a new Reader these reads, one after the other. */
export function readPieces(pieces: Iterable<Uint8Array>, makeReader: MakeReader = newReader): Reading {
  const recorder = new Recorder();
  const reader = makeReader(recorder);
  let fed = 0;
  for (const piece of pieces) {
    fed += piece.length;
    const borrowed = piece.slice();
    reader.read(borrowed);
    // Nothing stands between frames: where one has ended, all that came is of those that have.
    const { told } = recorder;
    const exact = reader.idle && recorder.lostTo === undefined;
    if (exact ? told !== fed : told > fed) throw new Error(`frames of ${told} octets in ${fed}`);
    borrowed.fill(0x2d); // a dash, which is what would do most harm
  }
  return { frames: recorder.frames, lost: recorder.lostTo, idle: reader.idle && recorder.lostTo === undefined };
}

/** source[0, first), source[first, second), … */
export function cut(source: Uint8Array, ...points: readonly number[]): Uint8Array[] {
  return [0, ...points].map((start, i) => source.subarray(start, points[i]));
}

export function inPieces(source: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < source.length; at += size) pieces.push(source.subarray(at, at + size));
  return pieces;
}

function singly(source: Uint8Array): Uint8Array[] {
  return inPieces(source, 1);
}

function same(way: string, expected: string, actual: string): void {
  if (actual === expected) return;
  let differs = 0;
  while (actual[differs] === expected[differs]) differs++;
  const around = (text: string) => text.slice(Math.max(0, differs - 120), differs + 120);
  throw new Error(`read ${way}:\n… ${around(actual)} …\ninstead of\n… ${around(expected)} …`);
}

const kinds: Record<Kind, ReadFrame["kind"]> = {
  [RESPONSE]: "RESPONSE",
  [SEND]: "SEND",
  [REPORT]: "REPORT",
  [AUTH]: "AUTH",
  [OTHER_METHOD]: "OTHER",
};

/** A sink that copies what it is told and holds the Reader to its promises. */
export class Recorder implements FrameSink {
  readonly frames: ReadFrame[];
  told: number; // octets of frames that have ended
  lostTo: Fault | undefined;
  #open: ReadFrame | undefined; // whose end has not come
  #inSight: { body: number; flag: string } | undefined; // what the head promised about it

  constructor() {
    this.frames = [];
    this.told = 0;
    this.lostTo = undefined;
    this.#open = undefined;
    this.#inSight = undefined;
  }

  head(head: Head): void {
    this.#expect(this.#open === undefined, "head within a frame");
    this.#open = copyFrame(head);
    this.frames.push(this.#open);
    this.#inSight =
      head.bodyInSight < 0 ? undefined : { body: head.bodyInSight, flag: String.fromCharCode(head.flagInSight) };
    this.#expect(head.bodyInSight >= 0 || head.flagInSight === 0, "a flag in sight without its body");
  }

  body(source: Uint8Array, start: number, end: number, dashless: boolean): void {
    const frame = this.#open;
    if (frame === undefined) throw new Error("body outside a frame");
    this.#expect(frame.hasBody, "body of a frame without one");
    this.#expect(end > start && start >= 0 && end <= source.length, "body of no octets");
    this.#expect(this.#inSight === undefined || this.#inSight.body === end - start, "body in sight came in pieces");
    const text = octetString(source, start, end);
    this.#expect(!dashless || !text.includes("-------"), "seven dashes in what was said to hold none");
    frame.body += text;
  }

  end(flag: number, size: number): void {
    const frame = this.#open;
    if (frame === undefined) throw new Error("end outside a frame");
    frame.flag = String.fromCharCode(flag);
    this.#expect(
      this.#inSight === undefined || (this.#inSight.body === frame.body.length && this.#inSight.flag === frame.flag),
      "the end is not the one in sight",
    );
    this.#open = undefined;
    this.told += size;
  }

  lost(fault: Fault): void {
    this.#expect(this.#open === undefined, "framing lost within a body");
    this.lostTo = fault;
  }

  #expect(kept: boolean, broken: string): void {
    if (!kept) throw new Error(broken);
    if (this.lostTo !== undefined) throw new Error("told something after framing was lost");
  }
}

function copyFrame(head: Head): ReadFrame {
  const { octets: source, base } = head;
  const text = (start: number | undefined, end: number | undefined) =>
    octetString(source, base + (start ?? 0), base + (end ?? 0));
  const headers: [string, string][] = [];
  for (let line = 0; line < head.headerCount; line++) {
    const name = text(head.lineStarts[line], head.valueStarts[line]).replace(/:[ \t]*$/, "");
    const id = head.ids[line] as number;
    if (id !== OTHER && name.toLowerCase() !== headerNames[id]?.toLowerCase()) throw new Error(`${name} is no ${id}`);
    headers.push([name, text(head.valueStarts[line], head.valueEnds[line])]);
  }
  return {
    kind: kinds[head.kind],
    transactId: head.transactId(),
    method: head.method(),
    status: head.status,
    comment: head.comment(),
    headers,
    headerOctets: head.headerCount === 0 ? "" : text(head.lineStarts[0], head.end),
    flaw: head.flaw,
    hasBody: head.hasBody,
    body: "",
    flag: "",
  };
}
