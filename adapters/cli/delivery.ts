/**
 * One message on its way, over as many sessions as it takes: gives its octets when they are wanted, and hears what
 * becomes of it.
 *
 * When a session breaks, the next one goes on under the same Message-ID behind the last octet that the peer has
 * confirmed (RFC 4975 §5.4). What has been written and not confirmed may have been lost, and is sent once more.
 */
import type { OutgoingMessage, Session } from "../../core/mod.ts";
import { type Client, refusal, whyFailed } from "./client.ts";
import { Later } from "./later.ts";
import { ProgressBar, size } from "./progress-bar.ts";
import type { Source } from "./source.ts";
import { Break, type Terminal } from "./terminal.ts";

/** How long we wait for the peer to say that all has arrived, once the relay has it. */
const REPORT_PATIENCE = 30_000;

export class Delivery {
  readonly #source: Source;
  readonly #terminal: Terminal;
  readonly #bar: ProgressBar;
  #id: string | undefined;
  #message: OutgoingMessage | undefined;
  /** How many octets the peer has, from the first on. */
  #confirmed: number;
  /** Where to read next. */
  #position: number;
  #end: Later<void>;
  #patience: NodeJS.Timeout | undefined;

  constructor(source: Source, terminal: Terminal) {
    this.#source = source;
    this.#terminal = terminal;
    this.#bar = new ProgressBar(source.name, terminal);
    this.#id = undefined;
    this.#message = undefined;
    this.#confirmed = 0;
    this.#position = 0;
    this.#end = new Later();
    this.#patience = undefined;
  }

  /** Octets that the peer has confirmed. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** It has been tried before. */
  get begun(): boolean {
    return this.#id !== undefined;
  }

  /**
   * Sends what is not confirmed yet, by this session.
   *
   * @returns settles when there is no more to hear; rejects with a Break when another session may do
   */
  by(client: Client, session: Session): Promise<void> {
    const { options } = this.#source;
    if (this.begun) this.#terminal.err(`resuming at ${size(this.#confirmed)} of ${size(options.total ?? 0)}`);
    this.#end = new Later();
    this.#message = undefined;
    this.#position = this.#confirmed;
    client.turn((now) => {
      const again = this.#id === undefined ? {} : { messageId: this.#id, from: this.#confirmed };
      this.#message = session.send({ ...options, ...again, successReport: true }, now);
      this.#id = this.#message.id;
      this.#look(this.#message);
    });
    return client.during(this.#end.promise).finally(() => this.#stopWaiting());
  }

  wanted(message: OutgoingMessage, room: number, now: number): void {
    const left = message.total - this.#position;
    if (left <= 0) return;
    try {
      const octets = this.#source.read(this.#position, Math.min(room, left));
      this.#position += octets.length;
      message.write(octets, now);
    } catch (error) {
      message.abort(now);
      this.#end.reject(error instanceof Error ? error : new Error(String(error)));
    }
    this.#bar.show(message.octetsSent, message.total);
  }

  advanced(message: OutgoingMessage): void {
    this.#look(message);
  }

  #look(message: OutgoingMessage): void {
    const { failure, state } = message;
    // The peer has it all, whatever else was lost.
    const there = message.acknowledged.covers(message.total) && message.total > 0;
    if (failure !== undefined && there) this.#end.resolve();
    else if (failure !== undefined) this.#end.reject(refusal(`not delivered: ${whyFailed(failure)}`, failure));
    else if (state === "delivered") this.#end.resolve();
    else if (state === "accepted") this.#patience ??= setTimeout(() => this.#waitedEnough(), REPORT_PATIENCE);
  }

  /** All of it was taken, and nobody has said that it arrived. */
  #waitedEnough(): void {
    this.#note();
    // One who confirms part after part would have gone on with it.
    if (this.#confirmed > 0) this.#end.reject(new Break("not delivered: the peer confirms no more of it"));
    else this.#end.resolve();
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#note();
    this.#bar.end();
  }

  #note(): void {
    this.#confirmed = Math.max(this.#confirmed, this.#message?.acknowledged.contiguous ?? 0);
  }

  /** Says how it went, and the exit code. */
  conclude(): number {
    const octets = this.#message?.total ?? 0;
    this.#terminal.out(`${this.#source.checksum()}  ${this.#source.name}`);
    const how = `${size(octets)} ${this.#bar.summary(octets)}`;
    if (this.#message?.state === "delivered" || (octets > 0 && this.#confirmed === octets)) {
      this.#terminal.err(`delivered ${how}`);
      return 0;
    }
    this.#terminal.err(`sent ${how}; the next hop has taken it all, but the peer has not said that it arrived`);
    return 1;
  }
}
