/** The examples of RFC 4975 and RFC 4976, octet for octet: read in every way, and written again. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { octetString, octets } from "../../../core/bytes/octets.ts";
import { Scratch } from "../../../core/bytes/scratch.ts";
import { readByteRange } from "../../../core/codec/byte-range.ts";
import { parsePath } from "../../../core/codec/path.ts";
import { writeEndLine, writeHeader, writeRequestLine, writeStatusLine } from "../../../core/codec/writer.ts";
import type { Fault } from "../../../core/faults.ts";
import { feedEveryWay, inPieces, type ReadFrame, readPieces } from "../../support/feed-every-way.ts";

const wire = new URL("../../wire/", import.meta.url);

interface Example {
  /** Path below test/wire, without .msrp */
  file: string;
  kind: ReadFrame["kind"];
  id: string;
  status?: number;
  toPath?: number; // URIs in it
  fromPath?: number;
  /** Octets between the blank line and the end-line's CRLF. */
  body?: number;
  /** Octets that Byte-Range claims, where it says so and is wrong. */
  claimed?: number;
  flag?: "$" | "+" | "#";
  flaw?: Fault;
}

const examples: Example[] = [
  { file: "rfc4975/4-send", kind: "SEND", id: "a786hjs2", body: 23, claimed: 25 },
  { file: "rfc4975/4-200", kind: "RESPONSE", id: "a786hjs2", status: 200 },
  { file: "rfc4975/5.1-first", kind: "SEND", id: "dkei38sd", body: 4, flag: "+", flaw: "PATH", toPath: 0, fromPath: 0 },
  { file: "rfc4975/5.1-second", kind: "SEND", id: "dkei38ia", body: 4, flaw: "PATH", toPath: 0, fromPath: 0 },
  { file: "rfc4975/11.1-4-send", kind: "SEND", id: "d93kswow", body: 14, claimed: 16 },
  { file: "rfc4975/11.1-5-200", kind: "RESPONSE", id: "d93kswow", status: 200 },
  { file: "rfc4975/11.1-6-send", kind: "SEND", id: "dkei38sd", body: 20, claimed: 21 },
  { file: "rfc4975/11.1-7-200", kind: "RESPONSE", id: "dkei38sd", status: 200 },
  { file: "rfc4975/11.2-xhtml", kind: "SEND", id: "dsdfoe38sd", body: 384, claimed: 374 },
  { file: "rfc4975/11.4-first", kind: "SEND", id: "d93kswow", body: 137, flag: "+" },
  { file: "rfc4975/11.4-second", kind: "SEND", id: "op2nc9a", body: 10, claimed: 11 },
  { file: "rfc4975/11.5-system", kind: "SEND", id: "d93kswow", body: 37, claimed: 38 },
  { file: "rfc4975/11.6-send", kind: "SEND", id: "d93kswow", body: 121, claimed: 106 },
  { file: "rfc4975/11.6-report", kind: "REPORT", id: "dkei38sd" },
  { file: "rfc4976/3-alice-send", kind: "SEND", id: "6aef", toPath: 3, body: 39 },
  { file: "rfc4976/3-a-200", kind: "RESPONSE", id: "6aef", status: 200 },
  { file: "rfc4976/3-a-send", kind: "SEND", id: "juh76", toPath: 2, fromPath: 2, body: 39 },
  { file: "rfc4976/3-b-200", kind: "RESPONSE", id: "juh76", status: 200 },
  { file: "rfc4976/3-b-send", kind: "SEND", id: "xght6", fromPath: 3, body: 39 },
  { file: "rfc4976/3-bob-report", kind: "REPORT", id: "yh67", toPath: 3 },
  { file: "rfc4976/3-b-report", kind: "REPORT", id: "yh67", toPath: 2, fromPath: 2 },
  { file: "rfc4976/3-a-report", kind: "REPORT", id: "yh67", fromPath: 3 },
  { file: "rfc4976/5.1-intra-auth", kind: "AUTH", id: "49fh" },
  { file: "rfc4976/5.1-intra-401", kind: "RESPONSE", id: "49fh", status: 401 },
  { file: "rfc4976/5.1-intra-retry", kind: "AUTH", id: "49fi" },
  { file: "rfc4976/5.1-intra-200", kind: "RESPONSE", id: "49fi", status: 200 },
  { file: "rfc4976/5.1-extra-auth", kind: "AUTH", id: "mnbvw", toPath: 2 },
  { file: "rfc4976/5.1-extra-auth-forwarded", kind: "AUTH", id: "m2nbvw", fromPath: 2 },
  { file: "rfc4976/5.1-extra-401", kind: "RESPONSE", id: "m2nbvw", status: 401, toPath: 2 },
  { file: "rfc4976/5.1-extra-401-forwarded", kind: "RESPONSE", id: "mnbvw", status: 401, fromPath: 2 },
  { file: "rfc4976/5.1-extra-retry", kind: "AUTH", id: "m3nbvx", toPath: 2 },
  { file: "rfc4976/5.1-extra-retry-forwarded", kind: "AUTH", id: "m4nbvx", fromPath: 2 },
  { file: "rfc4976/5.1-extra-200", kind: "RESPONSE", id: "m4nbvx", status: 200, toPath: 2 },
  { file: "rfc4976/5.1-extra-200-forwarded", kind: "RESPONSE", id: "m3nbvx", status: 200, fromPath: 2 },
];

describe("the RFCs' own examples", () => {
  test("are all in the table, or have a test of their own", () => {
    const files = ["rfc4975", "rfc4976"].flatMap((folder) =>
      readdirSync(new URL(folder, wire)).map((name) => `${folder}/${name.replace(/\.msrp$/, "")}`),
    );
    expect(files.sort()).toEqual([...examples.map(({ file }) => file), "rfc4976/3-bob-200"].sort());
  });

  test.each(examples)("$file is read as one frame, however it is cut", (example) => {
    const { frames, lost, idle } = feedEveryWay(load(example.file));
    expect({ lost, idle, count: frames.length }).toEqual({ lost: undefined, idle: true, count: 1 });
    const frame = frames[0] as ReadFrame;
    expect(frame).toMatchObject({
      kind: example.kind,
      transactId: example.id,
      status: example.status ?? 0,
      flaw: example.flaw,
      flag: example.flag ?? "$",
      hasBody: example.body !== undefined,
    });
    expect(frame.body.length).toBe(example.body ?? 0);
    expect(uris(frame, "To-Path")).toBe(example.toPath ?? 1);
    expect(uris(frame, "From-Path")).toBe(example.fromPath ?? 1);
  });

  test.each(examples)("$file is written to the same octets", ({ file }) => {
    const { frames } = feedEveryWay(load(file));
    expect(write(frames[0] as ReadFrame)).toBe(octetString(load(file)));
  });

  test.each(examples.filter(({ claimed }) => claimed !== undefined))(
    "$file claims another length than it has, and the end-line is believed (RFC 4975 §7.3.1)",
    ({ file, claimed, body }) => {
      const value = octets(header(feedEveryWay(load(file)).frames[0] as ReadFrame, "Byte-Range"));
      const range = readByteRange(value, 0, value.length);
      expect(range && range.end - range.start + 1).toBe(claimed);
      expect(claimed).not.toBe(body);
    },
  );

  test("rfc4976/3-bob-200 lacks its end-line: nothing is told before one comes", () => {
    expect(feedEveryWay(load("rfc4976/3-bob-200"))).toEqual({ frames: [], lost: undefined, idle: false });
    const completed = octetString(load("rfc4976/3-bob-200")) + "-------xght6$\r\n";
    expect(feedEveryWay(completed).frames).toMatchObject([{ kind: "RESPONSE", status: 200, flag: "$" }]);
  });

  test("rfc4976/3-bob-200 lacks its end-line: the REPORT behind it is no header, and framing is lost", () => {
    const both = octetString(load("rfc4976/3-bob-200")) + octetString(load("rfc4976/3-bob-report"));
    expect(feedEveryWay(both)).toEqual({ frames: [], lost: "HEADER_LINE", idle: false });
  });

  test("are read one behind the other, in reads of any size", () => {
    const all = octets(examples.map(({ file }) => octetString(load(file))).join(""));
    for (const size of [1, 2, 3, 7, 64, 509, 1460, all.length]) {
      const { frames, lost } = readPieces(inPieces(all, size));
      expect(lost).toBeUndefined();
      expect(frames.map(({ transactId, flag }) => transactId + flag)).toEqual(
        examples.map(({ id, flag = "$" }) => id + flag),
      );
    }
  });
});

function load(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${file}.msrp`, wire)));
}

function header(frame: ReadFrame, name: string): string {
  return frame.headers.find(([given]) => given === name)?.[1] ?? "";
}

/** How many URIs a path has; -1 when it cannot be read. */
function uris(frame: ReadFrame, name: string): number {
  const value = header(frame, name);
  return value === "" ? 0 : (parsePath(value)?.uris.length ?? -1);
}

/** The frame through the writer. */
function write(frame: ReadFrame): string {
  const to = new Scratch();
  if (frame.kind === "RESPONSE") writeStatusLine(to, frame.transactId, frame.status, frame.comment);
  else writeRequestLine(to, frame.transactId, frame.method);
  for (const [name, value] of frame.headers) writeHeader(to, name, value);
  if (frame.hasBody) to.text("\r\n").text(frame.body);
  writeEndLine(to, frame.transactId, frame.flag.charCodeAt(0), frame.hasBody);
  return octetString(to.take());
}
