/**
 * A file that is coming in, written as it comes.
 *
 * In the same breath, that is: a slow disk slows the connection down, and nothing gathers in memory.
 */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { checksumOf, OrderedHash } from "./checksum.ts";
import { freeNames } from "./file-name.ts";
import { ProgressBar, size } from "./progress-bar.ts";
import { Refusal, type Terminal } from "./terminal.ts";

export class IncomingFile {
  /** Under which it is kept. */
  readonly name: string;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #hash: OrderedHash;
  readonly #bar: ProgressBar;
  readonly #terminal: Terminal;

  constructor(folder: string, wanted: string, terminal: Terminal) {
    const { name, descriptor } = create(folder, wanted);
    this.name = name;
    this.#path = join(folder, name);
    this.#descriptor = descriptor;
    this.#hash = new OrderedHash();
    this.#bar = new ProgressBar(name, terminal);
    this.#terminal = terminal;
  }

  /** @param there  how many of the `total` octets have come, these included */
  put(position: number, octets: Uint8Array, there: number, total: number): void {
    for (let at = 0; at < octets.length; ) {
      at += writeSync(this.#descriptor, octets, at, octets.length - at, position + at);
    }
    this.#hash.update(position, octets);
    this.#bar.show(there, total);
  }

  /** Nothing comes for a while. */
  rest(): void {
    this.#bar.end();
  }

  keep(total: number): void {
    closeSync(this.#descriptor);
    this.#bar.end();
    this.#terminal.out(`${this.#hash.digest() ?? checksumOf(this.#path)}  ${this.name}`);
    this.#terminal.err(`received ${size(total)} ${this.#bar.summary(total)}`);
  }

  discard(): void {
    closeSync(this.#descriptor);
    this.#bar.end();
    unlinkSync(this.#path);
  }
}

/** Makes a file under the first name that is free. */
function create(folder: string, wanted: string): { readonly name: string; readonly descriptor: number } {
  for (const name of freeNames(wanted)) {
    try {
      return { name, descriptor: openSync(join(folder, name), "wx") };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
  }
  throw new Refusal(`no free name like ${wanted}`);
}
