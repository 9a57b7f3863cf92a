/**
 * What holds for the codec whatever the octets are.
 *
 * Random octets alone would hardly ever come near a frame, so most are made of the pieces that matter: dashes, line
 * ends, ids and their beginnings, flags, start lines and headers. A failure prints its seed; it becomes a named test.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { octetString, octets } from "../../core/bytes/octets.ts";
import { Scratch } from "../../core/bytes/scratch.ts";
import { readByteRange } from "../../core/codec/byte-range.ts";
import { parsePath } from "../../core/codec/path.ts";
import { Reader } from "../../core/codec/reader.ts";
import { TidGuard } from "../../core/codec/tid-guard.ts";
import { formatUri, parseUri, sameUri } from "../../core/codec/uri.ts";
import { writeEndLine, writeHeader, writeRequestLine, writeStatusLine } from "../../core/codec/writer.ts";
import { cut, MAX_HEAD, type ReadFrame, readPieces } from "../support/feed-every-way.ts";

// ---- what is read ----

const idLetters = "ab7.-+%=";
const transactId = fc
  .tuple(
    fc.constantFrom("a", "b", "7"),
    fc.string({ unit: fc.constantFrom(...idLetters.split("")), minLength: 3, maxLength: 31 }),
  )
  .map(([first, rest]) => first + rest);

/** Bodies that do their best to look like end-lines, above all of this id. */
function bodyRichIn(id: string) {
  const pieces = ["-", "--", "------", "-------", "--------", "\r\n", "\r", "\n", "$", "+", "#", "\0", "\xff", "x"];
  const about = [
    id,
    id.slice(0, -1),
    `${id}$`,
    `\r\n-------${id}`,
    `-------${id}$`,
    `-------${id}$\r`,
    `\n-------${id}#\r\n`,
  ];
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.array(fc.constantFrom(...pieces, ...about), { maxLength: 24 }).map((all) => all.join("")),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((some) => octetString(some)) },
  );
}

/** RFC 4975 §7.1: the sender makes sure that the end-line is not in the body. */
function mayCarry(id: string, body: string): boolean {
  const all = `\r\n${body}\r\n`;
  return !["$", "+", "#"].some((flag) => all.includes(`\r\n-------${id}${flag}\r\n`));
}

const headerValue = fc
  .string({
    unit: fc.constantFrom("a", "Z", "0", ":", " ", "\t", "-", "-------", "/", "\xc3\xa9", "\xff"),
    maxLength: 20,
  })
  .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ""));

interface Plain {
  id: string;
  start: { method: string } | { status: number; comment: string };
  headers: [string, string][];
  body: string | undefined;
  flag: string;
}

const plainFrame: fc.Arbitrary<Plain> = transactId.chain((id) =>
  fc.record({
    id: fc.constant(id),
    start: fc.oneof(
      fc.record({ method: fc.constantFrom("SEND", "SEND", "REPORT", "AUTH", "NICKNAME", "FILE_OFFSET") }),
      fc.record({ status: fc.integer({ min: 100, max: 999 }), comment: fc.constantFrom("", "OK", "Who are you?") }),
    ),
    headers: fc.array(fc.tuple(fc.constantFrom("X-A", "X.b", "Content-Disposition"), headerValue), { maxLength: 4 }),
    body: fc.option(
      bodyRichIn(id).filter((body) => mayCarry(id, body)),
      { nil: undefined },
    ),
    flag: fc.constantFrom("$", "+", "#"),
  }),
);

/** Streams of fragments that come near frames again and again and hardly ever are any. */
const fragments = fc
  .array(
    fc.constantFrom(
      ...[
        "MSRP ",
        "abcd",
        "abcde",
        " SEND\r\n",
        " REPORT\r\n",
        " 200",
        " OK",
        "\r\n",
        "\r\n\r\n",
        "\r",
        "\n",
        " ",
        "-",
        "\0",
      ],
      ...[
        "To-Path: msrp://a;tcp\r\n",
        "From-Path: msrp://b;tcp\r\n",
        "X:y\r\n",
        ":",
        "-------",
        "-------abcd",
        "$\r\n",
        "+\r\n",
      ],
      ...[
        "MSRP abcd SEND\r\nTo-Path: msrp://a;tcp\r\nFrom-Path: msrp://b;tcp\r\n",
        "\r\n-------abcd$\r\n",
        "-------abcd$\r\n",
      ],
    ),
    { maxLength: 40 },
  )
  .map((all) => all.join(""));

/** The stream begins a frame more often than not. */
const stream = fc.oneof(
  { weight: 1, arbitrary: fragments },
  {
    weight: 3,
    arbitrary: fragments.map((rest) => `MSRP abcd SEND\r\nTo-Path: msrp://a;tcp\r\nFrom-Path: msrp://b;tcp\r\n${rest}`),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((some) => octetString(some)) },
);

/** Places to cut at, in ten thousandths of the whole; doubles would crowd at its beginning. */
const cuts = fc.array(fc.nat({ max: 10_000 }), { maxLength: 12 });

function pieces(text: string, places: readonly number[]): Uint8Array[] {
  const points = places.map((place) => Math.floor((place * text.length) / 10_000)).sort((a, b) => a - b);
  return cut(octets(text), ...points);
}

describe("the reader", () => {
  test("makes frames or a fault of any octets, and never throws", () => {
    fc.assert(
      fc.property(stream, cuts, (text, places) => {
        const { frames, lost, idle } = readPieces(pieces(text, places));
        expect(lost === undefined || !idle).toBe(true);
        // Only the last frame may be open, and none is when framing was lost.
        const open = frames.filter(({ flag }) => flag === "");
        expect(open.length).toBeLessThanOrEqual(lost === undefined ? 1 : 0);
      }),
      { numRuns: 18_000 },
    );
  });

  test("makes the same frames however the octets are cut", () => {
    fc.assert(
      fc.property(stream, cuts, (text, places) => {
        expect(readPieces(pieces(text, places))).toEqual(readPieces([octets(text)]));
      }),
      { numRuns: 18_000 },
    );
  });

  test("finds the frames that a plain reading by lines and regular expressions finds", () => {
    fc.assert(
      fc.property(stream, (text) => {
        const found = readPieces([octets(text)]).frames.filter(({ flag }) => flag !== "");
        expect(
          found.map(({ transactId: id, method, hasBody, body, flag }) => ({ id, method, hasBody, body, flag })),
        ).toEqual(readPlainly(text));
      }),
      { numRuns: 18_000 },
    );
  });

  test("holds back no more than a head or an end-line, and grows by nothing else", () => {
    const maxHead = 256;
    fc.assert(
      fc.property(fc.array(stream, { maxLength: 8 }), fc.integer({ min: 1, max: 400 }), (streams, size) => {
        let told = 0;
        let body = false;
        let id = 0;
        let lost = false;
        const reader = new Reader(
          {
            head: (head) => {
              body = head.hasBody;
              id = head.transactIdEnd - head.transactIdStart;
              told += head.end + (body ? 2 : 0);
            },
            body: (_source, start, end) => {
              told += end - start;
            },
            end: () => {
              told += 7 + id + 3 + (body ? 2 : 0);
            },
            lost: () => {
              lost = true;
            },
          },
          maxHead,
        );
        const all = octets(streams.join(""));
        for (let at = 0; at < all.length && !lost; at += size) {
          const end = Math.min(at + size, all.length);
          reader.read(all.subarray(at, end));
          if (!lost) expect(end - told).toBeLessThanOrEqual(maxHead + 50);
        }
      }),
      { numRuns: 6_000 },
    );
  });

  test("takes time in proportion to the octets, whatever they are", () => {
    // Each of these would cost a search that starts over at every dash, line or octet dearly.
    const id = "a".repeat(32);
    const head = `MSRP ${id} SEND\r\nTo-Path: msrp://a;tcp\r\nFrom-Path: msrp://b;tcp\r\n\r\n`;
    for (const piece of ["-", "\r\n-------", `\r\n-------${id}`, `\r\n-------${id}$\r`, "\r", "-------", "\r\n-"]) {
      const body = octets(piece.repeat(Math.ceil(2_000_000 / piece.length)));
      const began = performance.now();
      const reader = new Reader({ head: () => {}, body: () => {}, end: () => {}, lost: () => {} }, MAX_HEAD);
      reader.read(octets(head));
      reader.read(body);
      for (let at = 0; at < 100_000; at++) reader.read(body.subarray(at, at + 1));
      // A hundredth of this is what it takes; a quadratic search would need minutes.
      expect(performance.now() - began).toBeLessThan(5_000);
    }
  });
});

describe("what is written", () => {
  test("reads back, among other frames and however it is cut", () => {
    fc.assert(
      fc.property(fc.array(plainFrame, { minLength: 1, maxLength: 4 }), cuts, (frames, places) => {
        const { frames: read, lost, idle } = readPieces(pieces(frames.map(write).join(""), places));
        expect({ lost, idle }).toEqual({ lost: undefined, idle: true });
        expect(read.map(plain)).toEqual(frames);
      }),
      { numRuns: 12_000 },
    );
  });

  test("is written again to the same octets", () => {
    fc.assert(
      fc.property(plainFrame, (frame) => {
        const text = write(frame);
        expect(readPieces([octets(text)]).frames.map((read) => write(plain(read)))).toEqual([text]);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("the guard", () => {
  const id = fc.string({ unit: fc.constantFrom("a", "b", "7"), minLength: 4, maxLength: 8 });

  test("keeps seven dashes and the chunk's own id out of every chunk, and loses no octet", () => {
    const guarded = fc.tuple(fc.array(id, { minLength: 1, maxLength: 4 })).chain(([ids]) =>
      fc.tuple(
        fc.constant(ids),
        fc
          .array(fc.constantFrom("-", "-------", "a", "b", "7", "\r\n", ...ids, ...ids.map((one) => `-------${one}`)), {
            maxLength: 40,
          })
          .map((all) => all.join("")),
        cuts,
      ),
    );
    fc.assert(
      fc.property(guarded, ([ids, body, places]) => {
        const chunks = writeGuarded(ids, pieces(body, places));
        for (const { id: own, written } of chunks) expect(written).not.toContain(`-------${own}`);
        expect(chunks.map(({ written }) => written).join("")).toBe(body);
        // No chunk ends before it must.
        chunks.slice(0, -1).forEach(({ id: own, written }, i) => {
          const next = chunks.slice(i + 1).map((chunk) => chunk.written);
          expect(written + next.join("").slice(0, 1)).toContain(`-------${own}`);
        });
      }),
      { numRuns: 15_000 },
    );
  });
});

describe("values", () => {
  const uriPieces = [
    "msrp://",
    "msrps://",
    "a",
    "B.c",
    "@",
    ":",
    "1",
    "2855",
    "/",
    ";tcp",
    ";",
    "[",
    "]",
    "::",
    "f",
    "%",
    "%41",
    "=",
    ".",
    " ",
    "\xe9",
  ];
  const uriText = fc.array(fc.constantFrom(...uriPieces), { maxLength: 14 }).map((all) => all.join(""));

  test("a URI is read or refused, never thrown; its plainest form reads back and is the same URI", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          uriText,
          uriText.map((text) => `msrp://h${text};tcp`),
          fc.string(),
        ),
        (text) => {
          const uri = parseUri(text);
          if (uri === undefined) return;
          const again = parseUri(formatUri(uri));
          expect(again).toEqual(uri);
          expect(sameUri(uri, again as typeof uri)).toBe(true);
        },
      ),
      { numRuns: 24_000 },
    );
  });

  test("a path is its URIs and the spaces between them", () => {
    fc.assert(
      fc.property(
        fc.array(
          uriText.map((text) => `msrp://h${text};tcp`),
          { minLength: 1, maxLength: 4 },
        ),
        (texts) => {
          const path = parsePath(texts.join(" "));
          if (path !== undefined) expect(path.texts.join(" ")).toBe(texts.join(" "));
          const readable = texts.every((text) => !text.includes(" ") && parseUri(text) !== undefined);
          if (readable) expect(path?.uris).toEqual(texts.map((text) => parseUri(text)));
        },
      ),
      { numRuns: 6_000 },
    );
  });

  test("a Byte-Range is read exactly when the grammar allows it, up to 15 digits", () => {
    const text = fc.string({ unit: fc.constantFrom("0", "1", "9", "-", "/", "*", " ", "x"), maxLength: 10 });
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((rest) => `1-${rest}`),
          text.map((rest) => `1-*/${rest}`),
        ),
        (value) => {
          const source = octets(value);
          const match = /^(\d+)-(\d+|\*)\/(\d+|\*)$/.exec(value);
          const number = (digits: string | undefined) => (digits === "*" ? -1 : Number(digits));
          expect(readByteRange(source, 0, source.length)).toEqual(
            match === null ? undefined : { start: number(match[1]), end: number(match[2]), total: number(match[3]) },
          );
        },
      ),
      { numRuns: 15_000 },
    );
  });
});

// ---- the plain ways of doing it ----

/** Finished frames, read with no thought for speed or for octets that are still to come. */
function readPlainly(text: string) {
  const frames: { id: string; method: string; hasBody: boolean; body: string; flag: string }[] = [];
  let rest = text;
  const line = () => {
    const end = rest.indexOf("\r\n");
    if (end < 0) return undefined;
    const found = rest.slice(0, end);
    rest = rest.slice(end + 2);
    return found;
  };
  while (true) {
    const start = /^MSRP ([a-z0-9][a-z0-9.\-+%=]{3,31}) (?:([A-Z_]+)|(\d{3})(?: [^]*)?)$/i.exec(line() ?? "");
    if (start === null || /[a-z]/.test(start[2] ?? "")) return frames;
    const id = start[1] as string;
    const literal = id.replace(/[.+]/g, "\\$&");
    let header = line();
    while (header !== undefined && /^[A-Za-z][\w!#$%&'*+\-.^`{|}~]*:/.test(header)) header = line();
    if (header === undefined) return frames;
    const method = (start[2] ?? start[3]) as string;
    const bodiless = new RegExp(`^-------${literal}([$+#])$`).exec(header);
    if (bodiless !== null) {
      frames.push({ id, method, hasBody: false, body: "", flag: bodiless[1] as string });
      continue;
    }
    if (header !== "") return frames;
    const body = new RegExp(`^(?:([^]*?)\\r\\n)??-------${literal}([$+#])\\r\\n`).exec(rest);
    if (body === null) return frames;
    rest = rest.slice(body[0].length);
    frames.push({ id, method, hasBody: true, body: body[1] ?? "", flag: body[2] as string });
  }
}

/** The frame with the two paths every frame has. */
function write({ id, start, headers, body, flag }: Plain): string {
  const to = new Scratch(16);
  if ("method" in start) writeRequestLine(to, id, start.method);
  else writeStatusLine(to, id, start.status, start.comment);
  writeHeader(to, "To-Path", "msrp://a;tcp");
  writeHeader(to, "From-Path", "msrp://b;tcp");
  for (const [name, value] of headers) writeHeader(to, name, value);
  if (body !== undefined) to.text("\r\n").text(body);
  writeEndLine(to, id, flag.charCodeAt(0), body !== undefined);
  return octetString(to.take());
}

/** What `write` was given, from what was read. */
function plain(frame: ReadFrame): Plain {
  expect(frame.flaw).toBeUndefined();
  return {
    id: frame.transactId,
    start: frame.kind === "RESPONSE" ? { status: frame.status, comment: frame.comment } : { method: frame.method },
    headers: frame.headers.slice(2),
    body: frame.hasBody ? frame.body : undefined,
    flag: frame.flag,
  };
}

/** A body through the guard: a new chunk, under the next id, wherever it says so. */
function writeGuarded(ids: readonly string[], reads: readonly Uint8Array[]): { id: string; written: string }[] {
  const chunks: { id: string; written: string }[] = [];
  const guard = new TidGuard();
  const begin = () => {
    const id = ids[chunks.length % ids.length] as string;
    guard.begin(octets(id), 0, id.length);
    chunks.push({ id, written: "" });
  };
  begin();
  for (const read of reads) {
    let at = 0;
    while (at < read.length) {
      const end = guard.check(read, at, read.length);
      (chunks.at(-1) as { written: string }).written += octetString(read, at, end);
      if (end < read.length) begin();
      at = end;
    }
  }
  return chunks;
}
