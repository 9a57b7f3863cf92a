import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Content } from "../support/content.ts";
import { inProcess } from "./in-process.ts";
import { emptyFolder, Parley, parley } from "./run-parley.ts";

interface Served {
  readonly folder: string;
  readonly server: Parley;
  readonly uri: string;
  /** By name. */
  readonly passwords: Readonly<Record<string, string>>;
}

/** The embedded default on ports of its own. */
async function served(): Promise<Served> {
  const folder = emptyFolder();
  const server = new Parley(folder, ["serve", "--port", "0", "--admin-port", "0"]);
  const [, uri = ""] = await server.says(/ping '(msrps:\/\/localhost:\d+;tcp)' .*\n/);
  const passwords = [...server.out.matchAll(/^ {2}(alice|bob) +(\S+)$/gm)].map(([, name = "", password = ""]) => [
    name,
    password,
  ]);
  return { folder, server, uri, passwords: Object.fromEntries(passwords) as Record<string, string> };
}

const trust = ["--ca", "parley-data/ca.crt"];

/** The lines of a ping without their times. */
function steps(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/ +[\d.]+ ms +/, ": "));
}

describe("parley ping", () => {
  test("as serve prints it, ends in success with a line for each step", async () => {
    const { folder, server } = await served();
    const [, typed = ""] = await server.says(/main\.ts (ping .*)\n/);
    const words = [...typed.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    const { code, out, err } = await parley(folder, words);
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(steps(out)).toEqual([
      expect.stringMatching(/^resolve: localhost is .*127\.0\.0\.1/),
      expect.stringMatching(/^connect: .+:\d+$/),
      expect.stringMatching(/^certificate: TLSv1\.3, DNS:localhost, /),
      "challenge: realm localhost, SHA-256 and MD5",
      expect.stringMatching(/^AUTH: msrps:\/\/localhost:\d+\/\w+;tcp, for 86400 s$/),
      "SEND out: 256 octets, taken by the relay",
      "SEND back: the same octets came back",
      "",
    ]);
    // The log tells of the session, and neither its URI, which would let anybody send, nor the password.
    await server.says(/session 1 of alice@localhost started for 86400 s\n/, "err");
    const [, id = ""] = /localhost:\d+\/(\w+);tcp/.exec(out) ?? [];
    expect(server.err).not.toContain(id);
    expect(server.err).not.toContain(words[words.indexOf("--password") + 1]);
  });

  test("says at which step it failed, and why", async () => {
    const { folder, uri, passwords } = await served();
    const alice = ["--user", "alice", "--password", passwords.alice ?? ""];
    const other = uri.replace("localhost", "127.0.0.1");
    const tries: [string[], RegExp][] = [
      [
        [uri, "--user", "alice", "--password", "wrong", ...trust],
        /^AUTH: failed: \S+ does not know alice with that password \(401\)$/,
      ],
      [[uri, ...alice], /^certificate: failed: .* authority we do not know.*; here: --ca FILE$/],
      [
        [uri.replace("msrps:", "msrp:"), ...alice],
        /^AUTH: failed: .* hung up: does it serve that domain, and is it msrps or msrp\?$/,
      ],
      [[other, ...alice, ...trust], /^AUTH: failed: .* hung up: does it serve that domain/],
      [["msrps://nowhere.invalid", ...alice], /^resolve: failed: no address for nowhere\.invalid/],
    ];
    const ran = await Promise.all(tries.map(([args]) => inProcess(folder, ["ping", ...args])));
    for (const [index, { code, err }] of ran.entries()) {
      expect(steps(err)[0]).toMatch(tries[index]?.[1] as RegExp);
      expect(code).toBe(1);
    }
  });

  test("without a user stops at the certificate", async () => {
    const { folder, uri } = await served();
    const { code, out } = await parley(folder, ["ping", uri, ...trust]);
    expect(steps(out).map((line) => line.split(":")[0])).toEqual([
      "resolve",
      "connect",
      "certificate",
      "no --user, so no AUTH",
      "",
    ]);
    expect(code).toBe(0);
  });
});

describe("parley send and receive", () => {
  async function receiving(
    { folder, uri, passwords }: Served,
    ...more: string[]
  ): Promise<{ inbox: Parley; path: string[] }> {
    const account = ["--user", "bob", "--password", passwords.bob ?? ""];
    const inbox = new Parley(folder, ["receive", "--relay", uri, ...account, ...trust, ...more]);
    const [, typed = ""] = await inbox.says(/main\.ts send (.*) FILE --ca parley-data\/ca\.crt\n/);
    return { inbox, path: [...typed.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word) };
  }

  test("move a file and a text from one sender after the other, and both sides print the same checksum", async () => {
    const relay = await served();
    const { folder, uri, passwords } = relay;
    const octets = new Content(5_000_001).all();
    writeFileSync(join(folder, "a photo.jpg"), octets);
    const sum = createHash("sha256").update(octets).digest("hex");
    const { inbox, path } = await receiving(relay, "--count", "3");

    const stranger = await parley(folder, ["send", ...path, "a photo.jpg", ...trust]);
    expect(stranger.err).toMatch(/^delivered 5\.0 MB in /);
    expect(stranger.out).toBe(`${sum}  a photo.jpg\n`);
    const account = ["--relay", uri, "--user", "alice", "--password", passwords.alice ?? ""];
    const member = await parley(folder, ["send", ...path, "a photo.jpg", ...trust, ...account, "--chunk", "2048"]);
    expect([member.code, member.out]).toEqual([0, `${sum}  a photo.jpg\n`]);
    const text = await parley(folder, ["send", path.join(" "), "--text", "grüße\u001b[2J", ...trust]);
    expect(text.code).toBe(0);

    const received = await inbox.end();
    expect(received.code).toBe(0);
    // The first name is taken: by what was sent.
    expect(received.out).toContain(`${sum}  a photo-1.jpg\n${sum}  a photo-2.jpg\ngrüße\uFFFD[2J\n`);
    expect(readFileSync(join(folder, "a photo-1.jpg")).equals(octets)).toBe(true);
    expect(readFileSync(join(folder, "a photo-2.jpg")).equals(octets)).toBe(true);
  });

  test("an empty file arrives as one", async () => {
    const relay = await served();
    writeFileSync(join(relay.folder, "empty.bin"), "");
    const { inbox, path } = await receiving(relay, "--count", "1");
    const { code, err } = await parley(relay.folder, ["send", ...path, "empty.bin", ...trust]);
    expect([code, err]).toEqual([0, expect.stringMatching(/^delivered 0 octets/)]);
    expect((await inbox.end()).code).toBe(0);
    expect(readFileSync(join(relay.folder, "empty-1.bin"))).toHaveLength(0);
  });

  test("a receiver that goes away in the middle leaves nothing behind, and its sender is told", async () => {
    const relay = await served();
    writeFileSync(join(relay.folder, "big.bin"), new Content(40_000_000).all());
    const { inbox, path } = await receiving(relay);
    const sending = new Parley(relay.folder, ["send", ...path, "big.bin", ...trust, "--chunk", "2048"]);
    for (const start = Date.now(); !readdirSync(relay.folder).includes("big-1.bin") && Date.now() - start < 10_000; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    inbox.signal("SIGTERM");
    const [sent, received] = await Promise.all([sending.end(), inbox.end()]);
    expect([sent.code, sent.err]).toEqual([1, expect.stringMatching(/^parley: not delivered: .*481/m)]);
    expect(received.err).toContain("a message did not come whole: nobody went on with it\n");
    expect(readdirSync(relay.folder)).not.toContain("big-1.bin");
  });

  test("say what is missing before they connect to anybody", async () => {
    const folder = emptyFolder();
    const tries: [string[], number, string][] = [
      [["send", "msrps://a.invalid/x;tcp", "nowhere.bin"], 1, "nowhere.bin: no such file"],
      [["send", "msrps://a.invalid/x;tcp", "."], 1, "it is no file"],
      [["send", "FILE"], 2, "send needs the URIs to send to, and a FILE"],
      [["send", "http://a.invalid", "FILE"], 2, "http://a.invalid is no MSRP URI such as"],
      [["receive"], 2, "receive needs --relay URI"],
      [["receive", "--relay", "msrps://a.invalid", "--count", "0"], 2, "--count 0 is no number of messages"],
    ];
    for (const [args, code, text] of tries) {
      const ran = await inProcess(folder, args);
      expect([ran.code, ran.out]).toEqual([code, ""]);
      expect(ran.err).toContain(text);
    }
  });
});
