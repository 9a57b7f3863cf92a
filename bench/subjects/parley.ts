/** parley as it is run: `serve` with a configuration, on each runtime. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { whereIs } from "../../test/support/present.ts";
import { firstLine, PASSWORD, type Place, type Subject, USERNAME } from "./subject.ts";

export const runtimes = ["node", "bun", "deno"] as const;
export type RuntimeName = (typeof runtimes)[number];

const arguments_: Record<RuntimeName, readonly string[]> = { node: [], bun: [], deno: ["run", "-A"] };

/** @param root  of the parley to run: this one, or the parent commit's in a folder of its own */
export function parley(
  runtime: RuntimeName,
  name = `parley ${runtime}`,
  root = "../../",
  flags: string[] = [],
): Subject {
  const main = fileURLToPath(new URL(`${root}adapters/${runtime}/main.ts`, import.meta.url));
  return {
    name,
    kind: "relay",
    polite: flags.length > 0, // profiles are written at the end
    version() {
      const program = whereIs(runtime);
      if (program === undefined) return undefined;
      return firstLine(spawnSync(program, ["--version"], { encoding: "utf8" }).stdout);
    },
    command(place) {
      const program = whereIs(runtime) ?? runtime;
      return [program, ...arguments_[runtime], ...flags, main, "serve", "--config", configuration(place)];
    },
  };
}

/** One parley that is several processes. */
export function severalWorkers(runtime: RuntimeName, workers: number): Subject {
  const one = parley(runtime, `parley ${runtime}, ${workers} workers`);
  const [program, ...args] = [whereIs(runtime) ?? runtime, ...arguments_[runtime]];
  const main = fileURLToPath(new URL(`../../adapters/${runtime}/main.ts`, import.meta.url));
  return {
    ...one,
    command: (place) => [program, ...args, main, "serve", "--config", configuration(place, { workers })],
  };
}

/** A runtime that copies octets and does nothing else: no way of ours can cost less. */
export function bare(runtime: RuntimeName): Subject {
  return {
    ...parley(runtime, `bare ${runtime}`),
    kind: "bytes",
    command({ wanted, port, listenPort, pair, file }) {
      const tls = wanted.secure ? [file("cert.pem", pair.cert), file("key.pem", pair.key)] : [];
      // Deno.connectTls believes only what it is told to; its floor over TLS is that of its node:tls, which we use too.
      const way = runtime === "deno" && wanted.secure ? "node" : runtime;
      const main = fileURLToPath(new URL(`../bare/${way}.ts`, import.meta.url));
      const program = whereIs(runtime) ?? runtime;
      return [program, ...arguments_[runtime], main, String(port), wanted.silent ? "-" : String(listenPort), ...tls];
    },
  };
}

/** JSON is YAML. All limits that protect a relay from strangers stay on, as far up as one load needs. */
function configuration({ wanted, port, pair, file }: Place, more: object = {}): string {
  const tls = { cert: file("cert.pem", pair.cert), key: file("key.pem", pair.key) };
  const listener = wanted.secure
    ? { name: "tls", url: `msrps://127.0.0.1:${port}`, workerPorts: 0, tls }
    : { name: "plain", url: `msrp://127.0.0.1:${port}`, workerPorts: 0, auth: "insecure" };
  return file(
    "parley.yaml",
    JSON.stringify({
      hostname: "localhost",
      listeners: [listener],
      domains: [{ name: "localhost", accounts: "few" }],
      accounts: { few: { type: "static", users: { [USERNAME]: { password: PASSWORD } } } },
      // For a relay behind this one.
      outgoing: { plain: true, allow: ["loopback"] },
      limits: { connections: 20_000, connectionsPerAddress: 20_000, sessionsPerUser: 20_000 },
      log: { level: "warning" },
      ...more,
    }),
  );
}
