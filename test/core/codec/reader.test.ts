/** Framing: what is read, what is refused and with which fault, and what the Reader bears for the clients there are. */
import { describe, expect, test } from "vitest";
import { octetString, octets } from "../../../core/bytes/octets.ts";
import { MAX_HEADERS } from "../../../core/codec/head.ts";
import { Reader } from "../../../core/codec/reader.ts";
import { type Fault, faults } from "../../../core/faults.ts";
import {
  cut,
  feedEveryWay,
  inPieces,
  MAX_HEAD,
  type ReadFrame,
  readPieces,
  Recorder,
} from "../../support/feed-every-way.ts";

const PATHS = "To-Path: msrps://relay.example.com:2855/s1;tcp\r\nFrom-Path: msrps://alice.invalid:9/a;tcp\r\n";
const SHORT = "To-Path: msrp://r;tcp\r\nFrom-Path: msrp://a;tcp\r\n";

/** A SEND with a body, under the id a786hjs2 unless told otherwise. */
function send(body: string, id = "a786hjs2", flag = "$", headers = "Message-ID: 87652491\r\n"): string {
  return `MSRP ${id} SEND\r\n${PATHS}${headers}Content-Type: text/plain\r\n\r\n${body}\r\n-------${id}${flag}\r\n`;
}

function bodiless(startLineRest: string, headers = SHORT, id = "a786hjs2"): string {
  return `MSRP ${id} ${startLineRest}\r\n${headers}-------${id}$\r\n`;
}

/** The one frame that these octets are, in every way of cutting. */
function only(input: string): ReadFrame {
  const { frames, lost, idle } = feedEveryWay(input);
  expect({ lost, idle, count: frames.length }).toEqual({ lost: undefined, idle: true, count: 1 });
  return frames[0] as ReadFrame;
}

function reading(frames: readonly Partial<ReadFrame>[], lost?: Fault, idle = lost === undefined) {
  return { frames, lost, idle };
}

describe("start lines (RFC 4975 §9)", () => {
  const good: [name: string, line: string, expected: Partial<ReadFrame>][] = [
    ["SEND", "a786hjs2 SEND", { kind: "SEND", method: "SEND", transactId: "a786hjs2" }],
    ["REPORT", "a786hjs2 REPORT", { kind: "REPORT", method: "REPORT" }],
    ["AUTH (RFC 4976 §7)", "a786hjs2 AUTH", { kind: "AUTH", method: "AUTH" }],
    ["a method that only looks like one we know", "a786hjs2 SENDS", { kind: "OTHER", method: "SENDS" }],
    ["NICKNAME (RFC 7701 §7.1)", "a786hjs2 NICKNAME", { kind: "OTHER", method: "NICKNAME" }],
    ["a method of one letter", "a786hjs2 X", { kind: "OTHER", method: "X" }],
    ["a response", "a786hjs2 200 OK", { kind: "RESPONSE", status: 200, comment: "OK" }],
    ["a comment of several words", "a786hjs2 413 Stop it now", { status: 413, comment: "Stop it now" }],
    ["a comment that is not ASCII", "a786hjs2 200 \xc3\xa9", { status: 200, comment: "\xc3\xa9", flaw: undefined }],
    ["a transact-id of 4 characters", "6aef SEND", { transactId: "6aef" }],
    ["a transact-id of 32 characters", `${"x".repeat(32)} SEND`, { transactId: "x".repeat(32) }],
    ["a transact-id of every character allowed", "0.-+%=zZ SEND", { transactId: "0.-+%=zZ" }],
    ["a transact-id with dashes like an end-line", "a-------b SEND", { transactId: "a-------b" }],
  ];
  test.each(good)("%s is read", (_name, line, expected) => {
    const id = line.split(" ")[0];
    expect(only(`MSRP ${line}\r\n${SHORT}-------${id}$\r\n`)).toMatchObject(expected);
  });

  const bad: [name: string, line: string][] = [
    ["a transact-id of 3 characters", "MSRP abc SEND"],
    ["a transact-id of 33 characters", `MSRP ${"x".repeat(33)} SEND`],
    ["a transact-id that begins with a dash", "MSRP -abcd SEND"],
    ["a transact-id with a slash", "MSRP ab/cd SEND"],
    ["a transact-id that is not ASCII", "MSRP abcd\xe9 SEND"],
    ["no transact-id", "MSRP  SEND"],
    ["no method", "MSRP abcd"],
    ["an empty method", "MSRP abcd "],
    ["nothing but MSRP", "MSRP "],
    ["a method in lower case", "MSRP abcd send"],
    ["a method with a digit", "MSRP abcd SEND2"],
    ["something behind the method", "MSRP abcd SEND x"],
    ["a space behind the method", "MSRP abcd SEND "],
    ["a tab for a space", "MSRP\tabcd SEND"],
    ["two spaces", "MSRP abcd  SEND"],
    ["a status of two digits", "MSRP abcd 20 OK"],
    ["a status of four digits", "MSRP abcd 2000 OK"],
    ["a status with a letter", "MSRP abcd 2x0 OK"],
    ["msrp in lower case", "msrp abcd SEND"],
    ["a space before it", " MSRP abcd SEND"],
    ["an empty line before it", "\r\nMSRP abcd SEND"],
    ["another protocol", "GET / HTTP/1.1"],
    ["SIP", "MESSAGE sip:bob@example.com SIP/2.0"],
    ["a TLS hello where plain TCP was meant", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["NUL octets", "\0\0\0\0"],
    ["NUL in the transact-id", "MSRP ab\0cd SEND"],
    ["bare LF at its end", "MSRP abcd SEND\nTo-Path: msrp://r;tcp\nFrom-Path: msrp://a;tcp\n-------abcd$"],
    ["bare CR at its end", "MSRP abcd SEND\rTo-Path: msrp://r;tcp\r-------abcd$"],
  ];
  test.each(bad)("%s is START_LINE", (_name, line) => {
    expect(feedEveryWay(`${line}\r\n${SHORT}-------abcd$\r\n`)).toEqual(reading([], "START_LINE"));
  });

  test("what cannot become MSRP is START_LINE at its first octet, not at a line end that never comes", () => {
    expect(feedEveryWay("H")).toEqual(reading([], "START_LINE"));
    expect(feedEveryWay("MSRPS")).toEqual(reading([], "START_LINE"));
    expect(feedEveryWay("MSR")).toEqual(reading([], undefined, false));
  });

  test("a control character in a comment spoils the response, not the connection (HEADER_VALUE)", () => {
    expect(only(bodiless("200 O\0K"))).toMatchObject({ kind: "RESPONSE", status: 200, flaw: "HEADER_VALUE" });
  });
});

describe("headers (RFC 4975 §9)", () => {
  test("stay in order, known or not, and word for word", () => {
    const headers = `${SHORT}Message-ID: 1234\r\nKeep-Alive: yes\r\nContent-ID: <x@y>\r\nContent-Disposition: render\r\n`;
    const frame = only(bodiless("SEND", headers));
    expect(frame.headerOctets).toBe(headers);
    expect(frame.headers.slice(2)).toEqual([
      ["Message-ID", "1234"],
      ["Keep-Alive", "yes"],
      ["Content-ID", "<x@y>"],
      ["Content-Disposition", "render"],
    ]);
  });

  const values: [name: string, line: string, value: string][] = [
    ["empty", "X-Empty:", ""],
    ["of spaces", "X-Empty:   ", ""],
    ["with a colon and a space inside", "X-Colon: a: b: c", "a: b: c"],
    ["with tabs inside", "X-Tab: a\tb", "a\tb"],
    ["that is UTF-8", "X-Utf: \xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac"],
    ["that is not UTF-8", "X-Raw: \xff\xfe", "\xff\xfe"],
    ["that looks like an end-line", "X-End: -------a786hjs2$", "-------a786hjs2$"],
    ["that looks like a start line", "X-Start: MSRP a786hjs2 SEND", "MSRP a786hjs2 SEND"],
  ];
  test.each(values)("a value %s is read", (_name, line, value) => {
    expect(only(bodiless("SEND", `${SHORT}${line}\r\n`))).toMatchObject({
      flaw: undefined,
      headers: [expect.anything(), expect.anything(), [line.slice(0, line.indexOf(":")), value]],
    });
  });

  const lost: [name: string, line: string][] = [
    ["a line without a colon", "Message-ID"],
    ["a line that begins with a colon", ": value"],
    ["a line that begins with a digit", "1st: value"],
    ["a space before the colon", "Message-ID : 1234"],
    ["a folded line", " folded=true"],
    ["a line folded by a tab", "\tfolded=true"],
    ["NUL in a name", "Mess\0age-ID: 1234"],
    ["another frame's start line", "MSRP abcd SEND"],
    ["an end-line with another transact-id", "-------a786hjs3$"],
    ["an end-line without its flag", "-------a786hjs2"],
    ["an end-line with an unknown flag", "-------a786hjs2!"],
    ["an end-line of six dashes", "------a786hjs2$"],
    ["an end-line of eight dashes", "--------a786hjs2$"],
    ["an end-line with a space behind it", "-------a786hjs2$ "],
  ];
  test.each(lost)("%s is HEADER_LINE", (_name, line) => {
    expect(feedEveryWay(bodiless("SEND", `${SHORT}${line}\r\n`))).toEqual(reading([], "HEADER_LINE"));
  });

  const flaws: [name: string, headers: string, flaw: Fault][] = [
    ["no header at all", "", "PATH"],
    ["no To-Path", "From-Path: msrp://a;tcp\r\n", "PATH"],
    ["no From-Path", "To-Path: msrp://r;tcp\r\n", "PATH"],
    ["NUL in a value", `${SHORT}X-Nul: a\0b\r\n`, "HEADER_VALUE"],
    ["DEL in a value", `${SHORT}X-Del: a\x7fb\r\n`, "HEADER_VALUE"],
    ["a bare CR in a value", `${SHORT}X-Cr: a\rb\r\n`, "HEADER_VALUE"],
    ["a bare LF in a value", `${SHORT}X-Lf: a\nMessage-ID: 1234\r\n`, "HEADER_VALUE"],
    ["two CRs at a line's end", `${SHORT}X-Cr: a\r\r\n`, "HEADER_VALUE"],
    ["To-Path twice", `${SHORT}To-Path: msrp://r;tcp\r\n`, "HEADER_REPEATED"],
    ["Message-ID twice, in other letters", `${SHORT}Message-ID: 1234\r\nMESSAGE-id: 1235\r\n`, "HEADER_REPEATED"],
    ["Byte-Range twice, the same", `${SHORT}Byte-Range: 1-2/2\r\nByte-Range: 1-2/2\r\n`, "HEADER_REPEATED"],
  ];
  test.each(flaws)("%s: the frame is read to its end and marked %s", (_name, headers, flaw) => {
    expect(only(bodiless("SEND", headers))).toMatchObject({ flaw, flag: "$" });
  });

  test("a flaw of one frame does not stick to the next", () => {
    const { frames } = feedEveryWay(bodiless("SEND", `${SHORT}X-Nul: a\0b\r\n`) + bodiless("SEND"));
    expect(frames.map(({ flaw }) => flaw)).toEqual(["HEADER_VALUE", undefined]);
  });

  test("WWW-Authenticate may stand several times (RFC 8760 §2.3), and so may headers we do not know", () => {
    const headers = `${SHORT}WWW-Authenticate: Digest a=b\r\nWWW-Authenticate: Digest c=d\r\nX-A: 1\r\nX-A: 2\r\n`;
    expect(only(bodiless("401 Unauthorized", headers)).flaw).toBeUndefined();
  });

  test("64 headers are read, and the 65th makes the frame TOO_MANY_HEADERS", () => {
    const more = (count: number) => `${SHORT}${"X: y\r\n".repeat(count - 2)}`;
    const full = readPieces([octets(bodiless("SEND", more(MAX_HEADERS)))]);
    expect(full.frames).toMatchObject([{ flaw: undefined, flag: "$" }]);
    expect(full.frames[0]?.headers.length).toBe(64);
    const over = only(bodiless("SEND", more(MAX_HEADERS + 1)));
    expect(over).toMatchObject({ flaw: "TOO_MANY_HEADERS", flag: "$" });
    expect(over.headers.length).toBe(64);
  });

  test("paths behind the 64th header are not seen: still TOO_MANY_HEADERS and the frame's end is found", () => {
    expect(only(bodiless("SEND", `${"X: y\r\n".repeat(64)}${SHORT}`)).flaw).toBe("TOO_MANY_HEADERS");
  });
});

describe("the bound of a head (limits.headerBytes, RFC 4975 §14.5)", () => {
  const small = (sink: ConstructorParameters<typeof Reader>[0]) => new Reader(sink, 200);
  /** A SEND without a body, of exactly `size` octets. */
  const sized = (size: number) => {
    const bare = bodiless("SEND", `${SHORT}X: \r\n`).length;
    return bodiless("SEND", `${SHORT}X: ${"y".repeat(size - bare)}\r\n`);
  };

  test("a head of just that many octets is read", () => {
    expect(feedEveryWay(sized(200), small)).toMatchObject(reading([{ flag: "$" }]));
  });

  test("one more is HEAD_TOO_LONG", () => {
    expect(feedEveryWay(sized(201), small)).toEqual(reading([], "HEAD_TOO_LONG"));
  });

  test("a start line that never ends is HEAD_TOO_LONG", () => {
    expect(feedEveryWay(`MSRP abcd ${"S".repeat(300)}`, small)).toEqual(reading([], "HEAD_TOO_LONG"));
  });

  test("a header line of 16 KB is HEAD_TOO_LONG", () => {
    const head = octets(bodiless("SEND", `${SHORT}X: ${"y".repeat(16_384)}\r\n`));
    for (const size of [1, 1000, 100_000]) {
      expect(readPieces(inPieces(head, size))).toEqual(reading([], "HEAD_TOO_LONG"));
    }
  });

  test("headers that never end are HEAD_TOO_LONG", () => {
    const head = octets(`MSRP abcd SEND\r\n${SHORT}${"X: y\r\n".repeat(20_000)}`);
    for (const size of [1, 1000, 200_000]) {
      expect(readPieces(inPieces(head, size))).toEqual(reading([], "HEAD_TOO_LONG"));
    }
  });

  test("the body does not count", () => {
    const frame = `MSRP abcd SEND\r\n${SHORT}Content-Type: a/b\r\n\r\n${"x".repeat(500)}\r\n-------abcd$\r\n`;
    expect(feedEveryWay(frame, small).frames).toMatchObject([{ body: "x".repeat(500), flag: "$" }]);
  });

  test("nor do the frames behind it that came in the same read", () => {
    const many = bodiless("SEND").repeat(100);
    const pieces = cut(octets(many), 10);
    expect(readPieces(pieces, small).frames.length).toBe(100);
  });
});

describe("bodies and end-lines (RFC 4975 §7.1)", () => {
  test.each(["$", "+", "#"])("the flag %s is told", (flag) => {
    expect(only(send("abcd", "a786hjs2", flag))).toMatchObject({ body: "abcd", flag });
  });

  const bodies: [name: string, body: string][] = [
    ["text", "Hey Bob, are you there?"],
    ["empty", ""],
    ["of one CRLF", "\r\n"],
    ["of many CRLFs", "\r\n".repeat(20)],
    ["that begins with a CRLF", "\r\nabcd"],
    ["that ends with a CRLF", "abcd\r\n"],
    ["that ends with a CR", "abcd\r"],
    ["of half-finished line ends", "\r\r\n\n\r\r\r\n"],
    ["of NUL octets", "\0\0\0\0"],
    ["that is no UTF-8", "\xff\xfe\xc3\x28\x80"],
    ["that ends within a UTF-8 character", "caf\xc3"],
    ["with another frame's end-line", "abcd\r\n-------dkei38sd$\r\nefgh"],
    ["with another frame in it", `abcd\r\n${bodiless("SEND", SHORT, "dkei38sd")}efgh`],
    ["with this frame's end-line but for its last character", "abcd\r\n-------a786hjs$\r\nefgh"],
    ["with this frame's end-line and one character more", "abcd\r\n-------a786hjs22$\r\nefgh"],
    ["with this frame's end-line in other letters", "abcd\r\n-------A786HJS2$\r\nefgh"],
    ["with this frame's end-line but for the flag", "abcd\r\n-------a786hjs2\r\nefgh"],
    ["with this frame's end-line and an unknown flag", "abcd\r\n-------a786hjs2*\r\nefgh"],
    ["with this frame's end-line behind six dashes", "abcd\r\n------a786hjs2$\r\nefgh"],
    ["with this frame's end-line behind eight dashes", "abcd\r\n--------a786hjs2$\r\nefgh"],
    ["with this frame's end-line within a line", "abcd -------a786hjs2$\r\nefgh"],
    ["with this frame's end-line behind a bare LF", "abcd\n-------a786hjs2$\r\nefgh"],
    ["with this frame's end-line behind a bare CR", "abcd\r-------a786hjs2$\r\nefgh"],
    ["with this frame's end-line before a bare LF", "abcd\r\n-------a786hjs2$\nefgh"],
    ["with this frame's end-line before a bare CR", "abcd\r\n-------a786hjs2$\refgh"],
    ["with this frame's end-line and a space behind it", "abcd\r\n-------a786hjs2$ \r\nefgh"],
    ["that almost ends again and again", "\r\n-------a786hjs2".repeat(5)],
    ["that ends with the beginning of its end-line", "abcd\r\n-------a786"],
    ["of a CRLF and seven dashes", "\r\n-------"],
    ["that begins with this frame's end-line but for its line end", "-------a786hjs2$x"],
    ["that begins with dashes", "-----------"],
    ["of colons and header names", "To-Path: msrp://evil;tcp\r\n\r\n"],
  ];
  test.each(bodies)("a body %s arrives as it was sent", (_name, body) => {
    expect(only(send(body))).toMatchObject({ body, hasBody: true, flag: "$" });
  });

  test("runs of dashes of every length arrive as they were sent", () => {
    for (let count = 1; count <= 40; count++) {
      for (const body of ["-".repeat(count), `\r\n${"-".repeat(count)}`, `x${"-".repeat(count)}\r\n`]) {
        const frame = `MSRP abcd SEND\r\n${SHORT}\r\n${body}\r\n-------abcd$\r\n`;
        expect(readPieces([octets(frame)]).frames).toMatchObject([{ body, flag: "$" }]);
        expect(readPieces(inPieces(octets(frame), 1)).frames).toMatchObject([{ body, flag: "$" }]);
        for (let at = SHORT.length; at < frame.length; at++) {
          expect(readPieces(cut(octets(frame), at)).frames[0]?.body).toBe(body);
        }
      }
    }
  });

  test("a transact-id full of dashes ends its frame", () => {
    const body = "\r\n-------a------\r\n-------a-------";
    const frame = `MSRP a-------- SEND\r\n${SHORT}\r\n${body}\r\n-------a--------$\r\n`;
    expect(only(frame)).toMatchObject({ body, flag: "$" });
  });

  test("an end-line at once behind the blank line ends an empty body", () => {
    // Looser than §7.1, which wants a CRLF of the body's own; without it the frame would swallow those behind it.
    const frame = `MSRP a786hjs2 SEND\r\n${SHORT}Content-Type: text/plain\r\n\r\n-------a786hjs2$\r\n`;
    expect(only(frame)).toMatchObject({ body: "", hasBody: true, flag: "$" });
  });

  test("a body that is not ended is told as far as it is sure to be body", () => {
    const frame = send("abcd").slice(0, -5);
    expect(feedEveryWay(frame)).toMatchObject(reading([{ body: "abcd", flag: "" }], undefined, false));
  });

  test("a frame that lies in its Byte-Range cannot smuggle another past its end-line", () => {
    // A reader that counted would take the REPORT for body, or the body for a frame.
    const inner = bodiless("REPORT", SHORT, "evil1234");
    const outer = send("abcd", "a786hjs2", "$", `Message-ID: 1\r\nByte-Range: 1-${4 + inner.length}/*\r\n`);
    expect(feedEveryWay(outer + inner).frames).toMatchObject([
      { kind: "SEND", body: "abcd" },
      { kind: "REPORT", transactId: "evil1234" },
    ]);
    const short = send(`abcd\r\n${inner}`, "a786hjs2", "$", "Message-ID: 1\r\nByte-Range: 1-4/4\r\n");
    expect(only(short)).toMatchObject({ kind: "SEND", body: `abcd\r\n${inner}` });
  });

  test("two frames with one transact-id, back to back, are two frames", () => {
    const { frames } = feedEveryWay(send("one", "a786hjs2", "+") + send("two"));
    expect(frames).toMatchObject([
      { transactId: "a786hjs2", body: "one", flag: "+" },
      { transactId: "a786hjs2", body: "two", flag: "$" },
    ]);
  });

  test("an end-line that came in two reads leaves nothing behind for the next body", () => {
    const first = `MSRP aaaa SEND\r\n${SHORT}\r\none\r\n-------aaaa+\r\n`;
    const second = `MSRP bbbb SEND\r\n${SHORT}\r\nt\r\n--wo\r\n-------bbbb$\r\n`;
    const both = octets(first + second);
    for (let one = first.length - 16; one <= first.length; one++) {
      for (let two = one; two < both.length; two++) {
        expect(readPieces(cut(both, one, two)).frames.map(({ body }) => body)).toEqual(["one", "t\r\n--wo"]);
      }
    }
  });

  test("octets between frames are START_LINE", () => {
    for (const between of ["\r\n", " ", "\0", "x", "\n"]) {
      const { frames, lost } = feedEveryWay(send("abcd") + between + send("efgh"));
      expect({ count: frames.length, lost }).toEqual({ count: 1, lost: "START_LINE" });
    }
  });

  test("any method may have a body, and so may a response: what follows is for the relay to say", () => {
    for (const line of ["REPORT", "AUTH", "NICKNAME", "200 OK"]) {
      expect(only(bodiless(line, `${SHORT}\r\nabcd\r\n`))).toMatchObject({ flaw: undefined, body: "abcd" });
    }
  });

  test("a body of a megabyte passes in pieces as they come and is never collected", () => {
    let told = 0;
    let longest = 0;
    const sink = {
      head: () => {},
      body: (_source: Uint8Array, start: number, end: number) => {
        told += end - start;
        longest = Math.max(longest, end - start);
      },
      end: () => {
        told += 1e9;
      },
      lost: () => {},
    };
    const reader = new Reader(sink, MAX_HEAD);
    reader.read(octets(`MSRP a786hjs2 SEND\r\n${SHORT}\r\n`));
    const piece = octets("\r\n-------a786hjs".repeat(64));
    for (let i = 0; i < 1024; i++) {
      reader.read(piece);
      // Held back is no more than an end-line can have.
      expect((i + 1) * piece.length - told).toBeLessThan(64);
    }
    reader.read(octets("\r\n-------a786hjs2$\r\n"));
    expect(told).toBe(1024 * piece.length + 1e9);
    expect(longest).toBeLessThanOrEqual(piece.length + 64);
  });
});

describe("what clients in the field do", () => {
  test("FreeSWITCH and others write header names in their own letters", () => {
    const frame = only(
      `MSRP a786hjs2 SEND\r\nTO-PATH: msrp://r;tcp\r\nfrom-path: msrp://a;tcp\r\n-------a786hjs2$\r\n`,
    );
    expect(frame).toMatchObject({
      flaw: undefined,
      headers: [
        ["TO-PATH", "msrp://r;tcp"],
        ["from-path", "msrp://a;tcp"],
      ],
    });
  });

  test("hand-made clients leave out the space behind the colon, or write several, or end lines with spaces", () => {
    const headers = "To-Path:msrp://r;tcp\r\nFrom-Path:   msrp://a;tcp  \r\nMessage-ID:\t1234\t\r\n";
    const frame = only(bodiless("SEND", headers));
    expect(frame.flaw).toBeUndefined();
    expect(frame.headers.map(([, value]) => value)).toEqual(["msrp://r;tcp", "msrp://a;tcp", "1234"]);
    expect(frame.headerOctets).toBe(headers);
  });

  test("hand-made clients write From-Path before To-Path, and Content-Type anywhere", () => {
    const headers =
      "Content-Type: text/plain\r\nFrom-Path: msrp://a;tcp\r\nMessage-ID: 1234\r\nTo-Path: msrp://r;tcp\r\n";
    expect(only(bodiless("SEND", `${headers}\r\nabcd\r\n`))).toMatchObject({ flaw: undefined, body: "abcd" });
  });

  test("NG911 clients and python3-msrplib send headers that nobody else knows: they are kept", () => {
    const headers = `${SHORT}Keep-Alive: yes\r\nContent-ID: <1@x>\r\nContent-Disposition: attachment\r\n`;
    expect(only(bodiless("SEND", headers))).toMatchObject({ flaw: undefined, headerOctets: headers });
  });

  test("a SEND without Byte-Range or Message-ID can be read: the relay decides what they mean", () => {
    expect(
      only(`MSRP a786hjs2 SEND\r\n${SHORT}Content-Type: text/plain\r\n\r\nabcd\r\n-------a786hjs2$\r\n`),
    ).toMatchObject({ kind: "SEND", flaw: undefined, body: "abcd" });
  });

  test.each(["1-0/0", "0-0/0", "1-*/*", "1-4096/4096", "nonsense"])(
    "python3-msrplib and FreeSWITCH send Byte-Range %s whatever the body is: it plays no part in framing",
    (range) => {
      const headers = `${SHORT}Byte-Range: ${range}\r\n`;
      expect(only(bodiless("SEND", headers))).toMatchObject({ flaw: undefined, hasBody: false });
      expect(only(bodiless("SEND", `${headers}\r\nabcd\r\n`))).toMatchObject({ flaw: undefined, body: "abcd" });
    },
  );

  test("a REPORT without Message-ID, Byte-Range or Status can be read, to be passed on as it is", () => {
    expect(only(bodiless("REPORT"))).toMatchObject({ kind: "REPORT", flaw: undefined, headerOctets: SHORT });
  });

  test("a REPORT without any header can be read, and is PATH", () => {
    expect(only(bodiless("REPORT", ""))).toMatchObject({ kind: "REPORT", flaw: "PATH", headers: [] });
  });

  test.each([
    ["with a comment", "481 Session gone", 481, "Session gone"],
    ["without one", "200", 200, ""],
    ["with the space before none", "200 ", 200, ""],
    ["with a status nobody knows", "299", 299, ""],
    ["with another one", "999 What", 999, "What"],
    ["with none that could be", "000", 0, ""],
  ])("a response %s is a response", (_name, line, status, comment) => {
    expect(only(bodiless(line))).toMatchObject({ kind: "RESPONSE", status, comment, flaw: undefined });
  });

  test("FreeSWITCH gives a REPORT the transact-id of the SEND", () => {
    const { frames } = feedEveryWay(send("abcd") + bodiless("REPORT"));
    expect(frames).toMatchObject([
      { kind: "SEND", transactId: "a786hjs2", body: "abcd" },
      { kind: "REPORT", transactId: "a786hjs2" },
    ]);
  });

  test("python3-msrplib has a method FILE_OFFSET: the underscore is allowed", () => {
    expect(only(bodiless("FILE_OFFSET"))).toMatchObject({ kind: "OTHER", method: "FILE_OFFSET" });
  });

  test("URIs of other hops are kept to the octet, whatever their transport, host or letters", () => {
    const path =
      "msrps://Relay.Example.COM.:2855/aB;TCP msrps://df7jal23ls0d.invalid;ws " +
      "msrp://[2001:DB8::1%25eth0]:9/x;tcp;Z=1;a=2 msrp://user@10.0.0.1:2855/p;sctp";
    const frame = only(bodiless("SEND", `To-Path: ${path}\r\nFrom-Path: msrp://a;tcp\r\n`));
    expect(frame.headers[0]).toEqual(["To-Path", path]);
  });
});

describe("the Reader and its sink", () => {
  const recording = () => {
    const calls: string[] = [];
    const sink = {
      head: () => void calls.push("head"),
      body: (source: Uint8Array, start: number, end: number) => void calls.push(octetString(source, start, end)),
      end: (flag: number) => void calls.push(String.fromCharCode(flag)),
      lost: (fault: Fault) => void calls.push(fault),
    };
    return { calls, sink };
  };

  test("a frame in one read is told with its end in sight and its body in one piece", () => {
    const seen: [number, number][] = [];
    const { calls, sink } = recording();
    const reader = new Reader({ ...sink, head: (head) => seen.push([head.bodyInSight, head.flagInSight]) }, MAX_HEAD);
    reader.read(octets(send("abcd", "a786hjs2", "+") + bodiless("REPORT") + send("")));
    expect(seen).toEqual([
      [4, 0x2b],
      [0, 0x24],
      [0, 0x24],
    ]);
    expect(calls).toEqual(["abcd", "+", "$", "$"]);
  });

  test("a head that came in two reads still has the end in sight when the second holds it", () => {
    const seen: number[] = [];
    const { sink } = recording();
    const frame = octets(send("abcd"));
    for (let at = 1; at < frame.length - 30; at++) {
      const reader = new Reader({ ...sink, head: (head) => seen.push(head.bodyInSight) }, MAX_HEAD);
      for (const piece of cut(frame, at)) reader.read(piece);
    }
    expect(new Set(seen)).toEqual(new Set([4]));
  });

  test("a body is said to hold no seven dashes where that was seen on the way to its end", () => {
    const said = (body: string) => {
      const told: boolean[] = [];
      const { sink } = recording();
      const reader = new Reader({ ...sink, body: (_octets, _from, _to, dashless) => told.push(dashless) }, MAX_HEAD);
      reader.read(octets(send(body)));
      return told;
    };
    for (const body of ["a", "a".repeat(1000), `${"a".repeat(100)}\r\n`]) expect(said(body)).toEqual([true]);
    for (const body of ["-------", "--------", "a-------b", "\r\n-------a786hjs"]) expect(said(body)).toEqual([false]);
  });

  test("after stop nothing is told any more, from whichever call it came", () => {
    const frame = send("abcd") + send("efgh");
    for (const point of ["head", "body", "end"] as const) {
      for (const size of [1, 20, 1000]) {
        const { calls, sink } = recording();
        const stopping = { ...sink };
        const told = sink[point] as (...args: unknown[]) => void;
        stopping[point] = (...args: unknown[]) => {
          told(...args);
          reader.stop();
        };
        const reader = new Reader(stopping, MAX_HEAD);
        for (const piece of inPieces(octets(frame), size)) reader.read(piece);
        expect(calls.at(0)).toBe("head");
        expect(calls.length).toBe({ head: 1, body: 2, end: calls.length }[point]);
        if (point === "end") expect(calls.slice(1).join("")).toBe("abcd$");
      }
    }
  });

  test("once framing is lost, nothing is read or told any more", () => {
    const { calls, sink } = recording();
    const reader = new Reader(sink, MAX_HEAD);
    reader.read(octets("nonsense\r\n"));
    reader.read(octets(send("abcd")));
    expect(calls).toEqual(["START_LINE"]);
    expect(reader.idle).toBe(false);
  });

  test("it is idle between frames and nowhere else", () => {
    const { sink } = recording();
    const reader = new Reader(sink, MAX_HEAD);
    const frame = octets(send("abcd"));
    for (let i = 0; i < frame.length; i++) {
      expect(reader.idle).toBe(i === 0);
      reader.read(frame.subarray(i, i + 1));
    }
    expect(reader.idle).toBe(true);
  });

  test("what others read in the middle of a frame changes nothing about it", () => {
    const frames = ["alice", "bob", "carol"].map((name, i) =>
      octets(send(`from ${name} -------\r`, `id-of-${name}`) + bodiless("200 OK", SHORT, `answer${i}`)),
    );
    const alone = frames.map((frame) => readPieces([frame]));
    for (const size of [1, 2, 7, 40]) {
      const recorders = frames.map(() => new Recorder());
      const readers = recorders.map((recorder) => new Reader(recorder, MAX_HEAD));
      for (let at = 0; frames.some((frame) => at < frame.length); at += size) {
        frames.forEach((frame, i) => readers[i]?.read(frame.slice(at, at + size)));
      }
      expect(recorders.map((recorder) => recorder.frames)).toEqual(alone.map((reading) => reading.frames));
    }
  });

  test("losing the framing always closes the connection", () => {
    const lost: Fault[] = ["START_LINE", "HEADER_LINE", "HEAD_TOO_LONG"];
    expect(lost.map((fault) => faults[fault].then)).toEqual(["close", "close", "close"]);
  });
});
