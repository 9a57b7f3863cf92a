/** `parley ping`, `send` and `receive` along a chain of relays: `--via`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inProcess } from "../cli/in-process.ts";
import { Parley, parley } from "../cli/run-parley.ts";
import { testAuthority } from "../support/certificates.ts";
import { Content } from "../support/content.ts";
import { describeWith } from "../support/present.ts";
import { ChainProgram, PASSWORD } from "./chain-program.ts";

describeWith([], "--via", () => {
  const relays: ChainProgram[] = [];
  let folder: string;

  beforeAll(async () => {
    const authority = await testAuthority();
    const pair = await authority.issue("localhost");
    for (let i = 0; i < 3; i++) {
      relays.push(await ChainProgram.start({ runtime: "node", pair, authority: authority.cert }));
    }
    folder = mkdtempSync(join(tmpdir(), "parley-via-"));
    writeFileSync(join(folder, "ca.crt"), authority.cert);
  });
  afterAll(async () => {
    for (const relay of relays.splice(0)) await relay.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const uri = (index: number) => (relays[index] as ChainProgram).uri;
  const as = (user: string, password = PASSWORD) => ["--user", user, "--password", password, "--ca", "ca.crt"];
  /** The lines of a ping without their times, and URIs by the relays they are of. */
  function steps(text: string): string[] {
    return text
      .split("\n")
      .map((line) =>
        line
          .replace(/ +[\d.]+ ms +/, ": ")
          .replace(
            /msrps:\/\/localhost:(\d+)(?:\/\w+)?;tcp/g,
            (_, port) => `r${relays.findIndex((one) => one.port === Number(port))}`,
          ),
      );
  }

  it("has ping authenticate along three relays, and a message go out and back", async () => {
    const { code, out, err } = await parley(folder, ["ping", uri(2), "--via", uri(0), "--via", uri(1), ...as("alice")]);
    expect([code, err]).toEqual([0, ""]);
    expect(steps(out)).toEqual([
      expect.stringMatching(/^resolve: localhost is /),
      expect.stringMatching(/^connect: .+:\d+$/),
      expect.stringMatching(/^certificate: /),
      "challenge: realm localhost, SHA-256 and MD5",
      "AUTH: r0 r1 r2, for 86400 s",
      "SEND out: 256 octets, taken by the relay",
      "SEND back: the same octets came back",
      "",
    ]);
  });

  it("has ping say that one of them cannot be reached", async () => {
    const dead = "msrps://localhost:1;tcp";
    const { code, out, err } = await inProcess(folder, ["ping", dead, "--via", uri(0), ...as("alice")]);
    expect(steps(out).at(-2)).toMatch(/^challenge: /);
    expect(err).toMatch(/^AUTH .* failed: .* or msrps:\/\/localhost:1;tcp refused: 408 Request Timeout$/m);
    expect(code).toBe(1);
  });

  it("has a file sent and received through chains of both sides", { timeout: 60_000 }, async () => {
    const octets = new Content(3_000_000).all();
    writeFileSync(join(folder, "a photo.jpg"), octets);
    const inbox = new Parley(folder, ["receive", "--relay", uri(2), "--via", uri(1), ...as("bob"), "--count", "1"]);
    const [, typed = ""] = await inbox.says(/main\.ts send (.*) FILE --ca ca\.crt\n/);
    const path = [...typed.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word);
    // What is shown to others begins with the outermost.
    expect(steps(path.join(" "))[0]).toMatch(/^r2 r1 msrps:\/\/client\.invalid/);
    const mine = ["--relay", uri(1), "--via", uri(0), ...as("alice")];
    const sent = await parley(folder, ["send", ...path, "a photo.jpg", ...mine]);
    expect([sent.code, sent.err]).toEqual([0, expect.stringMatching(/^delivered 3\.0 MB in /)]);
    expect((await inbox.end()).code).toBe(0);
    expect(readFileSync(join(folder, "a photo-1.jpg")).equals(octets)).toBe(true);
  });

  it.each<[string, string[], string]>([
    [
      "a relay behind it",
      ["send", "msrps://a.invalid/x;tcp", "--text", "x", "--via", "msrps://b.invalid"],
      "--via needs --relay",
    ],
    ["a user", ["ping", "msrps://a.invalid", "--via", "msrps://b.invalid"], "--via needs --user"],
    ["URIs", ["ping", "msrps://a.invalid", "--via", "b.invalid"], "b.invalid is no MSRP URI"],
  ])("needs %s", async (_, args, text) => {
    const { code, err } = await inProcess(folder, args);
    expect([code, err]).toEqual([2, expect.stringContaining(text)]);
  });
});
