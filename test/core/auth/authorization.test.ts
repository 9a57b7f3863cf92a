import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Authorization, readAuthorization, writeAuthorization } from "../../../core/auth/authorization.ts";

const uri = "msrps://alice@intra.example.com;tcp";

/** RFC 4976 §5.1, with the digest of RFC 2617 that stands there. */
const example: Record<string, string> = {
  username: '"Alice"',
  realm: '"intra.example.com"',
  nonce: '"dcd98b7102dd2f0e8b11d0f600bfb0c093"',
  qop: "auth",
  nc: "00000001",
  cnonce: '"0a4f113b"',
  response: '"6629fae49393a05397450978507c4ef1"',
};

const claim: Authorization = {
  username: "Alice",
  realm: "intra.example.com",
  nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
  nc: "00000001",
  cnonce: "0a4f113b",
  response: "6629fae49393a05397450978507c4ef1",
  algorithm: "MD5",
  opaque: undefined,
};

/** The example with some parameters changed or (undefined) left out. */
function header(changes: Record<string, string | undefined> = {}, separator = ", "): string {
  const parameters = Object.entries({ ...example, ...changes }).filter(([, value]) => value !== undefined);
  return `Digest ${parameters.map(([name, value]) => `${name}=${value}`).join(separator)}`;
}

describe("an Authorization that is read", () => {
  test.each<[string, string, Partial<Authorization>]>([
    ["RFC 4976 §5.1: no uri", header(), {}],
    ["RFC 7977 §8.1.2: a uri, which is the rightmost of To-Path", header({ uri: `"${uri}"` }), {}],
    ["python3-msrplib: qop and nc quoted", header({ qop: '"auth"', nc: '"00000001"' }), {}],
    ["algorithm quoted", header({ algorithm: '"MD5"' }), {}],
    ["algorithm in lower case", header({ algorithm: "sha-256" }), { algorithm: "SHA-256" }],
    ["an algorithm we do not know", header({ algorithm: "SHA3" }), { algorithm: undefined }],
    ["a -sess variant: none that we know", header({ algorithm: "MD5-sess" }), { algorithm: undefined }],
    ["commas without space", header({}, ","), {}],
    ["white space around commas", header({}, " \t,\t "), {}],
    ["opaque", header({ opaque: '"5ccc069c"' }), { opaque: "5ccc069c" }],
    ["an empty opaque", header({ opaque: '""' }), { opaque: "" }],
    ["parameters we do not know", header({ auth_param: "x", userhash: "false" }), {}],
    ["an escape in the username", header({ username: String.raw`"Al\"ice"` }), { username: 'Al"ice' }],
    ["a UTF-8 username", header({ username: '"J\xc3\xa4s\xc3\xb8n"' }), { username: "J\xc3\xa4s\xc3\xb8n" }],
    [
      "hex digits in upper case",
      header({ nc: "0000000A", response: `"${"AB".repeat(16)}"` }),
      {
        nc: "0000000A",
        response: "ab".repeat(16),
      },
    ],
    ["a response of SHA-256", header({ response: `"${"ab".repeat(32)}"` }), { response: "ab".repeat(32) }],
  ])("%s", (_, value, expected) => {
    expect(readAuthorization(value, uri)).toEqual({ ...claim, ...expected });
  });

  test("with its parameters in any order", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Object.entries(example), { minLength: 7 }), (shuffled) => {
        const value = `Digest ${shuffled.map(([name, text]) => `${name}=${text}`).join(", ")}`;
        expect(readAuthorization(value, uri)).toEqual(claim);
      }),
    );
  });
});

describe("an Authorization that is malformed", () => {
  test.each([
    ...Object.keys(example).map((name) => [`no ${name}`, header({ [name]: undefined })]),
    ...["username", "realm", "nonce", "cnonce", "response"].map((name) => [`empty ${name}`, header({ [name]: '""' })]),
    ["Basic (RFC 4976 §9.1)", "Basic QWxpY2U6c2VjcmV0"],
    ["Basic in the clothes of Digest", header().replace("Digest", "Basic")],
    ["no scheme", header().slice("Digest ".length)],
    ["a parameter before the scheme", `a=b, ${header()}`],
    ["two schemes", `${header()}, ${header()}`],
    ["auth-int (RFC 4976 §9.1)", header({ qop: "auth-int" })],
    ["a list of qops", header({ qop: '"auth,auth-int"' })],
    ["nc of seven digits", header({ nc: "0000001" })],
    ["nc of nine digits", header({ nc: "000000001" })],
    ["nc that is not hex", header({ nc: "0000000g" })],
    ["nc zero: the count includes this request", header({ nc: "00000000" })],
    ["a response of 31 digits", header({ response: `"${"a".repeat(31)}"` })],
    ["a response of 48 digits", header({ response: `"${"a".repeat(48)}"` })],
    ["a response that is not hex", header({ response: `"${"g".repeat(32)}"` })],
    ["a parameter twice", `${header()}, nonce="other"`],
    ["uri of another user", header({ uri: '"msrps://bob@intra.example.com;tcp"' })],
    ["uri in another spelling (octet for octet)", header({ uri: `"${uri.toUpperCase()}"` })],
    ["an empty uri", header({ uri: '""' })],
    ["a line break within a quoted-string", header({ cnonce: '"a\r\nX: y"' })],
  ] as [string, string][])("%s", (_, value) => {
    expect(readAuthorization(value, uri)).toBeUndefined();
  });
});

describe("an Authorization that is written", () => {
  test("looks as in RFC 4976 §5.1", () => {
    expect(writeAuthorization(claim, { withAlgorithm: false })).toBe(
      'Digest username="Alice", realm="intra.example.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
        'qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1"',
    );
  });

  test("reads back", () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from('a"\\, =\xc3\xa4')), minLength: 1 });
    fc.assert(
      fc.property(
        fc.record({
          username: text,
          realm: text,
          nonce: text,
          cnonce: text,
          nc: fc.integer({ min: 1, max: 0xffffffff }).map((count) => count.toString(16).padStart(8, "0")),
          response: fc.constantFrom("0123456789abcdef".repeat(2), "0123456789abcdef".repeat(4)),
          algorithm: fc.constantFrom("MD5" as const, "SHA-256" as const, "SHA-512-256" as const),
          opaque: fc.option(text, { nil: undefined }),
        }),
        fc.option(fc.constant(uri), { nil: undefined }),
        (any, ownUri) => {
          const written = writeAuthorization(any, { withAlgorithm: true, uri: ownUri });
          expect(readAuthorization(written, uri)).toEqual(any);
        },
      ),
    );
  });
});
