/**
 * Addresses and users in the log by other names, for those who may not keep them: `ip-…` and `user-…`.
 *
 * A name is made with a key that stays in the data folder, so that the lines of one client belong together, today and
 * after a restart, and whoever has the log alone cannot try addresses until one fits (there are only 2^32 of IPv4).
 */
import { createHmac, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { LogSettings } from "../config/settings.ts";

const KEY_FILE = "log.key";
const KEY_OCTETS = 32;
/** 60 bits: enough that two clients never share a name. */
const DIGITS = 15;

/** The key of a data folder; made when it is wanted for the first time. @throws Error of the system */
export function maskKey(data: string): Uint8Array {
  const file = join(data, KEY_FILE);
  try {
    mkdirSync(data, { recursive: true });
    writeFileSync(file, randomBytes(KEY_OCTETS), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(file);
}

export class Mask {
  readonly #what: LogSettings["hash"];
  readonly #key: Uint8Array;

  constructor(what: LogSettings["hash"], key: Uint8Array) {
    this.#what = what;
    this.#key = key;
  }

  /** The text, with the addresses in it, and with `user` wherever it stands for itself. */
  apply(text: string, user: string): string {
    const unnamed = this.#what.users && user !== "" ? text.replace(standingFor(user), this.#named("user", user)) : text;
    if (!this.#what.addresses) return unnamed;
    return unnamed.replace(/[0-9a-f:.]{2,}/gi, (word) => this.#address(word));
  }

  /** A sentence may end behind an address, and a port stand there: 192.0.2.1:2855. */
  #address(word: string): string {
    if (isIP(word) !== 0) return this.#named("ip", word);
    const [, address = "", rest = ""] =
      /^(\d+(?:\.\d+){3})((?::\d*)?\.?)$/.exec(word) ?? /^(.*?)([.:]?)$/.exec(word) ?? [];
    return isIP(address) === 0 ? word : `${this.#named("ip", address)}${rest}`;
  }

  #named(kind: "ip" | "user", value: string): string {
    const hash = createHmac("sha256", this.#key).update(`${kind} ${value}`).digest("hex");
    return `${kind}-${hash.slice(0, DIGITS)}`;
  }
}

function standingFor(user: string): RegExp {
  const literal = user.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_.+-])${literal}(?![\\p{L}\\p{N}_+-]|\\.[\\p{L}\\p{N}])`, "gu");
}
