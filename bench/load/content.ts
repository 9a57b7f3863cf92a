/**
 * What the bodies are made of: one long run of random octets that every message is a piece of.
 *
 * Both ends of the generator have it, so each octet that arrives is compared with the octet that was sent, by the
 * memcmp of the runtime. There is no CR in it: where a body stops being the content, an end-line must begin.
 */

/** The content repeats after this many octets. */
const PERIOD = 1 << 20;
/** Message `n` begins this far behind message `n - 1`, so that no two neighbours are alike. */
const STEP = 4099;

const content = makeContent();

/** Where in the content a message of a ring begins. */
export function contentStart(index: number): number {
  return (index * STEP) % PERIOD;
}

/** A view of the content; `length` is at most a mebioctet. */
export function contentSlice(start: number, length: number): Buffer {
  if (length > PERIOD) throw new RangeError(`no slice of ${length} octets`);
  const at = start % PERIOD;
  return content.subarray(at, at + length);
}

/** How many octets of source[start, end) are those of the content from `offset` on. */
export function countEqual(source: Buffer, start: number, end: number, offset: number): number {
  let at = start;
  while (at < end) {
    const from = (offset + at - start) % PERIOD;
    const length = Math.min(end - at, 2 * PERIOD - from);
    if (content.compare(source, at, at + length, from, from + length) === 0) {
      at += length;
      continue;
    }
    let same = 0;
    while (source[at + same] === content[from + same]) same++;
    return at + same - start;
  }
  return at - start;
}

/** Twice the period, so that any slice is in one piece. */
function makeContent(): Buffer {
  const octets = Buffer.allocUnsafe(2 * PERIOD);
  let state = 0x9e3779b9;
  for (let at = 0; at < PERIOD; at++) {
    // xorshift32: nothing secret here, only something no compressor or table would know.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const octet = state & 0xff;
    octets[at] = octet === 0x0d ? 0x0e : octet;
  }
  octets.copyWithin(PERIOD, 0, PERIOD);
  return octets;
}
