/**
 * A head that came before on a connection, so that one like it need not be read again.
 *
 * What a session sends repeats itself: the same paths and the same lines in the same order, and only the transact-id, the
 * Message-ID and the Byte-Range are new (RFC 4975 §7.1). The head is kept as octets, cut into what stays the same and
 * the values between. What stays is compared eight octets at a time; where all of it is the same octet for octet, the
 * head means what the last one meant, line for line, and nothing needs to be looked up or checked but those values.
 */
import { charClass, copyOctets, isBlank, TEXT } from "../bytes/octets.ts";
import { type Head, RESPONSE, SEND } from "./head.ts";
import { BYTE_RANGE, FROM_PATH, MESSAGE_ID, TO_PATH } from "./header.ts";

/** Longer heads are not kept: with its copy and its tables one costs three times its length. */
const MAX_KNOWN = 1024;

export class KnownHead {
  /** As the last one like it, and filled again for the next. */
  readonly head: Head;
  /** From behind the transact-id to the blank line, or to the dashes of the end-line; both included. */
  readonly #view: DataView;
  /** What stays is view[starts[i], ends[i]); between two of them stands a value. */
  readonly #starts: number[];
  readonly #ends: number[];
  /** The lines those values stand in. */
  readonly #lines: number[];
  /** How long they are in `head`, and in the one that is being read. */
  readonly #lengths: number[];
  readonly #newLengths: number[];

  /** @param end  where what belongs to the head ends, counted from its base: behind its blank line, or behind the dashes of its end-line */
  constructor(head: Head, end: number) {
    const { base } = head;
    const first = head.transactIdEnd;
    this.head = head.copy();
    this.#view = new DataView(copyOctets(head.octets, base + first, base + end).buffer);
    this.#starts = [0];
    this.#ends = [];
    this.#lines = [];
    this.#lengths = [];
    for (let line = 0; line < head.headerCount; line++) {
      if (head.ids[line] !== MESSAGE_ID && head.ids[line] !== BYTE_RANGE) continue;
      const valueStart = head.valueStarts[line] as number;
      const valueEnd = head.valueEnds[line] as number;
      this.#ends.push(valueStart - first);
      this.#starts.push(valueEnd - first);
      this.#lines.push(line);
      this.#lengths.push(valueEnd - valueStart);
    }
    this.#ends.push(end - first);
    this.#newLengths = [...this.#lengths];
  }

  /**
   * Reads the head at input[base], whose transact-id ends at `idEnd`, into `this.head`.
   *
   * @param view  of all of `input`
   * @returns where what follows it begins: the body, or the transact-id of the end-line; -1 when it is not like this one or
   *          not all there, which is for the Reader to find out
   */
  read(input: Uint8Array, view: DataView, base: number, idEnd: number): number {
    const { head } = this;
    const size = input.length;
    const last = this.#lines.length;
    let moved = idEnd - base !== head.transactIdEnd;
    let at = idEnd;
    for (let part = 0; ; part++) {
      const start = this.#starts[part] as number;
      const length = (this.#ends[part] as number) - start;
      if (at + length > size || !sameOctets(view, at, this.#view, start, length)) return -1;
      at += length;
      if (part === last) break;
      const valueStart = at;
      // It ends where the CRLF stands that comes next in what stays.
      while (at < size && ((charClass[input[at] as number] as number) & TEXT) !== 0) at++;
      if (at === valueStart || isBlank(input[valueStart] as number) || isBlank(input[at - 1] as number)) return -1;
      this.#newLengths[part] = at - valueStart;
      if (this.#newLengths[part] !== this.#lengths[part]) moved = true;
    }
    if (moved) this.#move(idEnd - base);
    head.octets = input;
    head.base = base;
    head.bodyInSight = -1;
    head.flagInSight = 0;
    return at;
  }

  /** Moves the lines of `head` to where they are with the new lengths. */
  #move(transactIdEnd: number): void {
    const { head } = this;
    let by = transactIdEnd - head.transactIdEnd;
    head.transactIdEnd += by;
    head.methodStart += by;
    head.methodEnd += by;
    head.commentStart += by;
    head.commentEnd += by;
    let value = 0;
    for (let line = 0; line < head.headerCount; line++) {
      head.lineStarts[line] = (head.lineStarts[line] as number) + by;
      head.valueStarts[line] = (head.valueStarts[line] as number) + by;
      if (line === this.#lines[value]) {
        const length = this.#newLengths[value] as number;
        by += length - (this.#lengths[value] as number);
        this.#lengths[value++] = length;
      }
      head.valueEnds[line] = (head.valueEnds[line] as number) + by;
      head.lineEnds[line] = (head.lineEnds[line] as number) + by;
    }
    head.end += by;
  }
}

/** Is a head with `length` octets one that others like it may follow? */
export function isWorthKnowing(head: Head, length: number): boolean {
  if (head.flaw !== undefined || length > MAX_KNOWN) return false;
  return (head.kind === SEND || head.kind === RESPONSE) && head.ids[0] === TO_PATH && head.ids[1] === FROM_PATH;
}

/**
 * True when a[aStart, aStart + length) and b[bStart, bStart + length) hold the same octets. `b` is text, for which
 * numbers of 64 bits do: there are two octet sequences each for zero, which no text makes, and some that equal nothing at
 * all, which text with 0xFF may make and which is only never found the same.
 */
function sameOctets(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  const last = length - 8;
  if (last < 0) {
    for (let i = 0; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
    return true;
  }
  for (let i = 0; i < last; i += 8) {
    if (a.getFloat64(aStart + i, true) !== b.getFloat64(bStart + i, true)) return false;
  }
  return a.getFloat64(aStart + last, true) === b.getFloat64(bStart + last, true);
}
