/**
 * The hosts file, which comes before DNS. We read it ourselves because the lookup that knows it, getaddrinfo, does not
 * say how long an answer holds, and keeps one of the few threads of the process for as long as a name server is silent.
 */
import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";

/** How often (ms) it is looked at whether the file has changed. */
const LOOK_EVERY = 5000;

export const systemHostsFile =
  process.platform === "win32"
    ? `${process.env.SystemRoot ?? "C:\\Windows"}\\System32\\drivers\\etc\\hosts`
    : "/etc/hosts";

export class HostsFile {
  readonly #path: string;
  readonly #now: () => number;
  /** Undefined: it may not be read. */
  #addresses: ReadonlyMap<string, readonly string[]> | undefined;
  #version: string;
  #lookAt: number;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#addresses = new Map();
    this.#version = "";
    this.#lookAt = Number.NEGATIVE_INFINITY;
  }

  /** Addresses of a name, none when it is not there; undefined when only the system may know (Deno's permissions). */
  async find(host: string): Promise<readonly string[] | undefined> {
    if (this.#now() >= this.#lookAt) {
      this.#lookAt = this.#now() + LOOK_EVERY;
      await this.#look();
    }
    return this.#addresses === undefined ? undefined : (this.#addresses.get(host) ?? []);
  }

  async #look(): Promise<void> {
    try {
      const { mtimeMs, size } = await stat(this.#path);
      const version = `${mtimeMs} ${size}`;
      if (version === this.#version && this.#addresses !== undefined) return;
      this.#addresses = parseHosts(await readFile(this.#path, "utf8"));
      this.#version = version;
    } catch (error) {
      this.#addresses = (error as { code?: unknown }).code === "ENOENT" ? new Map() : undefined;
      this.#version = "";
    }
  }
}

/** An address and its names in each line; `#` begins a comment. */
export function parseHosts(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, "");
      found.set(key, [...(found.get(key) ?? []), address]);
    }
  }
  return found;
}
