/** Other people's programs, with the configurations in bench/peers/, and nothing at all. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { whereIs } from "../../test/support/present.ts";
import { firstLine, PASSWORD, type Subject } from "./subject.ts";

/** An MSRP relay. Debian: kamailio and kamailio-tls-modules. */
export const kamailio: Subject = {
  name: "kamailio",
  kind: "relay",
  version: () => versionOf("kamailio", "-v"),
  command({ folder, wanted, port, pair, file }) {
    const config = filledIn("kamailio.cfg", {
      port: String(port),
      scheme: wanted.secure ? "msrps" : "msrp",
      realm: "localhost",
      password: PASSWORD,
      cert: file("cert.pem", pair.cert),
      key: file("key.pem", pair.key),
    });
    const flags = wanted.secure ? ["-A", "WITH_TLS"] : [];
    // -DD and -E: in the foreground, talking to its standard error. Memory for everybody, and for each process.
    const program = whereIs("kamailio") ?? "kamailio";
    return [program, "-f", file("kamailio.cfg", config), "-DD", "-E", "-m", "2048", "-M", "64", "-Y", folder, ...flags];
  },
};

/** Copies octets. Debian: haproxy. */
export const haproxy: Subject = {
  name: "haproxy",
  kind: "bytes",
  version: () => versionOf("haproxy", "-v"),
  command({ wanted, port, listenPort, pair, file }) {
    const config = filledIn("haproxy.cfg", {
      port: String(port),
      "listen port": String(listenPort),
      "tls towards a": wanted.secure ? `ssl crt ${file("both.pem", `${pair.cert}\n${pair.key}`)}` : "",
      "tls towards b": wanted.secure ? "ssl verify none" : "",
    });
    return [whereIs("haproxy") ?? "haproxy", "-db", "-f", file("haproxy.cfg", config)];
  },
};

/** The generator against itself: its ceiling. */
export const nothing: Subject = {
  name: "self",
  kind: "self",
  version: () => process.version,
  command() {
    throw new Error("there is nothing to run");
  },
};

function versionOf(program: string, flag: string): string | undefined {
  const file = whereIs(program);
  if (file === undefined) return undefined;
  if (program === "kamailio" && !existsSync("/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so")) {
    console.warn("kamailio-tls-modules may be missing: without it kamailio has no TLS");
  }
  return firstLine(spawnSync(file, [flag], { encoding: "utf8" }).stdout);
}

function filledIn(name: string, words: Record<string, string>): string {
  const template = readFileSync(new URL(`../peers/${name}`, import.meta.url), "utf8");
  return template.replace(/<([a-z ]+)>/g, (word, key: string) => words[key] ?? word);
}
