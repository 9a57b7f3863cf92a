import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PARAMETERS, MAX_VALUE, quoted, readParameters } from "../../../core/auth/parameters.ts";
import { MisuseError } from "../../../core/ports.ts";
import { octetString } from "./octet-string.ts";

/** As plain data: [scheme, { name: value }]. */
function read(value: string): [string, Record<string, string>][] | undefined {
  return readParameters(value)?.map(({ scheme, values }) => [scheme, Object.fromEntries(values)]);
}

describe("a header of authentication parameters", () => {
  test.each<[string, string, [string, Record<string, string>][]]>([
    ["RFC 4976 §5.1", 'Digest realm="a", qop="auth"', [["digest", { realm: "a", qop: "auth" }]]],
    ["no scheme, as Authentication-Info", 'nextnonce="n", qop=auth', [["", { nextnonce: "n", qop: "auth" }]]],
    ["white space around = and ,", '  Digest \t a = "b" ,\tc\t=\td  ', [["digest", { a: "b", c: "d" }]]],
    ["no white space at all", "Digest a=b,c=d", [["digest", { a: "b", c: "d" }]]],
    ["any case of scheme and names", "DIGEST Realm=A", [["digest", { realm: "A" }]]],
    ["escapes", String.raw`Digest a="b\"c\\d\e"`, [["digest", { a: 'b"c\\de' }]]],
    ["separators within quotes", 'Digest a="b, c=d", e=f', [["digest", { a: "b, c=d", e: "f" }]]],
    ["an empty quoted-string", 'Digest a=""', [["digest", { a: "" }]]],
    ["octets above ASCII", 'Digest a="\xc3\xa4"', [["digest", { a: "\xc3\xa4" }]]],
    [
      "several challenges in one line",
      "Digest a=1, b=2, Basic a=3, Digest a=4",
      [
        ["digest", { a: "1", b: "2" }],
        ["basic", { a: "3" }],
        ["digest", { a: "4" }],
      ],
    ],
  ])("%s", (_, value, expected) => {
    expect(read(value)).toEqual(expected);
  });

  test.each([
    ["nothing", ""],
    ["only white space", "  "],
    ["a scheme alone", "Digest"],
    ["a scheme and a space", "Digest "],
    ["a scheme with a token68", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
    ["no value", "Digest a="],
    ["no name", '="b"'],
    ["a trailing comma", "Digest a=b,"],
    ["an empty element", "Digest a=b,,c=d"],
    ["no comma", "Digest a=b c=d"],
    ["an open quote", 'Digest a="b'],
    ["an escaped closing quote", String.raw`Digest a="b\"`],
    ["text behind the quote", 'Digest a="b"c'],
    ["a control character", 'Digest a="b\x00"'],
    ["a line break", 'Digest a="b\r\nX: y"'],
    ["an escaped line break", 'Digest a="b\\\nc"'],
    ["a character that is no octet", 'Digest a="\u0100"'],
    ["a parameter twice", "Digest a=b, a=b"],
    ["a parameter twice in two cases", "Digest a=b, A=b"],
  ])("malformed: %s", (_, value) => {
    expect(read(value)).toBeUndefined();
  });

  test("has bounds", () => {
    const list = (count: number) => `Digest ${Array.from({ length: count }, (_, i) => `p${i}=v`).join(",")}`;
    expect(read(list(MAX_PARAMETERS))).toBeDefined();
    expect(read(list(MAX_PARAMETERS + 1))).toBeUndefined();
    expect(read(`Digest a=${"b".repeat(MAX_VALUE - 9)}`)).toBeDefined();
    expect(read(`Digest a=${"b".repeat(MAX_VALUE - 8)}`)).toBeUndefined();
  });
});

test("what is quoted reads back", () => {
  const legal = fc.constantFrom(...Array.from('\t !"#\\,=azAZ09~\x80\xc3\xff'));
  fc.assert(
    fc.property(fc.string({ unit: legal, maxLength: 200 }), (text) => {
      expect(read(`Digest a=${quoted(text)}, b=c`)).toEqual([["digest", { a: text, b: "c" }]]);
    }),
  );
});

test.each(["\r\n", "\x00", "\x7f", "\u0100"])("writing %j is our own mistake", (text) => {
  expect(() => quoted(text)).toThrow(MisuseError);
});

test("any characters are parameters or a fault, never a throw", () => {
  const near = fc.constantFrom("Digest ", "realm", "=", '"', ",", " ", "\\", "a", "\t", "\r", "\x80", "\u1234");
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: near }), octetString), (value) => {
      for (const { values } of readParameters(value) ?? []) expect(values.size).toBeGreaterThan(0);
    }),
  );
});
