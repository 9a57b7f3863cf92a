/**
 * `parley receive`: has a relay act for us, prints the path to send to, and takes what comes: files into a folder,
 * short texts onto the terminal.
 *
 * What comes is written in the same breath, so a slow disk slows the connection down and nothing gathers in memory.
 * Success is reported when the file is complete and closed, not before.
 */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Authentication, type IncomingMessage, sdpPath, type Session } from "../../core/mod.ts";
import { Client, clientFlags, givenAccount } from "./client.ts";
import type { Command, Given } from "./command.ts";
import { checksumOf, OrderedHash } from "./checksum.ts";
import { freeNames, nameIn } from "./file-name.ts";
import { givenUri } from "./hop.ts";
import { Later } from "./later.ts";
import { ProgressBar, size } from "./progress-bar.ts";
import { shellWord } from "./shell-word.ts";
import { Refusal, type Terminal, UsageError } from "./terminal.ts";

/** Texts up to this length are shown; longer ones become files. */
const SHOWN_OCTETS = 16_384;
/** Keeps the paths through NATs open, and the relay from taking us for gone. */
const KEEPALIVE_SECONDS = 120;

export const receive: Command = {
  name: "receive",
  usage: ["--relay URI --user NAME [--password PASSWORD] [--ca FILE] [--dir DIR] [--count N]"],
  summary: "receives messages and files through a relay",
  about: "Prints the path to give to parley send, then waits. Files are never written over others.",
  flags: {
    relay: { value: "URI", help: "the relay that acts for us, such as 'msrps://relay.example.com:2855;tcp'" },
    ...clientFlags,
    dir: { value: "DIR", help: "where files go (the current folder)" },
    count: { value: "N", help: "ends after so many messages; otherwise when it is interrupted" },
  },
  positionals: [0, 0],
  async run(given, terminal, runtime) {
    const typed = given.text("relay");
    if (typed === undefined) throw new UsageError("receive needs --relay URI");
    const relay = givenUri(typed);
    const count = countOf(given);
    const account = await givenAccount(given, terminal, relay.text);
    if (account === undefined) throw new UsageError("receive needs --user NAME");
    const inbox = new Inbox(resolve(terminal.cwd, given.text("dir") ?? "."), count, terminal);
    const show = ({ usePath, own }: Authentication) => printPath(sdpPath(usePath, own), given, terminal);
    const client = await Client.connect(runtime, relay.hop, {
      terminal,
      ca: given.text("ca"),
      keepaliveSeconds: KEEPALIVE_SECONDS,
      refreshed: show,
    });
    const deaf = terminal.onStop(() => inbox.stop());
    try {
      const authentication = await client.authenticate(account);
      inbox.open(client, authentication.own);
      show(authentication);
      await client.during(inbox.finished);
      return inbox.broken === 0 ? 0 : 1;
    } finally {
      deaf();
      await client.end();
    }
  },
};

function countOf(given: Given): number {
  const typed = given.text("count");
  if (typed === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(typed)) throw new UsageError(`--count ${typed} is no number of messages`);
  return Number(typed);
}

function printPath(path: string, given: Given, terminal: Terminal): void {
  const ca = given.text("ca");
  const trust = ca === undefined ? "" : ` --ca ${shellWord(ca)}`;
  terminal.out("To send here:");
  terminal.out(`  ${terminal.self} send ${path.split(" ").map(shellWord).join(" ")} FILE${trust}`);
}

/** Takes what comes in a session. */
class Inbox {
  readonly finished: Promise<void>;
  /** Messages that did not come whole. */
  broken: number;
  readonly #folder: string;
  readonly #count: number;
  readonly #terminal: Terminal;
  readonly #files: Map<IncomingMessage, IncomingFile>;
  readonly #end: Later<void>;
  #ended: number;
  /** Messages that have begun and not ended. */
  #open: number;
  /** Lets the next sender in. */
  #renew: (now: number) => void;

  constructor(folder: string, count: number, terminal: Terminal) {
    this.#end = new Later();
    this.finished = this.#end.promise;
    this.broken = 0;
    this.#folder = folder;
    this.#count = count;
    this.#terminal = terminal;
    this.#files = new Map();
    this.#ended = 0;
    this.#open = 0;
    this.#renew = () => {};
  }

  /**
   * Takes messages for a URI of ours. A session has one peer (RFC 4975 §5.4), and we cannot see that a sender has
   * gone; so with every message that ends, the session does as well, and whoever sends next has a fresh one.
   */
  open(client: Client, own: string): void {
    const session: Session = client.open({ own, confirm: "manual", sink: this });
    this.#renew = (now) => {
      session.close(now);
      this.open(client, own);
    };
  }

  stop(): void {
    this.#end.resolve();
  }

  messageStarted(message: IncomingMessage, now: number): void {
    this.#open += 1;
    const name = nameIn(message.headers);
    const short = message.total >= 0 && message.total <= SHOWN_OCTETS;
    if (name === undefined && short && /^text\/plain\b/i.test(message.contentType)) {
      message.collect(SHOWN_OCTETS);
      return;
    }
    try {
      this.#files.set(message, new IncomingFile(this.#folder, name ?? "message", this.#terminal));
    } catch (error) {
      this.#cannot(message, error, now);
    }
  }

  octets(
    message: IncomingMessage,
    position: number,
    source: Uint8Array,
    start: number,
    end: number,
    now: number,
  ): void {
    try {
      this.#files.get(message)?.put(position, source.subarray(start, end), message.total);
    } catch (error) {
      this.#cannot(message, error, now);
    }
  }

  messageEnded(message: IncomingMessage, now: number): void {
    const file = this.#files.get(message);
    this.#files.delete(message);
    if (message.state === "complete") {
      if (file === undefined) this.#terminal.out(visible(Buffer.from(message.content).toString("utf8")));
      else file.keep(message.total);
      message.confirm(now);
    } else {
      this.broken += 1;
      file?.discard();
      this.#terminal.err(`a message did not come whole: ${message.state}`);
    }
    this.#endOne(now);
  }

  #endOne(now: number): void {
    this.#ended += 1;
    this.#open -= 1;
    if (this.#open === 0) this.#renew(now);
    if (this.#ended >= this.#count) this.#end.resolve();
  }

  #cannot(message: IncomingMessage, error: unknown, now: number): void {
    this.#terminal.err(`cannot keep what comes: ${error instanceof Error ? error.message : String(error)}`);
    this.#files.get(message)?.discard();
    this.#files.delete(message);
    this.broken += 1;
    message.refuse(413, now);
    this.#endOne(now);
  }
}

/** A file that is coming in. */
class IncomingFile {
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

/** A stranger's text, without what would move the cursor or colour the terminal. */
function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "\uFFFD");
}
