/** SHA-256 of a file whose octets come over a network: mostly in order, sometimes not. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";

/** Hashes along as long as every octet follows the last. */
export class OrderedHash {
  readonly #hash: Hash;
  #next: number;
  #ordered: boolean;

  constructor() {
    this.#hash = createHash("sha256");
    this.#next = 0;
    this.#ordered = true;
  }

  /** How many octets have been hashed. */
  get length(): number {
    return this.#next;
  }

  update(position: number, octets: Uint8Array): void {
    if (position !== this.#next) this.#ordered = false;
    if (!this.#ordered) return;
    this.#hash.update(octets);
    this.#next += octets.length;
  }

  /** Undefined when the order was broken; then the file has to be read. */
  digest(): string | undefined {
    return this.#ordered ? this.#hash.digest("hex") : undefined;
  }
}

/** Of a whole file. */
export function checksumOf(path: string): string {
  const hash = createHash("sha256");
  const descriptor = openSync(path, "r");
  const buffer = new Uint8Array(1 << 20);
  for (let length = readSync(descriptor, buffer); length > 0; length = readSync(descriptor, buffer)) {
    hash.update(buffer.subarray(0, length));
  }
  closeSync(descriptor);
  return hash.digest("hex");
}
