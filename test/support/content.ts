/**
 * Octets without end that never repeat, so that one lost, doubled or moved shows in the checksum.
 *
 * The key stream of a cipher: as good as random, the same each time, and quicker to make than a relay can carry it.
 */
import { createCipheriv, createHash, type Hash } from "node:crypto";

const MOST_AT_ONCE = 1024 * 1024;
const zeros = new Uint8Array(MOST_AT_ONCE);

export class Content {
  /** Octets that are left. */
  left: number;
  readonly #cipher: ReturnType<typeof createCipheriv>;
  readonly #hash: Hash;

  constructor(total: number, seed = 1) {
    this.left = total;
    const counter = new Uint8Array(16);
    counter[0] = seed;
    this.#cipher = createCipheriv("aes-128-ctr", new Uint8Array(16), counter);
    this.#hash = createHash("sha256");
  }

  /** The next octets: as many as are wanted, a megabyte at most, none at the end. */
  take(wanted: number): Uint8Array {
    const octets = this.#cipher.update(zeros.subarray(0, Math.min(wanted, this.left, MOST_AT_ONCE)));
    this.left -= octets.length;
    this.#hash.update(octets);
    return octets;
  }

  /** Leaves so many out, as far as others are concerned: they count for the checksum. */
  skip(octets: number): this {
    for (const end = this.left - octets; this.left > end; ) this.take(this.left - end);
    return this;
  }

  /** All that is left. */
  all(): Uint8Array {
    const whole = new Uint8Array(this.left);
    for (let at = 0; at < whole.length; ) {
      const octets = this.take(whole.length - at);
      whole.set(octets, at);
      at += octets.length;
    }
    return whole;
  }

  /** Of everything taken. Called once. */
  checksum(): string {
    return this.#hash.digest("hex");
  }
}

export function checksum(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}
