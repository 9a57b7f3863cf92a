/**
 * One open connection between a runtime's socket and core: core's `Link` on one side, the runtime's reports
 * (`received`, `taken`, `finished`, `gone`) on the other.
 *
 * Its life: open; then closing, when core called `close` or the peer finished; then gone. While it is closing the
 * backlog goes out, what still comes in is thrown away (unread octets would turn our FIN into a reset and cost the
 * peer the end of what we sent), and the driver's patience runs.
 *
 * A peer that has finished (FIN) cannot send a request any more and its responses are over, so `Feed.ended` is the
 * last call: core may still write in it, and the connection then closes by itself.
 */
import type { Feed, Link, Millis, Peer } from "../../core/mod.ts";
import type { Driver } from "./driver.ts";
import { type Channel, LOW_MARK, Outbox, type OutboxOwner } from "./outbox.ts";

export interface ConnectionOptions {
  /** The runtime never uses a buffer it gave to `received` again, so it may be kept. */
  readonly freshReads: boolean;
}

export class Connection implements Link, OutboxOwner {
  readonly peer: Peer;
  readonly #driver: Driver;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #freshReads: boolean;
  /** Core's end; undefined before `attach` and as soon as core has heard its last call. */
  #feed: Feed | undefined;
  /** Core was given the connection. */
  #attached: boolean;
  /** The peer has finished or vanished. */
  #over: boolean;
  /** Core writes no more: it closed, or was told that the peer ended. */
  #closing: boolean;
  /** `Channel.finish` was called. */
  #finished: boolean;
  /** The socket does not exist any more. */
  #gone: boolean;
  #reading: boolean;
  /** `Feed.writable` is on its way. */
  #willTell: boolean;

  constructor(driver: Driver, peer: Peer, channel: Channel, options: ConnectionOptions) {
    this.peer = peer;
    this.#driver = driver;
    this.#channel = channel;
    this.#outbox = new Outbox(driver, channel, this);
    this.#freshReads = options.freshReads;
    this.#feed = undefined;
    this.#attached = false;
    this.#over = false;
    this.#closing = false;
    this.#finished = false;
    this.#gone = false;
    this.#reading = true;
    this.#willTell = false;
    driver.hold(this);
  }

  // What core calls.

  get backlog(): number {
    return this.#outbox.backlog;
  }

  write(source: Uint8Array, start: number, end: number): void {
    if (!this.#closing) this.#outbox.write(source, start, end);
  }

  setReading(on: boolean): void {
    if (this.#closing || this.#gone || on === this.#reading) return;
    this.#reading = on;
    this.#channel.setReading(on);
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#feed = undefined;
    if (this.#gone) return;
    if (!this.#reading) this.#channel.setReading(true);
    this.#driver.lingering.progress(this, this.#driver.clock.now());
    if (this.backlog === 0) this.backlogGone();
  }

  // What the runtime calls.

  /** Gives the connection to core. An end that came before is told right after. */
  attach(open: (link: Link, now: Millis) => Feed): void {
    this.#driver.turn((now) => {
      this.#attached = true;
      const feed = open(this, now);
      if (this.#closing) return;
      this.#feed = feed;
      if (this.#over) this.#end(now);
    }, this);
  }

  received(bytes: Uint8Array): void {
    if (this.#closing) return;
    this.#driver.turn((now) => {
      if (this.#feed === undefined) return;
      if (this.#freshReads) this.#driver.lent = bytes;
      this.#feed.received(bytes, now);
    }, this);
  }

  /** The kernel took `octets` of what `Channel.write` had left; see there. */
  taken(octets: number): void {
    this.#driver.turn((now) => {
      if (this.#closing) this.#driver.lingering.progress(this, now);
      this.#outbox.taken(octets);
    }, this);
  }

  /** The peer has finished; it may still read. */
  finished(): void {
    this.#driver.turn((now) => this.#end(now), this);
  }

  /** The socket has ended, for whatever reason. */
  gone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#outbox.abandon();
    this.#driver.release(this);
    if (!this.#closing) this.#driver.turn((now) => this.#end(now), this);
  }

  destroy(): void {
    if (this.#gone) return;
    this.#channel.destroy();
    this.gone();
  }

  // What the outbox calls.

  /** Later, because core will write again at once, and a kernel that takes all would keep us here for ever. */
  backlogFell(): void {
    if (this.#closing || this.#willTell) return;
    this.#willTell = true;
    this.#driver.later((now) => {
      this.#willTell = false;
      // When it has risen again since, the outbox will come back to it.
      if (this.backlog <= LOW_MARK) this.#feed?.writable(now);
    }, this);
  }

  backlogGone(): void {
    if (!this.#closing || this.#finished || this.#gone) return;
    this.#finished = true;
    this.#channel.finish();
  }

  /** Tells core its last news, and closes whatever it makes of it. */
  #end(now: Millis): void {
    this.#over = true;
    if (!this.#attached) return; // told as soon as core has it
    const feed = this.#feed;
    this.#feed = undefined;
    try {
      feed?.ended(now);
    } finally {
      this.close();
    }
  }
}
