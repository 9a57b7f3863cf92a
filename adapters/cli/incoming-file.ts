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
  readonly #path: string;
  readonly #name: string;
  readonly #descriptor: number;
  readonly #hash: OrderedHash;
  readonly #bar: ProgressBar;
  readonly #terminal: Terminal;
  #octets: number;

  constructor(folder: string, wanted: string, terminal: Terminal) {
    const { name, descriptor } = create(folder, wanted);
    this.#name = name;
    this.#path = join(folder, name);
    this.#descriptor = descriptor;
    this.#hash = new OrderedHash();
    this.#bar = new ProgressBar(name, terminal);
    this.#terminal = terminal;
    this.#octets = 0;
  }

  put(position: number, octets: Uint8Array, total: number): void {
    for (let at = 0; at < octets.length; ) {
      at += writeSync(this.#descriptor, octets, at, octets.length - at, position + at);
    }
    this.#hash.update(position, octets);
    this.#octets += octets.length;
    this.#bar.show(this.#octets, total);
  }

  keep(total: number): void {
    closeSync(this.#descriptor);
    this.#bar.end();
    this.#terminal.out(`${this.#hash.digest() ?? checksumOf(this.#path)}  ${this.#name}`);
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
