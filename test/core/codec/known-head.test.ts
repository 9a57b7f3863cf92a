/**
 * A head like one before it means what it says and not what that one said: whatever differs, the Reader tells the same as
 * one that never knew the other. Octet by octet no head is ever all there when it begins, so none is compared.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import type { Head } from "../../../core/codec/head.ts";
import { Reader } from "../../../core/codec/reader.ts";
import { inPieces, MAX_HEAD, type Reading, readPieces } from "../../support/feed-every-way.ts";

const paths = "To-Path: msrps://r:1/lease1;tcp msrps://b:2/bob;tcp\r\nFrom-Path: msrps://a:3/alice;tcp\r\n";

interface Said {
  id?: string;
  method?: string;
  paths?: string;
  lines?: string[];
  body?: string | undefined;
  flag?: string;
}

function frame(said: Said): string {
  const { id = "tid1", method = "SEND", lines = ["Message-ID: m1", "Byte-Range: 1-5/5", "Content-Type: a/b"] } = said;
  const body = "body" in said ? said.body : "hello";
  const head = `MSRP ${id} ${method}\r\n${said.paths ?? paths}${lines.map((line) => `${line}\r\n`).join("")}`;
  return `${head}${body === undefined ? "" : `\r\n${body}\r\n`}-------${id}${said.flag ?? "$"}\r\n`;
}

/** What a Reader that knows the frames before makes of each, and what one that does not. */
function bothWays(text: string): { knowing: Reading; unknowing: Reading } {
  const all = octets(text);
  // In the middle of a pool, as Node reads.
  const pool = Buffer.alloc(all.length + 20, 0x2d);
  pool.set(all, 13);
  return {
    knowing: readPieces([pool.subarray(13, 13 + all.length)]),
    unknowing: readPieces(inPieces(all, 1)),
  };
}

function expectSame(text: string): Reading {
  const { knowing, unknowing } = bothWays(text);
  expect(knowing).toEqual(unknowing);
  return knowing;
}

const first = frame({});
const strange: [string, Said][] = [
  ["nothing but its transact-id", { id: "tid2" }],
  ["a longer transact-id", { id: "tid-number-three" }],
  ["a transact-id of 33 characters", { id: "t".repeat(33) }],
  ["a transact-id of 3 characters", { id: "tid" }],
  ["the last octet of its To-Path", { paths: paths.replace("bob;tcp", "bob;tcq") }],
  ["one octet of its From-Path", { paths: paths.replace("alice", "alicf") }],
  ["a shorter From-Path", { paths: paths.replace("alice", "ali") }],
  ["a NUL in its To-Path", { paths: paths.replace("bob;tcp", "bob;tc\0") }],
  ["an octet above ASCII in its To-Path", { paths: paths.replace("bob", "b\xffb") }],
  ["its method", { method: "SENT" }],
  ["its method, which is REPORT", { method: "REPORT" }],
  ["another Message-ID", { lines: ["Message-ID: m2", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["a longer Message-ID", { lines: ["Message-ID: m1000", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["an empty Message-ID", { lines: ["Message-ID: ", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["white space around its Message-ID", { lines: ["Message-ID:  m1 ", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["a control character in its Message-ID", { lines: ["Message-ID: m\x01", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["a bare CR in its Message-ID", { lines: ["Message-ID: m\r1", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["a bare LF in its Message-ID", { lines: ["Message-ID: m\n1", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["a longer Byte-Range", { lines: ["Message-ID: m1", "Byte-Range: 1-500/*", "Content-Type: a/b"] }],
  ["both values", { lines: ["Message-ID: mm1", "Byte-Range: 1-500/*", "Content-Type: a/b"] }],
  ["no Byte-Range", { lines: ["Message-ID: m1", "Content-Type: a/b"] }],
  ["a line more", { lines: ["Message-ID: m1", "Byte-Range: 1-5/5", "Content-Type: a/b", "X-Y: z"] }],
  ["a second Message-ID", { lines: ["Message-ID: m1", "Byte-Range: 1-5/5", "Content-Type: a/b", "Message-ID: m2"] }],
  ["the order of its lines", { lines: ["Byte-Range: 1-5/5", "Message-ID: m1", "Content-Type: a/b"] }],
  ["the case of a name", { lines: ["message-id: m1", "Byte-Range: 1-5/5", "Content-Type: a/b"] }],
  ["no body", { body: undefined }],
  ["an empty body", { body: "" }],
  ["a body that begins like an end-line", { body: "-------tid1$" }],
  ["another flag", { flag: "+" }],
];

describe("a head like the last one but for", () => {
  test.each(strange)("%s", (_what, said) => {
    const { frames } = expectSame(first + frame(said) + first);
    expect(frames.length).toBeGreaterThan(0);
    expectSame(frame(said) + first + frame(said));
  });

  test("its length, which is above the limit", () => {
    const long = frame({ lines: [`Message-ID: ${"m".repeat(MAX_HEAD)}`, "Byte-Range: 1-5/5", "Content-Type: a/b"] });
    expect(expectSame(first + long).lost).toBe("HEAD_TOO_LONG");
  });
});

describe("a response like the last one", () => {
  const response = (said: Said = {}) => frame({ method: "200 OK", lines: [], body: undefined, ...said });
  test.each<[string, Said]>([
    ["is a response", {}],
    ["with another status", { method: "400 OK" }],
    ["with another comment", { method: "200 Ok" }],
    ["with a longer id", { id: "tid1tid1tid1" }],
    ["with the flag of no response", { flag: "+" }],
    ["with a line more", { lines: ["Use-Path: msrps://x;tcp"] }],
    ["with a body", { body: "hello" }],
  ])("%s", (_what, said) => {
    expectSame(response() + response(said) + response() + first + response(said));
  });

  test("and an end-line that is not its own is an error all the same", () => {
    const other = response().replace("-------tid1", "-------tid2");
    expect(expectSame(response() + other).lost).toBe("HEADER_LINE");
  });
});

test("heads that take turns are each told as they are", () => {
  const one = [
    first,
    frame({ paths: paths.replace("bob", "eve") }),
    frame({ method: "200 OK", lines: [], body: undefined }),
  ];
  expect(expectSame(one.join("").repeat(40)).frames).toHaveLength(120);
});

test("what a sink has found out about a head comes back with the next one like it, and with no other", () => {
  const memos: unknown[] = [];
  const head = (told: Head) => {
    memos.push(told.memo);
    told.memo = memos.length;
  };
  const reader = new Reader({ head, body: () => {}, end: () => {}, lost: () => {} }, MAX_HEAD);
  const other = frame({ paths: paths.replace("bob", "eve") });
  const auth = frame({ method: "AUTH", lines: [], body: undefined });
  reader.read(
    octets(first + frame({ id: "tid2" }) + auth + auth + frame({ id: "tid3", body: "more" }) + other + first),
  );
  expect(memos).toEqual([undefined, 1, undefined, undefined, 2, undefined, undefined]);
});

test("whatever differs between heads that are nearly alike, each is told as by a reader that knows none", () => {
  const one = fc.record({
    said: fc.constantFrom<Said>({}, { id: "tid2" }, ...strange.map(([, said]) => said), {
      method: "200 OK",
      lines: [],
    }),
    at: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
    octet: fc.nat(255),
  });
  fc.assert(
    fc.property(fc.array(one, { minLength: 2, maxLength: 8 }), (all) => {
      const text = all.map(({ said, at, octet }) => {
        const text = frame(said);
        if (at === null) return text;
        const place = Math.floor(at * text.length);
        return text.slice(0, place) + String.fromCharCode(octet) + text.slice(place + 1);
      });
      expectSame(text.join(""));
    }),
    { numRuns: Number(process.env["FUZZ_RUNS"] ?? 300) },
  );
});
