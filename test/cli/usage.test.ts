import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { inProcess } from "./in-process.ts";
import { emptyFolder, parley } from "./run-parley.ts";

describe("arguments that make no sense exit with 2 and say what was meant", () => {
  test.each<[string, string[], string]>([
    ["no command", [], "say what to do: serve, "],
    ["an unknown command", ["serv"], "no command serv, did you mean serve?"],
    ["a flag in the place of a command", ["-x"], "no flag -x here"],
    ["an unknown flag", ["serve", "--confg", "x"], "serve has no flag --confg, did you mean --config?"],
    ["an unknown short flag", ["serve", "-c", "x"], "serve has no flag -c"],
    ["a flag without its value", ["serve", "--config"], "--config needs a value: --config FILE"],
    ["a flag whose value was forgotten", ["serve", "--config", "--data"], "--config needs a value: --config FILE"],
    ["a value for a flag that has none", ["user", "add", "x", "--generate=5"], "--generate is on or off"],
    [
      "two flags that exclude each other",
      ["serve", "--config", "a", "--data", "b"],
      "--config and --data exclude each other",
    ],
    ["a port that is none", ["serve", "--port", "x"], "--port x is no port"],
    ["an argument too many", ["check", "a", "b"], "check does not know what to do with b"],
    [
      "relays on the way and nobody to be known there",
      ["ping", "msrps://a;tcp", "--via", "msrps://b;tcp"],
      "--via needs --user",
    ],
    ["relays on the way to none", ["send", "msrps://a:1/x;tcp", "f", "--via", "msrps://b;tcp"], "--via needs --relay"],
    ["a relay on the way that is none", ["ping", "msrps://a;tcp", "--via", "b", "--user", "x"], "b is no MSRP URI"],
    ["an argument too few", ["check"], "check needs more arguments"],
  ])("%s", async (_name, args, text) => {
    const { code, out, err } = await inProcess(emptyFolder(), args);
    expect(err).toContain(`parley: ${text}`);
    expect(err).toMatch(/\nTry: parley (\w+ )?--help\n$/);
    expect([code, out]).toEqual([2, ""]);
  });
});

describe("help", () => {
  test.each<[string, string[], string]>([
    ["names all commands", ["--help"], "Usage: parley COMMAND"],
    ["says how a command is used", ["user", "--help"], "Usage: parley user add|passwd NAME"],
    ["may stand in front", ["help", "serve"], "Usage: parley serve"],
  ])("%s", async (_name, args, text) => {
    const { code, out, err } = await inProcess(emptyFolder(), args);
    expect(out).toContain(text);
    expect([code, err]).toEqual([0, ""]);
  });
});

test("the version is that of the package", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(await parley(emptyFolder(), ["--version"])).toEqual({ code: 0, out: `parley ${version} (node)\n`, err: "" });
});

test("the exit code and the streams are those of the process", async () => {
  const mistyped = await parley(emptyFolder(), ["serve", "--confg", "x"]);
  expect(mistyped).toEqual({
    code: 2,
    out: "",
    err: "parley: serve has no flag --confg, did you mean --config?\nTry: parley serve --help\n",
  });
});
