/** The head as those who forward see it: offsets into borrowed octets, wherever the head begins in them. */
import { describe, expect, test } from "vitest";
import { octetString, octets } from "../../../core/bytes/octets.ts";
import type { Head } from "../../../core/codec/head.ts";
import {
  BYTE_RANGE,
  FROM_PATH,
  MESSAGE_ID,
  OTHER,
  STATUS,
  TO_PATH,
  WWW_AUTHENTICATE,
} from "../../../core/codec/header.ts";
import { Reader } from "../../../core/codec/reader.ts";
import { cut, MAX_HEAD } from "../../support/feed-every-way.ts";

const headers =
  "To-Path: msrp://r;tcp\r\nX-A:1\r\nFrom-Path:  msrp://a;tcp \r\nX-B: 2\r\nMessage-ID: 1234\r\n" +
  "WWW-Authenticate: Digest a=b\r\nwww-authenticate: Digest c=d\r\n";
const frame = `MSRP a786hjs2 401 Who are you?\r\n${headers}-------a786hjs2$\r\n`;

/** Looks at every head that comes of these reads. */
function look(pieces: readonly Uint8Array[], see: (head: Head) => void): void {
  let ends = 0;
  const reader = new Reader({ head: see, body: () => {}, end: () => void ends++, lost: () => {} }, MAX_HEAD);
  for (const piece of pieces) reader.read(piece);
  expect(ends).toBeGreaterThan(0);
}

/** First, behind another frame, and held over from an earlier read. */
const situations: [name: string, pieces: Uint8Array[]][] = [
  ["at the beginning of a read", [octets(frame)]],
  ["behind another frame", [octets(frame + frame)]],
  ["held over from an earlier read", cut(octets(frame + frame), frame.length + 40)],
  ["held over through many reads", cut(octets(frame), 1, 2, 3, 30, 31, 100, 130)],
];

describe.each(situations)("a head %s", (_name, pieces) => {
  test("gives values of headers by number", () => {
    look(pieces, (head) => {
      expect(head.value(TO_PATH)).toBe("msrp://r;tcp");
      expect(head.value(FROM_PATH)).toBe("msrp://a;tcp");
      expect(head.value(STATUS)).toBeUndefined();
      expect([head.has(MESSAGE_ID), head.has(BYTE_RANGE)]).toEqual([true, false]);
      expect(head.values(WWW_AUTHENTICATE)).toEqual(["Digest a=b", "Digest c=d"]);
      expect(head.values(TO_PATH)).toEqual(["msrp://r;tcp"]);
      expect(head.values(OTHER)).toEqual(["1", "2"]);
      expect(head.values(BYTE_RANGE)).toEqual([]);
      expect([head.lineOf(MESSAGE_ID), head.lineOf(BYTE_RANGE)]).toEqual([4, -1]);
      expect(octetString(head.octets, head.startOf(MESSAGE_ID), head.endOf(MESSAGE_ID))).toBe("1234");
    });
  });

  test("gives the start line", () => {
    look(pieces, (head) => {
      expect(head.transactId()).toBe("a786hjs2");
      expect(head.method()).toBe("401");
      expect(head.status).toBe(401);
      expect(head.comment()).toBe("Who are you?");
    });
  });

  test("gives its lines so that together they are the octets of the wire", () => {
    look(pieces, (head) => {
      let lines = "";
      for (let line = 0; line < head.headerCount; line++) {
        lines += octetString(
          head.octets,
          head.base + (head.lineStarts[line] as number),
          head.base + (head.lineEnds[line] as number),
        );
      }
      expect(lines).toBe(headers);
      expect(head.end).toBe(frame.indexOf("-------"));
    });
  });

  test("compares a value with a copy, octet for octet", () => {
    look(pieces, (head) => {
      expect(head.valueIs(MESSAGE_ID, octets("1234"))).toBe(true);
      expect(head.valueIs(MESSAGE_ID, octets("1235"))).toBe(false);
      expect(head.valueIs(MESSAGE_ID, octets("123"))).toBe(false);
      expect(head.valueIs(MESSAGE_ID, octets("12345"))).toBe(false);
    });
  });
});

test("nothing of one head is left in the next", () => {
  const seen: unknown[] = [];
  const bare = "MSRP bbbb REPORT\r\nFrom-Path: msrp://a;tcp\r\n-------bbbb$\r\n";
  look([octets(frame + bare)], (head) => {
    seen.push([
      head.status,
      head.comment(),
      head.value(TO_PATH),
      head.values(WWW_AUTHENTICATE).length,
      head.headerCount,
    ]);
  });
  expect(seen[1]).toEqual([0, "", undefined, 0, 1]);
});
