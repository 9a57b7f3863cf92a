/**
 * What `parley send` sends: a file, or a text from the command line.
 *
 * A file is read as the connection takes it, a window at a time and in the same breath: a command that does one thing
 * may wait for its disk, and so it needs no buffers of its own.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { MessageOptions } from "../../core/mod.ts";
import { whyUnreadable } from "../config/references.ts";
import type { Given } from "./command.ts";
import { disposition } from "./file-name.ts";
import { Refusal, type Terminal } from "./terminal.ts";

/** What is sent: octets in order, and their checksum. */
export interface Source {
  readonly name: string;
  readonly options: MessageOptions;
  /** Up to `most` octets; their memory is used again. */
  read(most: number): Uint8Array;
  checksum(): string;
  close(): void;
}

export function openSource(given: Given, terminal: Terminal): Source {
  const hash = createHash("sha256");
  const text = given.text("text");
  if (text !== undefined) return textSource(text, given.text("type") ?? "text/plain", hash);
  const file = resolve(terminal.cwd, given.positionals.at(-1) ?? "");
  try {
    return fileSource(file, given.text("type") ?? "application/octet-stream", hash);
  } catch (error) {
    throw new Refusal(`cannot read ${file}: ${whyUnreadable(error)}`);
  }
}

function textSource(text: string, contentType: string, hash: Hash): Source {
  let rest: Uint8Array = Buffer.from(text, "utf8");
  return {
    name: "message",
    options: { contentType, total: rest.length },
    read(most) {
      const octets = rest.subarray(0, most);
      rest = rest.subarray(octets.length);
      hash.update(octets);
      return octets;
    },
    checksum: () => hash.digest("hex"),
    close: () => {},
  };
}

function fileSource(file: string, contentType: string, hash: Hash): Source {
  const descriptor = openSync(file, "r");
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new Error("it is no file");
  }
  const buffer = new Uint8Array(256 * 1024);
  const name = basename(file);
  return {
    name,
    options: { contentType, total: stat.size, headers: [["Content-Disposition", disposition(name)]] },
    read(most) {
      const length = readSync(descriptor, buffer, 0, Math.min(most, buffer.length), null);
      if (length === 0) throw new Refusal(`${name} has become shorter while it was sent`);
      const octets = buffer.subarray(0, length);
      hash.update(octets);
      return octets;
    },
    checksum: () => hash.digest("hex"),
    close: () => closeSync(descriptor),
  };
}
