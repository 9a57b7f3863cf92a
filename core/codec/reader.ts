/**
 * Octets to frames, as a stream (RFC 4975 §7.1, §9).
 *
 * Reads arrive cut anywhere and may hold many frames. A head is read where it lies; only a head that a read cuts in two
 * is copied, to a buffer bounded by `maxHead`. A body is never collected: its octets are passed on as they come, except
 * for the few at the end of a read that may be the beginning of the end-line. Byte-Range plays no part here: the end-line
 * is the only truth about where a frame ends, so a frame that lies about its length cannot smuggle another past us.
 *
 * The loop is one file on purpose: per octet there is no room for calls, and the states make sense only together.
 */
import { DASHES, findDashesBehindCrlf, seventhDash } from "../bytes/dashes.ts";
import {
  ALPHA,
  COLON,
  CR,
  charClass,
  DASH,
  DIGIT,
  DOLLAR,
  HASH,
  IDENT,
  isBlank,
  LF,
  PLUS,
  SPACE,
  TEXT,
  TOKEN,
  UPPER_ALPHA,
} from "../bytes/octets.ts";
import type { Fault } from "../faults.ts";
import { AUTH, Head, MAX_HEADERS, OTHER_METHOD, REPORT, RESPONSE, SEND } from "./head.ts";
import { FROM_PATH, headerId, mayRepeat, TO_PATH } from "./header.ts";
import { isWorthKnowing, KnownHead } from "./known-head.ts";

/** What a Reader tells. The head and the octets are borrowed until the call returns. */
export interface FrameSink {
  head(head: Head): void;
  /**
   * Body octets, in order; never called with none.
   *
   * @param dashless  no seven dashes in a row stand among them: the search for the end-line has seen to that
   */
  body(source: Uint8Array, start: number, end: number, dashless: boolean): void;
  /**
   * The end-line was read.
   *
   * @param flag    `$`, `+` or `#`
   * @param octets  of the whole frame, from its start line to the CRLF of its end-line
   */
  end(flag: number, octets: number): void;
  /** Framing is lost: the reader takes nothing more. */
  lost(fault: Fault): void;
}

/** ident: 4 to 32 characters (RFC 4975 §9). The RFC's own examples and short-lived clients stay within. */
const MIN_TRANSACT_ID = 4;
const MAX_TRANSACT_ID = 32;
/** CRLF, dashes, the longest transact-id, flag, CRLF. */
const MAX_END_LINE = 2 + DASHES + MAX_TRANSACT_ID + 3;

/** Of the heads that are not like the one we know, so many in a row make it worth while to know another. */
const STRANGE = 16;

const START = 0; // at the first octet of a frame, or within its start line
const HEADERS = 1; // at the first octet of a header line, or within it
const BODY = 2;
const LOST = 3;

/**
 * What a Reader needs while it reads, and until the frame has ended. Between frames, which is where most connections
 * are most of the time, it has none of its own.
 */
interface Desk {
  readonly head: Head;
  readonly endLine: Uint8Array;
  readonly tail: Uint8Array;
  /** Grows as heads are cut. */
  held: Uint8Array;
}

/** Desks kept for the next read; one is enough unless a read cuts a frame in two. */
const MOST_DESKS = 16;
const desks: Desk[] = [];

function newDesk(): Desk {
  const endLine = new Uint8Array(MAX_END_LINE);
  endLine[0] = CR;
  endLine[1] = LF;
  endLine.fill(DASH, 2, 2 + DASHES);
  return { head: new Head(), endLine, tail: new Uint8Array(2 * MAX_END_LINE), held: new Uint8Array(0) };
}

/** Of those who have none, so that no field is ever empty. Nobody writes to it. */
const noDesk = newDesk();

export class Reader {
  readonly #sink: FrameSink;
  readonly #maxHead: number;
  #desk: Desk; // the four below are its
  #head: Head;
  #knownSend: KnownHead | undefined; // the last SEND and the last response, for those like them
  #knownResponse: KnownHead | undefined;
  #strangeSends: number; // how many in a row were not like it
  #strangeResponses: number;
  #view: DataView | undefined; // of the read, once somebody has asked for it
  #state: number;
  #frameStart: number; // where the frame being read began, counted from the read: below 0 when with an earlier one
  #lineStart: number; // of the line being read, counted from head.base
  #scanned: number; // octets of the head known to hold no further line end, likewise
  #clean: boolean; // no control character in the line so far
  #held: Uint8Array; // a head that a read cut in two
  #heldLength: number; // 0 when no head is held
  #endLine: Uint8Array; // CRLF, dashes, transact-id of the frame being read
  #endLineLength: number;
  #tail: Uint8Array; // the beginning of what may be the end-line, from the end of the last read
  #tailLength: number;
  #dashless: boolean; // no seven dashes in a row before what #findEnd has found
  #tailUnreal: number; // how many octets of the tail are the head's blank line and no body

  constructor(sink: FrameSink, maxHead: number) {
    this.#sink = sink;
    this.#maxHead = maxHead;
    this.#desk = noDesk;
    this.#head = noDesk.head;
    this.#knownSend = undefined;
    this.#knownResponse = undefined;
    this.#strangeSends = 0;
    this.#strangeResponses = 0;
    this.#view = undefined;
    this.#state = START;
    this.#frameStart = 0;
    this.#lineStart = 0;
    this.#scanned = 0;
    this.#clean = true;
    this.#held = noDesk.held;
    this.#heldLength = 0;
    this.#endLine = noDesk.endLine;
    this.#endLineLength = 0;
    this.#tail = noDesk.tail;
    this.#tailLength = 0;
    this.#tailUnreal = 0;
    this.#dashless = false;
  }

  /** True between frames. */
  get idle(): boolean {
    return this.#state === START && this.#heldLength === 0;
  }

  /** Reads on. Calls the sink as often as there is something to tell. */
  read(input: Uint8Array): void {
    let at = 0;
    const size = input.length;
    if (this.#desk === noDesk) this.#sitDown(desks.pop() ?? newDesk());
    while (at < size && this.#state !== LOST) {
      at = this.#state === BODY ? this.#readBody(input, at) : this.#readHead(input, at);
    }
    this.#frameStart -= size;
    this.#view = undefined;
    if (this.idle || this.#state === LOST) this.#standUp();
  }

  #sitDown(desk: Desk): void {
    this.#desk = desk;
    this.#head = desk.head;
    this.#endLine = desk.endLine;
    this.#tail = desk.tail;
    this.#held = desk.held;
  }

  #standUp(): void {
    const desk = this.#desk;
    desk.held = this.#held;
    // The read is not kept alive.
    desk.head.reset(noDesk.held, 0);
    if (this.#knownSend !== undefined) this.#knownSend.head.octets = noDesk.held;
    if (this.#knownResponse !== undefined) this.#knownResponse.head.octets = noDesk.held;
    if (desks.length < MOST_DESKS) desks.push(desk);
    this.#sitDown(noDesk);
  }

  #lose(fault: Fault): number {
    this.#state = LOST;
    this.#sink.lost(fault);
    return 0;
  }

  // ---- heads ----

  /** Reads the head that begins or goes on at input[at]; returns where to go on. */
  #readHead(input: Uint8Array, at: number): number {
    const head = this.#head;
    const before = this.#heldLength;
    if (before === 0) {
      const next = this.#readKnown(input, at);
      if (next >= 0) return next;
    }
    let source = input;
    let end = input.length;
    if (before === 0) {
      head.reset(input, at);
      this.#lineStart = 0;
      this.#scanned = 0;
      this.#clean = true;
    } else {
      // The head's beginning came with an earlier read: lay what may be its rest behind it.
      const rest = Math.min(input.length - at, this.#maxHead + MAX_END_LINE - before);
      this.#hold(input, at, at + rest);
      source = this.#held;
      end = this.#heldLength;
      head.octets = source;
    }
    const { base } = head;
    // What is no MSRP is told at once: it might never come to a line end.
    if (this.#state === START && !mayStart(source, base, end)) return this.#lose("START_LINE");
    while (true) {
      const lineEnd = this.#findLineEnd(source, base + this.#scanned, end);
      if (lineEnd < 0) {
        if (end - base > this.#maxHead) return this.#lose("HEAD_TOO_LONG");
        // The last octet may be the CR of a line end.
        this.#scanned = Math.max(this.#scanned, end - 1 - base);
        if (before === 0) {
          this.#hold(input, base, end);
          head.octets = this.#held;
          head.base = 0;
        }
        return input.length;
      }
      const lineStart = base + this.#lineStart;
      const clean = this.#clean;
      this.#clean = true;
      this.#lineStart = this.#scanned = lineEnd + 2 - base;
      if (lineEnd + 2 - base > this.#maxHead) return this.#lose("HEAD_TOO_LONG");
      if (this.#state === START) {
        if (!this.#readStartLine(source, lineStart, lineEnd, clean)) return this.#lose("START_LINE");
        this.#state = HEADERS;
        continue;
      }
      const blank = lineEnd === lineStart;
      if (!blank && source[lineStart] !== DASH) {
        if (!this.#readHeader(source, lineStart, lineEnd, clean)) return this.#lose("HEADER_LINE");
        continue;
      }
      head.end = lineStart - base;
      // Where the octets behind this line stand in `input`.
      const next = before === 0 ? lineEnd + 2 : at + (lineEnd + 2 - before);
      if (head.flaw === undefined && (!head.has(TO_PATH) || !head.has(FROM_PATH))) head.flaw = "PATH";
      this.#heldLength = 0;
      if (blank) {
        head.hasBody = true;
        return this.#beginBody(before === 0 ? this.#remember(head, next - at) : head, input, next);
      }
      const flag = source[lineEnd - 1] as number;
      if (!isFlag(flag) || !this.#isEndLine(source, lineStart, lineEnd)) return this.#lose("HEADER_LINE");
      head.bodyInSight = 0;
      head.flagInSight = flag;
      this.#state = START;
      this.#sink.head(before === 0 ? this.#remember(head, head.end + DASHES) : head);
      if (this.#stopped()) return input.length;
      return this.#end(flag, next);
    }
  }

  /** Reads the head that begins at input[at], if it is like one we know and all there; returns where to go on, or -1. */
  #readKnown(input: Uint8Array, at: number): number {
    const size = input.length;
    const idStart = at + MSRP.length;
    let idEnd = idStart;
    while (idEnd < size && ((charClass[input[idEnd] as number] as number) & IDENT) !== 0) idEnd++;
    if (idEnd + 1 >= size) return -1;
    const isResponse = ((charClass[input[idEnd + 1] as number] as number) & DIGIT) !== 0;
    const known = isResponse ? this.#knownResponse : this.#knownSend;
    if (known === undefined || !mayStart(input, at, size) || !this.#takeTransactId(input, idStart, idEnd)) return -1;
    this.#view ??= new DataView(input.buffer, input.byteOffset, size);
    const next = known.read(input, this.#view, at, idEnd);
    const { head } = known;
    if (next < 0 || next - at > this.#maxHead) return -1;
    if (isResponse) this.#strangeResponses = 0;
    else this.#strangeSends = 0;
    if (head.hasBody) return this.#beginBody(head, input, next);
    const end = next + this.#endLineLength - 2 - DASHES + 3;
    if (end - at > this.#maxHead || this.#matchEnd(input, next, size, 2 + DASHES) !== this.#endLineLength + 3)
      return -1;
    const flag = input[end - 3] as number;
    head.bodyInSight = 0;
    head.flagInSight = flag;
    this.#sink.head(head);
    if (this.#stopped()) return size;
    return this.#end(flag, end);
  }

  /** Keeps a head for those like it, if it may be one of many; returns the one to tell. */
  #remember(head: Head, length: number): Head {
    if (!isWorthKnowing(head, length)) return head;
    const isResponse = head.kind === RESPONSE;
    // Where sessions take turns on a connection, none is like the last one: then it is not worth to keep each of them.
    const strange = isResponse ? this.#strangeResponses++ : this.#strangeSends++;
    if (strange > 1 && strange % STRANGE !== 0) return head;
    const known = new KnownHead(head, length);
    if (isResponse) this.#knownResponse = known;
    else this.#knownSend = known;
    return known.head;
  }

  /** Lays input[start, end) behind what is held. */
  #hold(input: Uint8Array, start: number, end: number): void {
    const needed = this.#heldLength + end - start;
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(1024, needed, Math.min(2 * needed, this.#maxHead + MAX_END_LINE)));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    this.#held.set(input.subarray(start, end), this.#heldLength);
    this.#heldLength = needed;
  }

  /** The position of the CR of the first CRLF at or behind `from`, or -1. Notes control characters on the way. */
  #findLineEnd(source: Uint8Array, from: number, end: number): number {
    const last = end - 1;
    const text = charClass;
    let at = from;
    while (true) {
      // Four at a time, because the search for line ends is the greater part of reading a head.
      while (
        at + 4 <= last &&
        ((text[source[at] as number] as number) &
          (text[source[at + 1] as number] as number) &
          (text[source[at + 2] as number] as number) &
          (text[source[at + 3] as number] as number) &
          TEXT) !==
          0
      ) {
        at += 4;
      }
      if (at >= last) return -1;
      if (((text[source[at] as number] as number) & TEXT) === 0) {
        if (source[at] === CR && source[at + 1] === LF) return at;
        this.#clean = false;
      }
      at++;
    }
  }

  /** `MSRP transact-id method` or `MSRP transact-id status [comment]`. */
  #readStartLine(source: Uint8Array, start: number, end: number, clean: boolean): boolean {
    if (end - start < MSRP.length) return false;
    const head = this.#head;
    const { base } = head;
    const idStart = start + MSRP.length;
    let at = idStart;
    while (at < end && ((charClass[source[at] as number] as number) & IDENT) !== 0) at++;
    if (source[at] !== SPACE || !this.#takeTransactId(source, idStart, at)) return false;
    head.transactIdStart = idStart - base;
    head.transactIdEnd = at - base;

    const wordStart = ++at;
    while (at < end && source[at] !== SPACE) at++;
    head.methodStart = wordStart - base;
    head.methodEnd = at - base;
    return ((charClass[source[wordStart] as number] as number) & DIGIT) !== 0
      ? this.#readStatus(source, wordStart, at, end, clean)
      : this.#readMethod(source, wordStart, at, end);
  }

  /** The octets of source[start, end) are those of an ident: if it may be a transact-id, it is that of the frame. */
  #takeTransactId(source: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length < MIN_TRANSACT_ID || length > MAX_TRANSACT_ID) return false;
    if (((charClass[source[start] as number] as number) & (ALPHA | DIGIT)) === 0) return false;
    for (let i = 0; i < length; i++) this.#endLine[2 + DASHES + i] = source[start + i] as number;
    this.#endLineLength = 2 + DASHES + length;
    return true;
  }

  #readStatus(source: Uint8Array, start: number, wordEnd: number, end: number, clean: boolean): boolean {
    const head = this.#head;
    if (wordEnd - start !== 3) return false;
    let status = 0;
    for (let at = start; at < wordEnd; at++) {
      const digit = (source[at] as number) - 0x30;
      if (digit < 0 || digit > 9) return false;
      status = status * 10 + digit;
    }
    head.kind = RESPONSE;
    head.status = status;
    // A reason phrase may be missing, with or without the space before it.
    head.commentStart = Math.min(wordEnd + 1, end) - head.base;
    head.commentEnd = end - head.base;
    if (!clean) head.flaw = "HEADER_VALUE";
    return true;
  }

  #readMethod(source: Uint8Array, start: number, wordEnd: number, end: number): boolean {
    const length = wordEnd - start;
    if (length === 0 || wordEnd !== end) return false;
    for (let at = start; at < wordEnd; at++) {
      // other-method is 1*UPALPHA; FILE_OFFSET of python3-msrplib has an underscore.
      if (((charClass[source[at] as number] as number) & UPPER_ALPHA) === 0 && source[at] !== 0x5f) return false;
    }
    this.#head.kind = methodKind(source, start, length);
    return true;
  }

  /** `name: value`; the space may be missing, there may be more of them, and trailing ones do not count. */
  #readHeader(source: Uint8Array, start: number, end: number, clean: boolean): boolean {
    const head = this.#head;
    let at = start;
    if (((charClass[source[at] as number] as number) & ALPHA) === 0) return false;
    while (at < end && ((charClass[source[at] as number] as number) & TOKEN) !== 0) at++;
    if (source[at] !== COLON) return false;
    const nameEnd = at++;
    while (at < end && isBlank(source[at] as number)) at++;
    let valueEnd = end;
    while (valueEnd > at && isBlank(source[valueEnd - 1] as number)) valueEnd--;
    if (!clean) head.flaw ??= "HEADER_VALUE";
    if (head.headerCount === MAX_HEADERS) {
      head.flaw ??= "TOO_MANY_HEADERS";
      return true;
    }
    const id = headerId(source, start, nameEnd);
    if (head.has(id) && !mayRepeat(id)) head.flaw ??= "HEADER_REPEATED";
    const { base } = head;
    head.add(id, start - base, at - base, valueEnd - base, end + 2 - base);
    return true;
  }

  /** Is source[start, end) seven dashes, our transact-id and one octet (the flag)? */
  #isEndLine(source: Uint8Array, start: number, end: number): boolean {
    const length = this.#endLineLength - 2;
    if (end - start !== length + 1) return false;
    const endLine = this.#endLine;
    for (let i = 0; i < length; i++) if (source[start + i] !== endLine[2 + i]) return false;
    return true;
  }

  // ---- bodies ----

  /** The blank line was read; input[at] is the first octet of the body, if it is there yet. */
  #beginBody(head: Head, input: Uint8Array, at: number): number {
    const size = input.length;
    const whole = this.#endLineLength + 3;
    // The blank line's own CRLF may be the one before the end-line: a body of no octets without a CRLF of its own.
    const matched = this.#matchEnd(input, at, size, 2);
    const undecided = matched < whole && at + matched - 2 === size;
    const bodyEnd = matched === whole ? at : undecided ? -1 : this.#findEnd(input, at, size);
    if (bodyEnd < 0) {
      this.#state = BODY;
      this.#sink.head(head);
      if (this.#stopped()) return size;
      if (!undecided) return this.#passBody(input, at);
      this.#tail[0] = CR;
      this.#tail[1] = LF;
      for (let i = at; i < size; i++) this.#tail[2 + i - at] = input[i] as number;
      this.#tailLength = matched;
      this.#tailUnreal = 2;
      return size;
    }
    // The whole frame is in sight: tell the head so, then pass the body in one piece.
    const next = matched === whole ? at + whole - 2 : bodyEnd + whole;
    const flag = input[next - 3] as number;
    head.bodyInSight = bodyEnd - at;
    head.flagInSight = flag;
    this.#state = START;
    this.#sink.head(head);
    if (this.#stopped()) return size;
    if (bodyEnd > at) this.#sink.body(input, at, bodyEnd, this.#dashless);
    if (this.#stopped()) return size;
    return this.#end(flag, next);
  }

  /** Passes body octets on from input[at], up to the end-line or the end of the read. */
  #readBody(input: Uint8Array, at: number): number {
    if (this.#tailLength > 0) return this.#readTail(input, at);
    const size = input.length;
    const found = this.#findEnd(input, at, size);
    if (found >= 0) {
      const flag = input[found + this.#endLineLength] as number;
      this.#state = START;
      if (found > at) this.#sink.body(input, at, found, this.#dashless);
      if (this.#stopped()) return size;
      return this.#end(flag, found + this.#endLineLength + 3);
    }
    return this.#passBody(input, at);
  }

  /** Passes on the rest of a read that holds no end-line, but for the octets at its end that may begin one. */
  #passBody(input: Uint8Array, at: number): number {
    const size = input.length;
    const kept = this.#findPartialEnd(input, at, size);
    for (let i = kept; i < size; i++) this.#tail[i - kept] = input[i] as number;
    this.#tailLength = size - kept;
    if (kept > at) this.#sink.body(input, at, kept, this.#dashless);
    return size;
  }

  /**
   * Decides about the octets kept from the last read now that more have come. Few octets, so no cleverness: the next
   * ones are laid behind the kept ones and every position of those is tried.
   */
  #readTail(input: Uint8Array, at: number): number {
    const tail = this.#tail;
    const kept = this.#tailLength;
    const unreal = this.#tailUnreal;
    const whole = this.#endLineLength + 3;
    const more = Math.min(input.length - at, whole);
    const length = kept + more;
    for (let i = 0; i < more; i++) tail[kept + i] = input[at + i] as number;
    for (let start = 0; start < kept; start++) {
      const matched = this.#matchEnd(tail, start, length, 0);
      if (matched < whole && start + matched < length) continue;
      if (start > unreal) this.#sink.body(tail, unreal, start, false);
      if (this.#stopped()) return input.length;
      if (matched === whole) {
        this.#tailLength = this.#tailUnreal = 0;
        this.#state = START;
        return this.#end(tail[start + whole - 3] as number, at + (start + whole - kept));
      }
      // All of the read is still a beginning of the end-line.
      tail.copyWithin(0, start, length);
      this.#tailLength = length - start;
      this.#tailUnreal = Math.max(0, unreal - start);
      return input.length;
    }
    this.#tailLength = this.#tailUnreal = 0;
    if (kept > unreal) this.#sink.body(tail, unreal, kept, false);
    return at;
  }

  /** Finds CRLF, end-line, CRLF in input[from, to): where that CRLF begins, or -1. */
  #findEnd(input: Uint8Array, from: number, to: number): number {
    const dash = seventhDash(input, from + DASHES - 1, to);
    this.#dashless = true;
    if (dash >= to) return -1;
    // Few bodies hold dashes: the first we fall upon is most often one of the end-line's.
    let first = dash;
    while (first > from && input[first - 1] === DASH) first--;
    if (first - 2 >= from && this.#matchEnd(input, first - 2, to, 0) === this.#endLineLength + 3) return first - 2;
    this.#dashless = false;
    let at = from;
    while (true) {
      const found = findDashesBehindCrlf(input, at, to);
      if (found < 0 || this.#matchEnd(input, found + 2 + DASHES, to, 2 + DASHES) === this.#endLineLength + 3)
        return found;
      at = found + 2 + DASHES;
    }
  }

  /** The first position in the last octets of input[from, to) from which all that follows may begin an end-line, or `to`. */
  #findPartialEnd(input: Uint8Array, from: number, to: number): number {
    for (let start = Math.max(from, to - this.#endLineLength - 2); start < to; start++) {
      if (input[start] === CR && start + this.#matchEnd(input, start, to, 0) === to) return start;
    }
    return to;
  }

  /**
   * How much of CRLF, end-line, flag, CRLF stands in input[start, to).
   *
   * @param matched  how many of its octets are taken as read before `start`
   * @returns the octets that agree, those included
   */
  #matchEnd(input: Uint8Array, start: number, to: number, matched: number): number {
    const endLine = this.#endLine;
    const length = this.#endLineLength;
    let at = start;
    let count = matched;
    while (count < length && at < to && input[at] === endLine[count]) {
      count++;
      at++;
    }
    if (count < length || at === to || !isFlag(input[at] as number)) return count;
    if (++at === to || input[at] !== CR) return count + 1;
    if (++at === to || input[at] !== LF) return count + 2;
    return count + 3;
  }

  /** The end-line was read, and what follows it begins at `next`: that is where the next frame begins. */
  #end(flag: number, next: number): number {
    const octets = next - this.#frameStart;
    this.#frameStart = next;
    this.#sink.end(flag, octets);
    return next;
  }

  /** The sink may have ended the connection in a call: then nothing more may be told. */
  #stopped(): boolean {
    return this.#state === LOST;
  }

  /** Takes nothing more: the owner has closed the connection. */
  stop(): void {
    this.#state = LOST;
  }
}

const MSRP = [0x4d, 0x53, 0x52, 0x50, SPACE] as const;

/** May source[start, end) be the beginning of a start line? */
function mayStart(source: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < MSRP.length && start + i < end; i++) if (source[start + i] !== MSRP[i]) return false;
  return true;
}

function isFlag(octet: number): boolean {
  return octet === DOLLAR || octet === PLUS || octet === HASH;
}

function methodKind(source: Uint8Array, start: number, length: number) {
  const is = (name: string) => {
    for (let i = 0; i < name.length; i++) if (source[start + i] !== name.charCodeAt(i)) return false;
    return length === name.length;
  };
  if (is("SEND")) return SEND;
  if (is("REPORT")) return REPORT;
  return is("AUTH") ? AUTH : OTHER_METHOD;
}
