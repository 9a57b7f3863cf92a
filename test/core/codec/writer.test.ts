/** What we write ourselves, octet for octet (RFC 4975 §9), and that the reader takes it. */
import { describe, expect, test } from "vitest";
import { octetString } from "../../../core/bytes/octets.ts";
import { Scratch } from "../../../core/bytes/scratch.ts";
import { comment, writeEndLine, writeHeader, writeRequestLine, writeStatusLine } from "../../../core/codec/writer.ts";
import { consequence, type Fault, faults } from "../../../core/faults.ts";
import { feedEveryWay } from "../../support/feed-every-way.ts";

function written(write: (to: Scratch) => void): string {
  const to = new Scratch(1);
  write(to);
  return octetString(to.take());
}

describe("the writer", () => {
  const table: [name: string, write: (to: Scratch) => void, expected: string][] = [
    ["a request line", (to) => writeRequestLine(to, "a786hjs2", "SEND"), "MSRP a786hjs2 SEND\r\n"],
    ["a status line", (to) => writeStatusLine(to, "a786hjs2", 200, "OK"), "MSRP a786hjs2 200 OK\r\n"],
    ["a status line without a comment", (to) => writeStatusLine(to, "a786hjs2", 299, ""), "MSRP a786hjs2 299\r\n"],
    ["a header", (to) => writeHeader(to, "Expires", "900"), "Expires: 900\r\n"],
    ["an empty header", (to) => writeHeader(to, "X", ""), "X: \r\n"],
    ["octets above ASCII as they are", (to) => writeHeader(to, "X", "\xc3\xa9"), "X: \xc3\xa9\r\n"],
    ["an end-line", (to) => writeEndLine(to, "a786hjs2", 0x24, false), "-------a786hjs2$\r\n"],
    ["an end-line behind a body", (to) => writeEndLine(to, "a786hjs2", 0x2b, true), "\r\n-------a786hjs2+\r\n"],
  ];
  test.each(table)("writes %s", (_name, write, expected) => {
    expect(written(write)).toBe(expected);
  });

  test("writes frames that read back, with a body and without", () => {
    for (const body of [undefined, "", "abcd", "\r\n", "\r\n-------dkei38sd$\r\n"]) {
      const text = written((to) => {
        writeRequestLine(to, "a786hjs2", "SEND");
        writeHeader(to, "To-Path", "msrp://r;tcp");
        writeHeader(to, "From-Path", "msrp://a;tcp");
        if (body !== undefined) to.text("\r\n").text(body);
        writeEndLine(to, "a786hjs2", 0x23, body !== undefined);
      });
      const { frames } = feedEveryWay(text);
      expect(frames).toMatchObject([
        { method: "SEND", flaw: undefined, hasBody: body !== undefined, body: body ?? "", flag: "#" },
      ]);
    }
  });
});

describe("the reason phrases", () => {
  test("are there for every status that a fault is answered with", () => {
    const answered = (Object.keys(faults) as Fault[]).map((fault) => consequence(fault).status);
    expect(answered.filter((status) => status !== undefined && comment(status) === "")).toEqual([]);
  });

  test("are missing for what nobody defined", () => {
    expect(comment(299)).toBe("");
  });
});
