import { describe, expect, test } from "vitest";
import { disposition, freeNames, nameIn } from "../../adapters/cli/file-name.ts";

/** The header as it comes, octets shown as characters, and the name we use for the file. */
const names: readonly [string, string, string | undefined][] = [
  ["a quoted name", 'attachment; filename="photo.jpg"', "photo.jpg"],
  ["a bare name", "attachment; filename=photo.jpg; size=5", "photo.jpg"],
  ["a name with a quoted pair", 'attachment; filename="a\\"b.txt"', "a_b.txt"],
  ["a path upwards", 'attachment; filename="../../etc/passwd"', "passwd"],
  ["a path of another system", 'attachment; filename="C:\\\\Users\\\\x.exe"', "x.exe"],
  ["a hidden file", 'attachment; filename=".bashrc"', "bashrc"],
  ["the folder itself", 'attachment; filename=".."', undefined],
  ["nothing", 'attachment; filename=""', undefined],
  ["no name", "render", undefined],
  ["an escape sequence", 'attachment; filename="a\u001b[2Jb"', "a_[2Jb"],
  ["a line end that turns the line", 'attachment; filename="a\u00e2\u0080\u00aegpj.exe"', "a_gpj.exe"],
  ["UTF-8", 'attachment; filename="gr\u00c3\u00bc\u00c3\u009fe.txt"', "grüße.txt"],
  ["octets that are no UTF-8", 'attachment; filename="a\u00ff.txt"', "a_.txt"],
  ["a very long name", `attachment; filename="${"a".repeat(5000)}"`, "a".repeat(100)],
];

describe("the file name of a stranger:", () => {
  test.each(names)("%s", (_name, header, expected) => {
    expect(nameIn([["content-DISPOSITION", header]])).toBe(expected);
  });

  test("no header at all", () => expect(nameIn([["Content-ID", "x"]])).toBeUndefined());
});

test("a name of ours survives the journey", () => {
  for (const name of ["photo.jpg", "grüße 日本.txt", "a;b=c"]) {
    const header = disposition(name);
    expect(header).toMatch(/^[\x20-\xff]*$/);
    expect(nameIn([["Content-Disposition", header]])).toBe(name);
  }
});

test("a taken name is followed by numbered ones, extension last", () => {
  const first = (name: string) => [...freeNames(name)].slice(0, 3);
  expect(first("photo.jpg")).toEqual(["photo.jpg", "photo-1.jpg", "photo-2.jpg"]);
  expect(first("README")).toEqual(["README", "README-1", "README-2"]);
});
