/**
 * The head of a frame: start line and headers, as offsets into the octets they came in (RFC 4975 §9).
 *
 * One Head belongs to one Reader and is filled again for every frame, so nothing of it outlives the call it was given
 * to. All offsets count from `base`, because the reader may have to move an unfinished head to a buffer of its own.
 */
import { octetString, sameOctets } from "../bytes/octets.ts";
import type { Fault } from "../faults.ts";
import { type HeaderId, OTHER } from "./header.ts";

export const MAX_HEADERS = 64;

/** What a start line says. Methods that we treat alike share OTHER_METHOD. */
export const RESPONSE = 0;
export const SEND = 1;
export const REPORT = 2;
export const AUTH = 3;
export const OTHER_METHOD = 4;
export type Kind = typeof RESPONSE | typeof SEND | typeof REPORT | typeof AUTH | typeof OTHER_METHOD;

export class Head {
  octets: Uint8Array; // borrowed
  base: number; // where the frame's first octet stands in `octets`

  kind: Kind;
  transactIdStart: number;
  transactIdEnd: number;
  methodStart: number; // method name, or the three digits of a status
  methodEnd: number;
  status: number; // of a response; 0 for requests
  commentStart: number; // reason phrase of a response; empty when start === end
  commentEnd: number;

  headerCount: number; // lines kept in the arrays below, in the order of the wire
  readonly ids: Uint8Array;
  readonly lineStarts: Int32Array; // first octet of the name
  readonly lineEnds: Int32Array; // just behind the line's CRLF
  readonly valueStarts: Int32Array;
  readonly valueEnds: Int32Array; // trailing spaces cut off
  readonly #lineOf: Int16Array; // by HeaderId: its line, or -1

  end: number; // just behind the last header line's CRLF
  hasBody: boolean; // a blank line follows: body octets, CRLF, end-line
  flaw: Fault | undefined; // what makes this readable frame unacceptable; the first found

  /**
   * How many body octets stand in the same read up to the end-line, or -1 when the end is not in sight yet. Set by the
   * Reader before it hands the head out, so that a short frame can be passed on in one go.
   */
  bodyInSight: number;
  /** The flag of the end-line in sight: `$`, `+` or `#`; 0 when it is not. */
  flagInSight: number;

  /**
   * What its sink has found out about it. Kept by the Reader for the next head that differs in nothing but transact-id,
   * Message-ID and Byte-Range; undefined in any other.
   */
  memo: unknown;

  /** @param lines  how many header lines it has room for */
  constructor(lines: number = MAX_HEADERS) {
    this.octets = new Uint8Array(0);
    this.base = 0;
    this.kind = RESPONSE;
    this.transactIdStart = 0;
    this.transactIdEnd = 0;
    this.methodStart = 0;
    this.methodEnd = 0;
    this.status = 0;
    this.commentStart = 0;
    this.commentEnd = 0;
    this.headerCount = 0;
    this.ids = new Uint8Array(lines);
    this.lineStarts = new Int32Array(lines);
    this.lineEnds = new Int32Array(lines);
    this.valueStarts = new Int32Array(lines);
    this.valueEnds = new Int32Array(lines);
    this.#lineOf = new Int16Array(OTHER + 1).fill(-1);
    this.end = 0;
    this.hasBody = false;
    this.flaw = undefined;
    this.bodyInSight = -1;
    this.flagInSight = 0;
    this.memo = undefined;
  }

  /** A head of its own that says the same. The octets are borrowed as before. */
  copy(): Head {
    const { headerCount } = this;
    const copy = new Head(headerCount);
    copy.reset(this.octets, this.base);
    copy.kind = this.kind;
    copy.transactIdStart = this.transactIdStart;
    copy.transactIdEnd = this.transactIdEnd;
    copy.methodStart = this.methodStart;
    copy.methodEnd = this.methodEnd;
    copy.status = this.status;
    copy.commentStart = this.commentStart;
    copy.commentEnd = this.commentEnd;
    for (let line = 0; line < headerCount; line++) {
      copy.add(
        this.ids[line] as number,
        this.lineStarts[line] as number,
        this.valueStarts[line] as number,
        this.valueEnds[line] as number,
        this.lineEnds[line] as number,
      );
    }
    copy.end = this.end;
    copy.hasBody = this.hasBody;
    copy.flaw = this.flaw;
    copy.bodyInSight = this.bodyInSight;
    copy.flagInSight = this.flagInSight;
    return copy;
  }

  /** Forgets the last frame. */
  reset(octets: Uint8Array, base: number): void {
    this.octets = octets;
    this.base = base;
    this.headerCount = 0;
    this.#lineOf.fill(-1);
    this.hasBody = false;
    this.flaw = undefined;
    this.bodyInSight = -1;
    this.flagInSight = 0;
    this.status = 0;
    this.commentStart = this.commentEnd = 0;
    this.memo = undefined;
  }

  /** Takes a header line in. The first line of a name is the one `has` and `value` speak of. */
  add(id: HeaderId, lineStart: number, valueStart: number, valueEnd: number, lineEnd: number): void {
    const line = this.headerCount++;
    this.ids[line] = id;
    this.lineStarts[line] = lineStart;
    this.valueStarts[line] = valueStart;
    this.valueEnds[line] = valueEnd;
    this.lineEnds[line] = lineEnd;
    if (this.#lineOf[id] === -1) this.#lineOf[id] = line;
  }

  has(id: HeaderId): boolean {
    return this.#lineOf[id] !== -1;
  }

  /** The line of a header, an index into the arrays; -1 when it is absent. */
  lineOf(id: HeaderId): number {
    return this.#lineOf[id] as number;
  }

  /** Where a header's value begins in `octets`; only for headers that are there. */
  startOf(id: HeaderId): number {
    return this.base + (this.valueStarts[this.#lineOf[id] as number] as number);
  }

  /** Where it ends (excluded). */
  endOf(id: HeaderId): number {
    return this.base + (this.valueEnds[this.#lineOf[id] as number] as number);
  }

  /** A header's value as an octet string; undefined when it is absent. For the paths that are not hot. */
  value(id: HeaderId): string | undefined {
    return this.has(id) ? octetString(this.octets, this.startOf(id), this.endOf(id)) : undefined;
  }

  /** The values of a header that may repeat. */
  values(id: HeaderId): string[] {
    const values: string[] = [];
    for (let line = 0; line < this.headerCount; line++) {
      if (this.ids[line] !== id) continue;
      const { base } = this;
      values.push(
        octetString(this.octets, base + (this.valueStarts[line] as number), base + (this.valueEnds[line] as number)),
      );
    }
    return values;
  }

  transactId(): string {
    return octetString(this.octets, this.base + this.transactIdStart, this.base + this.transactIdEnd);
  }

  method(): string {
    return octetString(this.octets, this.base + this.methodStart, this.base + this.methodEnd);
  }

  comment(): string {
    return octetString(this.octets, this.base + this.commentStart, this.base + this.commentEnd);
  }

  /** True when a header's value is exactly the octets of `copy`. */
  valueIs(id: HeaderId, copy: Uint8Array): boolean {
    const start = this.startOf(id);
    const length = this.endOf(id) - start;
    return length === copy.length && sameOctets(this.octets, start, copy, 0, length);
  }
}
