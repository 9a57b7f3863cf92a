/**
 * Makes parley one file that runs where no runtime is installed: `node packaging/compile.ts bun|node|deno`.
 *
 * README says what each is good for. Nothing is fetched for this machine's own Bun or Node file; another Bun target
 * comes from the npm registry, and Deno's runtime from its makers, who are not always in reach.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const programs = join(root, "node_modules", ".bin");
/** Node's first with `--build-sea`, which takes an ESM bundle. */
const SEA_SINCE = 26;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { target: { type: "string" }, outfile: { type: "string" } },
});
const [runtime = "bun"] = positionals;

if (runtime === "bun") compileBun();
else if (runtime === "node") compileNode();
else if (runtime === "deno") compileDeno();
else fail(`there is no ${runtime}: bun, node or deno`);

/** One file with Bun: the smallest, and the quickest to start. */
function compileBun(): void {
  const target = values.target === undefined ? [] : [`--target=${values.target}`];
  const out = outfile(
    values.target === undefined
      ? "parley"
      : `parley-${values.target.replace(/^bun-/, "")}${values.target.includes("windows") ? ".exe" : ""}`,
  );
  const { status } = bun([
    "build",
    "--compile",
    ...target,
    // Bytecode halves the start (100 to 50 ms here) and adds 4 MB; a bug's stack shall still name our sources.
    "--minify",
    "--bytecode",
    "--format=esm",
    "--sourcemap",
    // What lies in the folder it is started in, by chance or not, is no part of it.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "adapters/bun/main.ts",
    `--outfile=${out}`,
  ]);
  if (status !== 0) fail("Bun could not make it; see above");
  rmSync(`${out.replace(/\.exe$/, "")}.map`, { force: true }); // it is in the file as well
  made(out);
}

/** One file with the Node that runs this. */
function compileNode(): void {
  if (values.target !== undefined) fail("a Node file is for the machine it is made on: --target works with Bun");
  const [major] = process.versions.node.split(".");
  if (Number(major) < SEA_SINCE)
    fail(`Node ${process.versions.node} cannot: it takes Node ${SEA_SINCE} (npm ci brings it)`);
  const out = outfile("parley-node");
  const work = mkdtempSync(join(tmpdir(), "parley-compile-"));
  try {
    const main = join(work, "parley.mjs");
    const bundled = bun([
      "build",
      "--target=node",
      "--format=esm",
      "--minify",
      "adapters/node/main.ts",
      `--outfile=${main}`,
    ]);
    if (bundled.status !== 0) fail("Bun could not bundle it; see above");
    const description = join(work, "sea.json");
    writeFileSync(
      description,
      JSON.stringify({
        main,
        mainFormat: "module",
        output: out,
        executable: stripped(join(work, "node")),
        disableExperimentalSEAWarning: true,
        useCodeCache: true,
      }),
    );
    const { status } = run(process.execPath, ["--build-sea", description]);
    if (status !== 0) fail("Node could not make it; see above");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  made(out);
}

/** Node without its symbols, a quarter smaller, where there is a `strip`. Afterwards would be too late: it crashes then. */
function stripped(copy: string): string {
  copyFileSync(process.execPath, copy);
  const { status, error } = spawnSync("strip", [copy]);
  if (error === undefined && status === 0) return copy;
  console.log("There is no strip here (Debian: binutils): the file keeps Node's symbols, 34 MB of them.");
  return process.execPath;
}

/** One file with Deno, whose `deno compile` fetches the runtime to put into it. */
function compileDeno(): void {
  const out = outfile("parley-deno");
  rmSync(out, { force: true }); // whatever comes of it, nobody takes an old one for a new one
  const target = values.target === undefined ? [] : ["--target", values.target];
  const permissions = ["--allow-all"];
  const { status, stderr } = spawnSync(
    join(programs, "deno"),
    ["compile", ...permissions, ...target, "--output", out, "adapters/deno/main.ts"],
    { cwd: root, encoding: "utf8" },
  );
  if (status === 0) {
    made(out);
    return;
  }
  if (!/denort|dl\.deno\.land/.test(stderr)) {
    process.stderr.write(stderr);
    fail("Deno could not make it; see above");
  }
  const why = /^.*(?:dns error|failed to lookup|timed out|refused|status).*$/m.exec(stderr)?.[0].trim();
  console.log(`SKIPPED deno compile: its runtime cannot be downloaded from here (${why ?? "no reason was given"}).`);
  console.log("Where dl.deno.land can be reached, or DENORT_BIN names a denort of this version, it makes the file.");
}

function bun(args: readonly string[]) {
  return run(join(programs, "bun"), args);
}

function run(program: string, args: readonly string[]) {
  return spawnSync(program, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
}

function outfile(name: string): string {
  const out = resolve(values.outfile ?? join(root, "dist", name));
  mkdirSync(dirname(out), { recursive: true });
  return out;
}

function made(out: string): void {
  const megabytes = (statSync(out).size / 1_000_000).toFixed(0);
  console.log(`${out}: ${megabytes} MB`);
}

function fail(why: string): never {
  console.error(`compile: ${why}`);
  process.exit(1);
}
