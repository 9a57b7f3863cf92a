/**
 * Takes what comes for one URI: files into a folder, short texts onto the terminal.
 *
 * A session has one peer (RFC 4975 §5.4), and we cannot see that a sender has gone. So with every message that ends,
 * the session does as well, and whoever sends next has a fresh one. A message that breaks off is kept on a shelf, and
 * goes on when its sender does, be it on another connection of ours.
 */
import type { IncomingMessage, Session } from "../../core/mod.ts";
import type { Client } from "./client.ts";
import { nameIn } from "./file-name.ts";
import { IncomingFile } from "./incoming-file.ts";
import { Later } from "./later.ts";
import { size } from "./progress-bar.ts";
import { type Kept, Shelf } from "./shelf.ts";
import type { Terminal } from "./terminal.ts";

/** Texts up to this length are shown; longer ones become files. */
const SHOWN_OCTETS = 16_384;
/** A sender hears after so many octets that we have them: what may be sent twice after a break. */
const CONFIRM_OCTETS = 1 << 20;

/** A message that is coming in. */
interface Arriving {
  /** Undefined for a text. */
  readonly file: IncomingFile | undefined;
  /** We had all of it before, and its sender does not know. */
  readonly again: boolean;
}

export class Inbox {
  readonly finished: Promise<void>;
  /** Messages that did not come whole. */
  broken: number;
  /** The session has failed: perhaps it is our relays that are gone. */
  onDoubt: () => void;
  readonly #folder: string;
  readonly #count: number;
  readonly #terminal: Terminal;
  readonly #arriving: Map<IncomingMessage, Arriving>;
  readonly #shelf: Shelf;
  readonly #end: Later<void>;
  #ended: number;
  #octets: number;
  #octetsBefore: number;
  #session: Session | undefined;
  /** Lets the next sender in. */
  #reopen: () => void;

  constructor(folder: string, count: number, terminal: Terminal) {
    this.#end = new Later();
    this.finished = this.#end.promise;
    this.broken = 0;
    this.onDoubt = () => {};
    this.#folder = folder;
    this.#count = count;
    this.#terminal = terminal;
    this.#arriving = new Map();
    this.#shelf = new Shelf((kept) => this.#dropped(kept));
    this.#ended = 0;
    this.#octets = 0;
    this.#octetsBefore = -1;
    this.#session = undefined;
    this.#reopen = () => {};
  }

  open(client: Client, own: string): void {
    this.#reopen = () => {
      this.#session = client.open({ own, confirm: "manual", sink: this });
    };
    this.#reopen();
  }

  stop(): void {
    this.#end.resolve();
  }

  /** Nobody goes on with anything any more. */
  clear(): void {
    this.#shelf.clear();
  }

  /** Drops what has been kept for too long. Returns whether something is coming in, and has not since the last call. */
  tick(now: number): boolean {
    this.#shelf.tick(now);
    const stands = this.#arriving.size > 0 && this.#octets === this.#octetsBefore;
    this.#octetsBefore = this.#octets;
    return stands;
  }

  failed(session: Session, _failure: unknown, now: number): void {
    session.close(now); // what is open goes on the shelf, and with the last of it the session is renewed
    if (this.#session === session) this.#reopen();
    this.onDoubt();
  }

  messageStarted(message: IncomingMessage, now: number): void {
    const kept = this.#shelf.take(message);
    for (const [start, end] of kept?.ranges ?? []) message.have(start, end);
    if (kept?.file !== undefined)
      this.#terminal.err(`${kept.file.name} goes on at ${size(message.received.contiguous)}`);
    try {
      const file = kept?.complete === true ? undefined : (kept?.file ?? this.#fileFor(message));
      this.#arriving.set(message, { file, again: kept?.complete === true });
    } catch (error) {
      this.#arriving.set(message, { file: undefined, again: false });
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
    this.#octets += end - start;
    const file = this.#arriving.get(message)?.file;
    if (file === undefined) return;
    try {
      const there = message.received.contiguous;
      file.put(position, source.subarray(start, end), message.received.octets, message.total);
      if (there - message.reported >= CONFIRM_OCTETS) message.confirmPart(there, now);
    } catch (error) {
      this.#cannot(message, error, now);
    }
  }

  messageEnded(message: IncomingMessage, now: number): void {
    const { file, again } = this.#arriving.get(message) ?? { file: undefined, again: false };
    this.#arriving.delete(message);
    const whole = message.state === "complete";
    if (whole) {
      if (!again) this.#have(message, file);
      message.confirm(now);
    }
    if (whole || message.state === "aborted" || message.state === "lost") {
      // A sender that gives up because it was told of a failure may come again as well (§7.3.2).
      this.#keep(message, whole ? undefined : file, whole || again, now);
      if (!whole && !again) this.#terminal.err(`${file?.name ?? "a message"} broke off: ${message.state}`);
    } else {
      file?.discard();
      this.#broke(message.state);
    }
    if (whole && !again) this.#endOne();
    this.#renew(now);
  }

  #have(message: IncomingMessage, file: IncomingFile | undefined): void {
    if (file === undefined) this.#terminal.out(visible(Buffer.from(message.content).toString("utf8")));
    else file.keep(message.total);
  }

  /** Undefined for what is to be shown. */
  #fileFor(message: IncomingMessage): IncomingFile | undefined {
    const name = nameIn(message.headers);
    const short = message.total >= 0 && message.total <= SHOWN_OCTETS;
    if (name === undefined && short && /^text\/plain\b/i.test(message.contentType)) {
      message.collect(SHOWN_OCTETS);
      return undefined;
    }
    return new IncomingFile(this.#folder, name ?? "message", this.#terminal);
  }

  #keep(message: IncomingMessage, file: IncomingFile | undefined, complete: boolean, now: number): void {
    const { id, received, sender, total } = message;
    file?.rest();
    const ranges = complete || file !== undefined ? received.toArray() : [];
    this.#shelf.put({ id, sender, total, ranges, file, complete }, now);
  }

  #dropped({ complete, file }: Kept): void {
    if (complete) return;
    file?.discard();
    this.#broke("nobody went on with it");
  }

  #broke(why: string): void {
    this.broken += 1;
    this.#terminal.err(`a message did not come whole: ${why}`);
    this.#endOne();
  }

  #endOne(): void {
    this.#ended += 1;
    if (this.#ended >= this.#count) this.#end.resolve();
  }

  #renew(now: number): void {
    const session = this.#session;
    if (this.#arriving.size > 0 || session === undefined) return;
    this.#session = undefined;
    session.close(now);
    this.#reopen();
  }

  #cannot(message: IncomingMessage, error: unknown, now: number): void {
    this.#terminal.err(`cannot keep what comes: ${error instanceof Error ? error.message : String(error)}`);
    this.#arriving.get(message)?.file?.discard();
    this.#arriving.delete(message);
    this.broken += 1;
    message.refuse(413, now);
    this.#endOne();
    this.#renew(now);
  }
}

/** A stranger's text, without what would move the cursor or colour the terminal. */
function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "\uFFFD");
}
