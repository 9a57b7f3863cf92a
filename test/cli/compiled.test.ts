/**
 * The files that `npm run compile` makes, as somebody uses them who has nothing else: no runtime, no sources, no PATH.
 *
 * They are made anew for this test. What a command does in detail is tested elsewhere; here it must be there at all.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstStart } from "../../adapters/cli/first-start.ts";
import { Content } from "../support/content.ts";
import { program } from "../support/present.ts";
import { freePort } from "../support/wait.ts";
import { emptyFolder, Parley, type Start } from "./run-parley.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const made = mkdtempSync(join(tmpdir(), "parley-compiled-"));
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** Runs packaging/compile.ts; answers what it printed. */
function compile(runtime: string, outfile: string): string {
  const script = [join(root, "packaging/compile.ts"), runtime, `--outfile=${outfile}`];
  return execFileSync(process.execPath, script, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A folder to be in, and how parley is started there. */
interface Place {
  readonly folder: string;
  readonly start: Start;
  readonly self: string;
}

/** The file in an empty folder; nothing in the environment leads to another program. */
function nothingAround(file: string): Place {
  return { folder: emptyFolder(), start: ["/usr/bin/env", "-i", "PATH=/nowhere", file], self: file };
}

/**
 * The container of packaging/Containerfile as far as Linux itself can make one: its root with the file and what that is
 * linked with, its user, and what every engine adds, a list of hosts and /proc (without which Bun does not start).
 */
function nothingElse(file: string): Place {
  const image = emptyFolder();
  chmodSync(image, 0o755);
  execFileSync(join(root, "packaging/image-root"), [image, file]);
  mkdirSync(join(image, "proc"));
  writeFileSync(join(image, "etc/hosts"), "127.0.0.1 localhost\n");
  const start = ["unshare", "--mount", "sh", "-c", ENTER, image, "/parley"] as const;
  return { folder: join(image, "data"), start, self: "/parley" };
}

const ENTER = `mount --rbind /proc "$0/proc" && exec env -i PATH=/nowhere "$(command -v unshare)" \
  --root="$0" --wd=/data --setgid 65532 --setuid 65532 "$@"`;
const mayEnter = spawnSync("unshare", ["--mount", "unshare", "--root=/", "--setuid", "65532", "true"]).status === 0;
const skipped = mayEnter ? "" : " (skipped: only root makes mount namespaces, where the system allows it)";

describe.each([
  ["bun", "Bun"],
  ["node", "Node"],
] as const)("the file made with %s", (runtime, name) => {
  const file = join(made, `parley-${runtime}`);
  beforeAll(() => void compile(runtime, file));

  test("runs from an empty folder, with an empty environment, and calls itself by its name", () =>
    carriesFilesAndStops(nothingAround(file), runtime));

  test.skipIf(!mayEnter)(
    `runs as nobody where there is nothing but itself and the libraries ${name} was linked with${skipped}`,
    () => carriesFilesAndStops(nothingElse(file), runtime),
  );

  test("starts workers of itself", async () => {
    const { folder, start } = nothingAround(file);
    const users = await firstStart(join(folder, "parley-data"), { port: 0, adminPort: 0 });
    const settings = join(folder, "parley-data/parley.yaml");
    writeFileSync(settings, `workers: 2\n${readFileSync(settings, "utf8")}`);
    const server = new Parley(folder, ["serve"], "", start);
    const [, uri = ""] = await server.says(/, 2 workers\n[^]* ping '(msrps:\S+)' /);
    const account = ["--user", "alice", "--password", users?.[0]?.password ?? ""];
    const pinged = await new Parley(folder, ["ping", uri, ...account, "--ca", "parley-data/ca.crt"], "", start).end();
    expect([pinged.code, pinged.err]).toEqual([0, ""]);
    server.signal("SIGTERM");
    expect((await server.end()).code).toBe(0);
  });

  test("takes nothing from a .env file or a bunfig.toml that happens to lie there", async () => {
    const { folder, start } = nothingAround(file);
    writeFileSync(join(folder, ".env"), "NOBODYS_PASSWORD=from .env\n");
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./evil.js"]\n');
    writeFileSync(join(folder, "evil.js"), 'console.log("evil");\n');
    writeFileSync(join(folder, "it.yaml"), 'hostname: "${NOBODYS_PASSWORD}"\n');
    const { code, out, err } = await new Parley(folder, ["check", "it.yaml"], "", start).end();
    expect(out + err).not.toContain("evil");
    expect([code, err]).toEqual([1, expect.stringContaining("NOBODYS_PASSWORD")]);
    expect(out + err).not.toContain("from .env");
  });

  test.each(["postgres", "mysql"])("has the driver of %s in it", async (type) => {
    const { folder, start } = nothingAround(file);
    const url = `${type}://sip@127.0.0.1:${await freePort()}/opensips`;
    writeFileSync(
      join(folder, "it.yaml"),
      'hostname: localhost\nlisteners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]\n' +
        `domains: [{ name: localhost, accounts: sip }]\naccounts: { sip: { type: ${type}, url: "${url}" } }\n`,
    );
    const { code, err } = await new Parley(folder, ["check", "it.yaml"], "", start).end();
    expect([code, err]).toEqual([0, expect.stringContaining("ECONNREFUSED")]);
  });
});

/** The embedded default: first start, ping, accounts, admin, a file and a text through it, SIGTERM, second start. */
async function carriesFilesAndStops({ folder, start, self }: Place, runtime: string): Promise<void> {
  const run = (...args: string[]) => new Parley(folder, args, "", start).end();
  const first = new Parley(folder, ["serve", "--port", "0", "--admin-port", "0"], "", start);
  const [, admin = ""] = await first.says(/admin +(http:\/\/\S+)\n/);
  const [, uri = ""] = await first.says(new RegExp(`\n  ${self} ping '(msrps:\\S+)' .*\n`));
  expect(first.out).toMatch(new RegExp(`^parley \\S+ on ${runtime}\n`));
  const trust = ["--ca", "parley-data/ca.crt"];
  const account = (user: string) => [
    "--user",
    user,
    "--password",
    new RegExp(`^  ${user} +(\\S+)$`, "m").exec(first.out)?.[1] ?? "",
  ];

  const pinged = await run("ping", uri, ...account("alice"), ...trust);
  expect([pinged.code, pinged.err, pinged.out]).toEqual([0, "", expect.stringContaining("the same octets came back")]);
  expect((await run("user", "add", "carol", "--generate")).out).toMatch(/^added carol@localhost, password /);
  expect((await run("user", "list")).out.match(/^(?:alice|bob|carol)/gm)).toHaveLength(3);
  expect((await fetch(admin)).status).toBe(200);

  const octets = new Content(3_000_001).all();
  const sum = createHash("sha256").update(octets).digest("hex");
  writeFileSync(join(folder, "photo.jpg"), octets);
  const inbox = new Parley(folder, ["receive", "--relay", uri, ...account("bob"), ...trust, "--count", "2"], "", start);
  const [, typed = ""] = await inbox.says(new RegExp(`${self} send (.*) FILE --ca parley-data/ca\\.crt\n`));
  const path = [...typed.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word);
  const sender = ["--relay", uri, ...account("alice"), ...trust];
  expect((await run("send", ...path, "photo.jpg", ...sender)).out).toBe(`${sum}  photo.jpg\n`);
  expect((await run("send", ...path, "--text", "grüße", ...sender)).code).toBe(0);
  const received = await inbox.end();
  expect([received.code, received.out]).toEqual([0, expect.stringContaining(`${sum}  photo-1.jpg\ngrüße\n`)]);
  expect(readFileSync(join(folder, "photo-1.jpg")).equals(octets)).toBe(true);
  // A runtime that unpacks itself, or a store that forgets to tidy up, would show here.
  expect(readdirSync(folder)).toEqual(["parley-data", "photo-1.jpg", "photo.jpg"]);

  first.signal("SIGTERM");
  expect((await first.end()).code).toBe(0);
  const second = new Parley(folder, ["serve"], "", start);
  const [, again = ""] = await second.says(/ping '(msrps:\S+)' --user alice --password PASSWORD/);
  expect((await run("ping", again, ...account("bob"), ...trust)).code).toBe(0);
  second.signal("SIGTERM");
  expect((await second.end()).code).toBe(0);
}

test("the file made with deno is made, or it is said aloud why not", () => {
  const file = join(made, "parley-deno");
  const said = compile("deno", file);
  if (readdirSync(made).includes(basename(file)))
    expect(execFileSync(file, ["--version"], { encoding: "utf8" })).toContain("(deno)");
  else expect(said).toMatch(/^SKIPPED deno compile: its runtime cannot be downloaded/);
});

const analyze = program("systemd-analyze", "systemd");
const unasked = analyze.found ? "" : ` (skipped: no ${analyze.what})`;
test.skipIf(!analyze.found)(`systemd finds nothing wrong in the unit${unasked}`, () => {
  const unit = join(made, "parley.service");
  const text = readFileSync(join(root, "packaging/parley.service"), "utf8");
  writeFileSync(unit, text.replace("/usr/local/bin/parley", "/bin/true")); // it looks whether the program is there
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});
