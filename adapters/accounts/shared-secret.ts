/**
 * Credentials that a web application makes for its users, good for some time, as TURN servers use them
 * (draft-uberti-behave-turn-rest-00 §2.2).
 *
 * The application and we share a secret. It gives a user the name `EXPIRY:USER`, EXPIRY being the Unix time in seconds
 * at which it ends, and the password base64(HMAC-SHA1(secret, "EXPIRY:USER")). There is no account to look up. The
 * session belongs to USER: limits, logs and policy see that and not the changing name.
 *
 * A colon in a user name could make two accounts one to Digest (RFC 7616 §3.4.4), had the realm one too; ours has none.
 */
import { createHmac } from "node:crypto";
import type { Credential } from "../../core/mod.ts";
import type { AccountStore } from "./store.ts";

export class SharedSecretAccounts implements AccountStore {
  readonly #secrets: readonly string[];
  /** Unix time in milliseconds. */
  readonly #wallClock: () => number;

  /** @param secrets  the newest first; those behind it are still good, while applications go over to it */
  constructor(secrets: readonly string[], wallClock: () => number = Date.now) {
    this.#secrets = secrets;
    this.#wallClock = wallClock;
  }

  find(username: string): Promise<Credential | undefined> {
    const [, expiry, user] = /^(\d{1,12}):(.+)$/su.exec(username) ?? [];
    const [password, ...olderPasswords] = this.#secrets.map((secret) => sharedSecretPassword(secret, username));
    if (expiry === undefined || user === undefined || password === undefined) return Promise.resolve(undefined);
    const expired = Number(expiry) * 1000 <= this.#wallClock();
    return Promise.resolve({ password, olderPasswords, user, expired });
  }

  close(): void {}
}

export function sharedSecretPassword(secret: string, username: string): string {
  return createHmac("sha1", secret).update(username, "utf8").digest("base64");
}
