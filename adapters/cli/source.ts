/**
 * What `parley send` sends: a file, or a text from the command line.
 *
 * A file is read as the connection takes it, a window at a time and in the same breath: a command that does one thing
 * may wait for its disk, and so it needs no buffers of its own. After a break some of it is read once more.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { MessageOptions } from "../../core/mod.ts";
import { whyUnreadable } from "../config/references.ts";
import type { Given } from "./command.ts";
import { checksumOf, OrderedHash } from "./checksum.ts";
import { disposition } from "./file-name.ts";
import { Refusal, type Terminal } from "./terminal.ts";

/** What is sent: its octets, and the checksum of all of them. */
export interface Source {
  readonly name: string;
  readonly options: MessageOptions;
  /** Up to `most` octets from `position` on; their memory is used again. */
  read(position: number, most: number): Uint8Array;
  /** Once all of it has been read. */
  checksum(): string;
  close(): void;
}

export function openSource(given: Given, terminal: Terminal): Source {
  const hash = new OrderedHash();
  const text = given.text("text");
  if (text !== undefined) return textSource(text, given.text("type") ?? "text/plain", hash);
  const file = resolve(terminal.cwd, given.positionals.at(-1) ?? "");
  try {
    return fileSource(file, given.text("type") ?? "application/octet-stream", hash);
  } catch (error) {
    throw new Refusal(`cannot read ${file}: ${whyUnreadable(error)}`);
  }
}

/** Octets that are read once more, after a break, have been hashed. */
function hashNew(hash: OrderedHash, position: number, octets: Uint8Array): void {
  const known = Math.max(0, hash.length - position);
  if (known < octets.length) hash.update(position + known, octets.subarray(known));
}

function textSource(text: string, contentType: string, hash: OrderedHash): Source {
  const whole = Buffer.from(text, "utf8");
  return {
    name: "message",
    options: { contentType, total: whole.length },
    read(position, most) {
      const octets = whole.subarray(position, position + most);
      hashNew(hash, position, octets);
      return octets;
    },
    checksum: () => hash.digest() ?? "",
    close: () => {},
  };
}

function fileSource(file: string, contentType: string, hash: OrderedHash): Source {
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
    read(position, most) {
      const length = readSync(descriptor, buffer, 0, Math.min(most, buffer.length), position);
      if (length === 0) throw new Refusal(`${name} has become shorter while it was sent`);
      const octets = buffer.subarray(0, length);
      hashNew(hash, position, octets);
      return octets;
    },
    checksum: () => hash.digest() ?? checksumOf(file),
    close: () => closeSync(descriptor),
  };
}
