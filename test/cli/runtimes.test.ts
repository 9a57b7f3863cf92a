/** The same arguments, lines and exit codes on every runtime, and on Deno with no more permissions than README lists. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { denoWith, emptyFolder, Parley, parley, type Start, starts } from "./run-parley.ts";

/** As README has them. */
const narrow = [
  "--allow-net",
  "--allow-read=parley-data",
  "--allow-write=parley-data",
  "--allow-sys", // hostname, networkInterfaces, and the system's authorities, for which there is no narrower word
  "--allow-env=npm_lifecycle_event,LOG_TOKENS,LOG_STREAM,NODE_USE_SYSTEM_CA",
];

interface Case {
  readonly runtime: "node" | "bun" | "deno";
  readonly start: Start;
  /** How it calls itself. */
  readonly self: string;
  /** What serves its TLS listener with one certificate. */
  readonly api: string;
}

const cases: readonly (readonly [string, Case])[] = [
  ["Node", { runtime: "node", start: starts.node, self: "node", api: "node:tls" }],
  ["Bun", { runtime: "bun", start: starts.bun, self: "bun", api: "Bun.listen" }],
  ["Deno", { runtime: "deno", start: starts.deno, self: "deno run -A", api: "node:tls" }],
  ["Deno with few permissions", { runtime: "deno", start: denoWith(...narrow), self: "deno run -A", api: "node:tls" }],
];

/** What differs from one start to the next, by one name each. */
function settled(text: string): string[] {
  return text
    .replace(/\S*adapters\/\w+\/main\.ts/g, "MAIN")
    .replace(/(?<=:)\d{4,5}\b/g, "PORT")
    .replace(/(?:\w{5}-){3}\w{5}/g, "PASSWORD")
    .replace(/ +[\d.]+ ms +/g, ": ")
    .replace(/(?<=\/)\w{26}(?=;tcp)/g, "SESSION")
    .split("\n")
    .filter((line) => line !== "");
}

describe.each(cases)("parley on %s", (_, { runtime, start, self, api }) => {
  const run = (folder: string, args: readonly string[], input?: string) => parley(folder, args, input, start);

  test("serves, answers its own ping, starts again and stops, as on the others", async () => {
    const folder = emptyFolder();
    const first = new Parley(folder, ["serve", "--port", "0", "--admin-port", "0"], "", start);
    const [, typed = ""] = await first.says(/main\.ts (ping .*)\n/);
    const words = [...typed.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    const pinged = await run(folder, words);
    expect([pinged.code, pinged.err]).toEqual([0, ""]);
    expect(settled(pinged.out)).toEqual([
      expect.stringMatching(/^resolve: localhost is .*127\.0\.0\.1:PORT/),
      expect.stringMatching(/^connect: .+:PORT$/),
      expect.stringMatching(/^certificate: TLSv1\.3, DNS:localhost, .* issued by parley on .*, valid until /),
      "challenge: realm localhost, SHA-256 and MD5",
      "AUTH: msrps://localhost:PORT/SESSION;tcp, for 86400 s",
      "SEND out: 256 octets, taken by the relay",
      "SEND back: the same octets came back",
    ]);
    await first.says(/info +session 1 of alice@localhost ended: CONNECTION after .*\n/, "err");

    // A client that stays in its handshake is not waited for: nothing is logged of it after the signal.
    const [, port] = /localhost:(\d+);tcp/.exec(typed) ?? [];
    const open = connect(Number(port), "127.0.0.1").on("error", () => {});
    await new Promise((resolve) => open.once("connect", resolve));
    first.signal("SIGTERM");
    const { code, out, err } = await first.end();
    open.destroy();
    expect(code).toBe(0);
    const greeting = [
      expect.stringMatching(new RegExp(`^parley \\S+ on ${runtime}$`)),
      "  public     msrps://[::]:PORT, giving out msrps://localhost:PORT",
      expect.stringMatching(new RegExp(`^ {13}by ${api}, because \\w`)),
      "  admin      http://127.0.0.1:PORT/",
      expect.stringMatching(/^ {2}to msrps {3}by node:tls, because \w/),
    ];
    const ping = `  ${self} MAIN ping 'msrps://localhost:PORT;tcp' --user alice --password PASSWORD --ca parley-data/ca.crt`;
    expect(settled(out)).toEqual([
      ...greeting,
      "Made parley-data with a certificate and parley.yaml. Two test accounts; the passwords are shown this once:",
      "  alice      PASSWORD",
      "  bob        PASSWORD",
      "To try it, in another terminal:",
      ping,
    ]);
    expect(settled(err.replace(/^\S+ /gm, ""))).toEqual([
      "info    session 1 of alice@localhost started for 86400 s",
      expect.stringMatching(
        /^info    session 1 of alice@localhost ended: CONNECTION after \d+ s, sent \d+ messages of \d+ octets, received \d+ of \d+$/,
      ),
    ]);
    expect((statSync(join(folder, "parley-data/users.db")).mode & 0o777).toString(8)).toBe("600");

    const second = new Parley(folder, ["serve"], "", start);
    await second.says(/main\.ts ping .*\n/);
    second.signal("SIGINT");
    const again = await second.end();
    expect([again.code, again.err]).toEqual([0, ""]);
    expect(settled(again.out)).toEqual([
      ...greeting,
      "Using parley-data. Passwords cannot be shown again; to see who there is, and to set a new one:",
      `  ${self} MAIN user list`,
      `  ${self} MAIN user passwd alice --generate`,
      "To try it, in another terminal:",
      ping,
    ]);
  });

  test("fails as on the others", async () => {
    const folder = emptyFolder();
    const made = await run(folder, ["user", "list"]);
    expect([made.code, made.err]).toEqual([1, expect.stringMatching(/^parley: no configuration: /)]);
    const mistyped = await run(folder, ["srve"]);
    expect([mistyped.code, mistyped.err]).toEqual([2, expect.stringMatching(/^parley: no command srve.*\nTry: /)]);
    const version = await run(folder, ["--version"]);
    expect([version.code, version.out]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^parley \\S+ \\(${runtime}\\)\n$`)),
    ]);
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    mkdirSync(join(folder, "parley-data"));
    writeFileSync(
      join(folder, "parley-data", "parley.yaml"),
      `hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:${port}", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
`,
    );
    const second = await run(folder, ["serve"]);
    taken.close();
    expect(second.err).toMatch(new RegExp(`^parley: .*127\\.0\\.0\\.1:${port}: another program has it`));
    expect(second.code).toBe(1);
    const nobody = await run(folder, ["ping", "msrp://127.0.0.1:1;tcp", "--user", "alice", "--password", "x"]);
    expect(nobody.code).toBe(1);
  });
});

test("README lists the permissions that suffice on Deno", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8").replace(/\\\n */g, "");
  const [, listed = ""] = /deno run (--allow-.*) adapters\/deno\/main\.ts/.exec(readme) ?? [];
  expect(listed.split(" ").toSorted()).toEqual(narrow.toSorted());
});
