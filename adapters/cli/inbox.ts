/**
 * Takes what comes for one URI: files into a folder, short texts onto the terminal.
 *
 * A session has one peer (RFC 4975 §5.4), and we cannot see that a sender has gone. So with every message that ends,
 * the session does as well, and whoever sends next has a fresh one.
 */
import type { IncomingMessage, Session } from "../../core/mod.ts";
import type { Client } from "./client.ts";
import { nameIn } from "./file-name.ts";
import { IncomingFile } from "./incoming-file.ts";
import { Later } from "./later.ts";
import type { Terminal } from "./terminal.ts";

/** Texts up to this length are shown; longer ones become files. */
const SHOWN_OCTETS = 16_384;

export class Inbox {
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

/** A stranger's text, without what would move the cursor or colour the terminal. */
function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "\uFFFD");
}
