/**
 * A relay of a chain is killed under a file, and `parley send` and `parley receive` bring the file to its end: all of
 * them programs with processes of their own.
 *
 *     alice ─ one ─ two ─ three ─ bob        two is a relay of hers, or of his
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFailed } from "vitest";
import { Parley } from "../cli/run-parley.ts";
import { testAuthority } from "../support/certificates.ts";
import { Content } from "../support/content.ts";
import { describeWith } from "../support/present.ts";
import { until } from "../support/wait.ts";
import { ChainProgram, PASSWORD, type RuntimeName } from "./chain-program.ts";

const MB = 1_000_000;
const FILE = 96 * MB;
const runtimes: readonly RuntimeName[] = ["node", "bun", "deno"];

describeWith([], "a file whose relays are killed", () => {
  let folder: string;
  let sum: string;
  const relays: ChainProgram[] = [];

  beforeAll(async () => {
    const authority = await testAuthority();
    const pair = await authority.issue("localhost");
    for (const runtime of runtimes) {
      relays.push(await ChainProgram.start({ runtime, pair, authority: authority.cert }));
    }
    folder = mkdtempSync(join(tmpdir(), "parley-resume-"));
    writeFileSync(join(folder, "ca.crt"), authority.cert);
    const octets = new Content(FILE).all();
    sum = createHash("sha256").update(octets).digest("hex");
    writeFileSync(join(folder, "film.mkv"), octets);
  });
  afterAll(async () => {
    for (const relay of relays.splice(0)) await relay.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** `--relay` and `--via` for relays from the nearest outwards, by their place in the chain. */
  function through(...places: readonly number[]): string[] {
    const uris = places.map((place) => (relays[place] as ChainProgram).uri);
    return ["--relay", uris.at(-1) ?? "", ...uris.slice(0, -1).flatMap((uri) => ["--via", uri])];
  }
  const as = (user: string) => ["--user", user, "--password", PASSWORD, "--ca", "ca.crt"];
  const arrived = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;

  function showOutput(...programs: Parley[]): void {
    onTestFailed(() => {
      for (const { out, err } of programs) console.error(out, err);
      for (const { output } of relays) console.error(output.slice(-2000));
    });
  }

  it.each([
    ["one of the sender's, and the receiver's stay", [0, 1], [2], 1],
    ["the sender's nearest", [0, 1], [2], 0],
    ["the receiver's nearest", [0, 1], [2], 2],
    ["one of the receiver's, whose own connection stays", [0], [2, 1], 1],
  ] as const)("goes on where it was confirmed: %s", { timeout: 90_000 }, async (_, hers, his, victim) => {
    rmSync(join(folder, "film-1.mkv"), { force: true });
    const inbox = new Parley(folder, [
      "receive",
      ...through(...his),
      ...as("bob"),
      "--path-file",
      "bob.path",
      "--count",
      "1",
    ]);
    await inbox.says(/To send here:/);
    const sending = new Parley(folder, [
      "send",
      "film.mkv",
      "--path-file",
      "bob.path",
      ...through(...hers),
      ...as("alice"),
    ]);
    showOutput(inbox, sending);
    await until(() => arrived("film-1.mkv") > 32 * MB, "some of the file");
    await (relays[victim] as ChainProgram).kill();
    await sending.says(/authenticating again\n/, "err");
    await (relays[victim] as ChainProgram).startAgain();

    const [sent, received] = await Promise.all([sending.end(), inbox.end()]);
    expect([sent.code, sent.out]).toEqual([0, `${sum}  film.mkv\n`]);
    expect([received.code, received.out.split("\n").at(-2)]).toEqual([0, `${sum}  film-1.mkv`]);
    expect(
      createHash("sha256")
        .update(readFileSync(join(folder, "film-1.mkv")))
        .digest("hex"),
    ).toBe(sum);
    const [, at = ""] = /^resuming at ([\d.]+) MB of 96\.0 MB$/m.exec(sent.err) ?? [];
    expect(Number(at)).toBeGreaterThan(5);
  });
});
