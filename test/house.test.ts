/**
 * Draws the arrows of STYLE.md §2 from the real imports, so that the picture there cannot grow old.
 *
 * Reads sources as text: whoever adds a room or an arrow changes a table below and says so in the same commit.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;

/** Which rooms a room in core may import from, besides itself, `ports.ts` and `faults.ts`. */
const coreArrows: Record<string, readonly string[]> = {
  "ports.ts": [],
  "faults.ts": [],
  "mod.ts": ["bytes", "codec", "auth", "session", "forwarding", "endpoint", "relay.ts"],
  "relay.ts": ["admission.ts", "endings.ts", "forwarding", "session", "auth", "codec", "bytes"],
  "endings.ts": ["forwarding", "session"],
  "admission.ts": ["forwarding", "session", "auth", "codec", "bytes"],
  bytes: [],
  codec: ["bytes"],
  auth: ["codec", "bytes"],
  session: ["codec", "bytes"],
  forwarding: ["session", "codec", "bytes"],
  endpoint: ["auth", "codec", "bytes"],
};

/** The same for adapters, besides `core/mod.ts`. A runtime's `main.ts` joins its own folder and the command line. */
const adapterArrows: Record<string, readonly string[]> = {
  shared: [],
  accounts: ["shared"],
  policy: ["shared", "accounts"],
  config: ["shared", "accounts", "policy"],
  control: ["shared", "config", "accounts"],
  records: ["shared", "config", "accounts", "control"],
  operation: ["shared", "config", "accounts", "control"],
  admin: ["shared", "config", "accounts", "control"],
  workers: ["shared", "config", "control"],
  cli: ["shared", "config", "accounts", "control", "admin", "operation", "records", "workers", "policy"],
  compat: ["shared"],
  node: ["compat", "shared"],
  bun: ["compat", "shared"],
  deno: ["compat", "shared"],
};
const runtimes = ["node", "bun", "deno"];

/** Where the three runtimes differ; only a runtime's own folder opens sockets, or `compat` for all of them. What is named may be used anywhere. */
const socketModules: Record<string, readonly string[]> = {
  "node:net": ["BlockList", "SocketAddress", "isIP", "isIPv4", "isIPv6"],
  "node:tls": ["checkServerIdentity", "rootCertificates"],
  "node:dgram": [],
  "node:http": [],
  "node:https": [],
  "node:http2": [],
  "node:child_process": [],
  "node:cluster": [],
  "node:worker_threads": [],
};
/** Folders that must run wherever a Runtime is given to them. */
const portable = ["shared", "config", "accounts", "operation", "records", "cli"];

interface Import {
  readonly file: string;
  /** As written for packages; from the repository's root for files. */
  readonly target: string;
  /** The names between the braces, without types. */
  readonly names: readonly string[];
}

const sources = [...walk("core"), ...walk("adapters")].filter((file) => file.endsWith(".ts"));
const imports = sources.flatMap(importsOf);

describe("core", () => {
  test("every room is in the picture", () => {
    const rooms = sources.filter((file) => file.startsWith("core/")).map(roomOf);
    expect(rooms.filter((room) => !(room in coreArrows))).toEqual([]);
  });

  test("imports follow the arrows, and no package but @noble/hashes in auth", () => {
    const wrong = imports
      .filter(({ file }) => file.startsWith("core/"))
      .filter(({ file, target }) => {
        const from = roomOf(file);
        if (!target.startsWith("core/")) return !(from === "auth" && target.startsWith("@noble/hashes/"));
        const to = roomOf(target);
        return to !== from && !["ports.ts", "faults.ts"].includes(to) && !coreArrows[from]?.includes(to);
      });
    expect(wrong.map(arrow)).toEqual([]);
  });

  test("has no clock, no dice, no promise and no console", () => {
    // Most of the world does not compile there (`lib` and `types` of core/tsconfig.json); these would.
    const forbidden =
      /\b(Date|Math\.random|async|await(?=\s)|Promise|setTimeout|setInterval|setImmediate|queueMicrotask|console|globalThis|eval)(?!\w)/g;
    const found = sources
      .filter((file) => file.startsWith("core/"))
      .flatMap((file) => [...code(file).matchAll(forbidden)].map((match) => `${file}: ${match[0]}`));
    expect(found).toEqual([]);
  });
});

describe("adapters", () => {
  test("every folder is in the picture", () => {
    const rooms = sources.filter((file) => file.startsWith("adapters/")).map(roomOf);
    expect(rooms.filter((room) => !(room in adapterArrows))).toEqual([]);
  });

  test("come into core by its one door, and follow the arrows among themselves", () => {
    const wrong = imports
      .filter(({ file }) => file.startsWith("adapters/"))
      .filter(({ file, target }) => {
        const from = roomOf(file);
        if (target.startsWith("core/")) return target !== "core/mod.ts";
        if (!target.startsWith("adapters/")) return /^(?:\.|test\/|bench\/)/.test(target);
        const to = roomOf(target);
        if (file === `adapters/${from}/main.ts`) return runtimes.includes(to) && to !== from;
        return to !== from && !adapterArrows[from]?.includes(to);
      });
    expect(wrong.map(arrow)).toEqual([]);
  });

  test("only a runtime's own folder opens sockets or names its runtime", () => {
    const shared = (file: string) => file.startsWith("adapters/") && portable.includes(roomOf(file));
    const sockets = imports
      .filter(({ file }) => shared(file))
      .filter(({ target, names }) => {
        const allowed = socketModules[target];
        return allowed !== undefined && !names.every((name) => allowed.includes(name));
      });
    expect(sockets.map(arrow)).toEqual([]);
    const named = sources.filter((file) => shared(file) && /\b(Bun|Deno)\.\w/.test(code(file)));
    expect(named).toEqual([]);
  });

  test("only the supervisor of workers starts programs", () => {
    const starters = imports.filter(({ target }) => ["node:child_process", "node:cluster"].includes(target));
    expect(starters.map(({ file }) => file)).toEqual(["adapters/workers/worker-process.ts"]);
  });

  test("read YAML in one module, so that its parser can be changed in one place", () => {
    const readers = imports.filter(({ target }) => /yaml/.test(target) && !target.startsWith("adapters/"));
    expect(readers.map(({ file }) => file)).toEqual(["adapters/config/yaml.ts"]);
  });
});

describe("the repository", () => {
  test("names no path of the machine it was written on", () => {
    // Put together from pieces, since this file is searched as well.
    const path = new RegExp(
      ["/wor" + "k/(?:main|shared)", "/roo" + "t/", "/hom" + "e/[a-z]", "/User" + "s/[a-z]"].join("|"),
    );
    expect(tracked().filter((file) => path.test(read(file)))).toEqual([]);
  });

  test("locks packages by their hash and by no particular registry", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved"/);
    expect(existsSync(join(root, ".npmrc")) ? read(".npmrc") : "").not.toMatch(/^\s*(@\w+:)?registry\s*=/m);
  });
});

/** `codec` for core/codec/uri.ts, `relay.ts` for core/relay.ts. */
function roomOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function arrow({ file, target, names }: Import): string {
  return `${file} → ${target}${names.length > 0 ? ` (${names.join(", ")})` : ""}`;
}

function importsOf(file: string): Import[] {
  const pattern =
    /^\s*(?:import|export)\s+(?:(type\s)?([^;"']*?)\s*from\s*)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;
  return [...read(file).matchAll(pattern)].map(([, type, clause = "", from, dynamic]) => {
    const specifier = from ?? dynamic ?? "";
    const local = specifier.startsWith(".");
    const target = local ? posix.join(posix.dirname(file), specifier) : specifier;
    return { file, target, names: type === undefined ? namesIn(clause) : [] };
  });
}

function namesIn(clause: string): string[] {
  return clause
    .replace(/[{}]/g, " ")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !name.startsWith("type "))
    .map((name) => name.split(/\s+as\s+/)[0] ?? name);
}

/** The source without comments and strings; good enough for looking for words. */
function code(file: string): string {
  return read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, " ");
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

function walk(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.slice(root.length), entry.name));
}

/** Text files under version control; without git (an unpacked archive) the folders we know. */
function tracked(): string[] {
  try {
    const list = execFileSync("git", ["ls-files", "-z"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return list.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
  } catch {
    return ["core", "adapters", "test", "bench"].flatMap(walk);
  }
}
