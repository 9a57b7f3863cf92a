/**
 * The life of a nonce (RFC 2617 §3.2.1, RFC 7616 §5.4).
 *
 * A nonce says when it was issued, carries a number that no other has, and is sealed with a secret that lives as long
 * as this process: `time.number.seal`. So handing one out costs no memory, however many strangers ask, and nobody can
 * make one. Only a nonce that has proved a password is remembered, with the highest nonce-count seen, because only then
 * is there something to replay.
 *
 * **Forgetting is sound.** The table of used nonces is bounded. Expired ones leave it first: they are refused anyway.
 * If it is still full, the one used first is forgotten, and with it every nonce whose number is not higher counts as
 * stale, so that a replay cannot pass. A nonce that waits for its client becomes stale too early only when a whole
 * table of others is used meanwhile; the client sees stale=true and answers the new challenge.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { octets } from "../bytes/octets.ts";
import type { Millis } from "../ports.ts";
import { sameSecret } from "./digest.ts";

/** Used nonces remembered, unless told otherwise: some 5 MB when full. */
export const MAX_USED = 65_536;

/** Hex digits of the HMAC that we keep: 128 bits. */
const SEAL_DIGITS = 32;

interface Used {
  readonly issued: Millis;
  count: number;
}

export class Nonces {
  lifetime: Millis; // of those that are out, too
  readonly #maxUsed: number;
  readonly #keyed: ReturnType<typeof hmac.create>; // begun with a secret that never leaves this object; copied for every seal
  readonly #used: Map<number, Used>; // by number, in the order of first use
  #last: number; // the highest number given out
  #forgotten: number; // nonces up to this number are stale, whatever the table says

  constructor(fillRandom: (target: Uint8Array) => void, nonceSeconds: number, maxUsed: number = MAX_USED) {
    this.lifetime = nonceSeconds * 1000;
    this.#maxUsed = maxUsed;
    this.#used = new Map();
    this.#last = 0;
    this.#forgotten = 0;
    const secret = new Uint8Array(32);
    fillRandom(secret);
    this.#keyed = hmac.create(sha256, secret);
  }

  /** How many used nonces are remembered. */
  get used(): number {
    return this.#used.size;
  }

  /** A new nonce that only this realm (an octet string) will take. */
  issue(realm: string, now: Millis): string {
    this.#last++;
    const stamp = `${Math.floor(now).toString(36)}.${this.#last.toString(36)}`;
    return `${stamp}.${this.#seal(stamp, realm)}`;
  }

  /**
   * The `opaque` of every challenge of this realm. It holds nothing that the nonce does not, so whether a client sends
   * it back is not looked at.
   */
  opaque(realm: string): string {
    return this.#seal("opaque", realm);
  }

  /**
   * Counts a use of the nonce that has just proved a password; ask only then.
   *
   * @returns false when the nonce is stale: expired, forgotten, not ours (of before a restart, of another realm, or
   *          invented), or used with this nonce-count or a higher one before
   */
  use(nonce: string, nonceCount: number, realm: string, now: Millis): boolean {
    const [, time, number] = /^(-?[0-9a-z]{1,11})\.([0-9a-z]{1,11})\.[0-9a-f]{32}$/.exec(nonce) ?? [];
    if (time === undefined || number === undefined) return false;
    const stamp = `${time}.${number}`;
    if (!sameSecret(nonce, `${stamp}.${this.#seal(stamp, realm)}`)) return false;

    const issued = Number.parseInt(time, 36);
    const key = Number.parseInt(number, 36);
    if (now >= issued + this.lifetime || key <= this.#forgotten) return false;
    const used = this.#used.get(key);
    if (used !== undefined) {
      if (nonceCount <= used.count) return false;
      used.count = nonceCount;
      return true;
    }
    this.#makeRoom(now);
    this.#used.set(key, { issued, count: nonceCount });
    return true;
  }

  #makeRoom(now: Millis): void {
    for (const [key, { issued }] of this.#used) {
      const expired = now >= issued + this.lifetime;
      if (!expired && this.#used.size < this.#maxUsed) return;
      this.#used.delete(key);
      if (!expired) this.#forgotten = Math.max(this.#forgotten, key);
    }
  }

  /** No stamp holds a colon, so no two pairs are sealed as the same text. */
  #seal(stamp: string, realm: string): string {
    const seal = this.#keyed
      .clone()
      .update(octets(`${stamp}:${realm}`))
      .digest();
    return bytesToHex(seal).slice(0, SEAL_DIGITS);
  }
}
