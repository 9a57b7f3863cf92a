/**
 * Two endpoints, or an endpoint and a script, joined by links in memory. Nothing arrives before `settle`, and never in
 * the call that sent it. Everything written is recorded.
 */
import { octetString, octets } from "../../../core/bytes/octets.ts";
import { Endpoint, type EndpointOptions } from "../../../core/endpoint/endpoint.ts";
import type { IncomingMessage } from "../../../core/endpoint/incoming-message.ts";
import type { OutgoingRequest } from "../../../core/endpoint/other-request.ts";
import type { OutgoingMessage } from "../../../core/endpoint/outgoing-message.ts";
import type { Report, SessionSink } from "../../../core/endpoint/sinks.ts";
import type { Failure } from "../../../core/endpoint/failure.ts";
import type { Feed, Link, Peer, Timed } from "../../../core/ports.ts";

const LOW_MARK = 64 * 1024;

export class PipeLink implements Link {
  readonly peer: Peer = { address: "192.0.2.1", port: 2855, secure: true, names: [] };
  backlog = 0;
  reading = true;
  closed = false;
  /** The kernel takes nothing. */
  stalled = false;
  /** Every write, for looking at; switched off for large transfers. */
  record = true;
  text = "";
  #queue: Uint8Array[] = [];
  #wasAbove = false;

  write(source: Uint8Array, start: number, end: number): void {
    if (this.closed) return;
    const copy = source.slice(start, end);
    if (this.record) this.text += octetString(copy);
    this.#queue.push(copy);
    this.backlog += copy.length;
    if (this.backlog > LOW_MARK) this.#wasAbove = true;
  }

  setReading(on: boolean): void {
    this.reading = on;
  }

  close(): void {
    this.closed = true;
  }

  /** The next octets for the other side, `most` at a time. */
  take(most: number): Uint8Array | undefined {
    if (this.stalled) return undefined;
    const piece = this.#queue.shift();
    if (piece === undefined) return undefined;
    if (piece.length > most) this.#queue.unshift(piece.subarray(most));
    const taken = piece.subarray(0, most);
    this.backlog -= taken.length;
    return taken;
  }

  /** True once after the backlog fell below the low mark. */
  fell(): boolean {
    if (!this.#wasAbove || this.backlog >= LOW_MARK) return false;
    this.#wasAbove = false;
    return true;
  }
}

/** Deterministic dice: the same in every run, different in every call. */
export function dice(seed: number): (target: Uint8Array) => void {
  let state = seed >>> 0 || 1;
  return (target) => {
    for (let i = 0; i < target.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      target[i] = state >>> 24;
    }
  };
}

let seeds = 1;

export function endpoint(options: Partial<EndpointOptions> & { name?: string } = {}): Endpoint {
  const host = { secure: true, host: options.name ?? "client.example.com", port: 9892 };
  return new Endpoint({ host, fillRandom: dice(seeds++), ...options });
}

/** Two links back to back. `a` is what the side at `feedA` writes to. */
export class Wire {
  readonly a = new PipeLink();
  readonly b = new PipeLink();
  /** Most octets in one read. */
  cut = 65536;
  feedA: Feed | undefined;
  feedB: Feed | undefined;

  /** Carries one piece each way; true when there was any. */
  carry(now: number): boolean {
    const there = this.#carry(this.a, this.b, this.feedB, this.feedA, now);
    const back = this.#carry(this.b, this.a, this.feedA, this.feedB, now);
    return there || back;
  }

  #carry(from: PipeLink, to: PipeLink, receiver: Feed | undefined, sender: Feed | undefined, now: number): boolean {
    if (!to.reading || to.closed) return false;
    const bytes = from.take(this.cut);
    if (bytes === undefined) return false;
    receiver?.received(bytes, now);
    // Borrowed memory: whoever kept it reads nonsense now.
    bytes.fill(0x21);
    if (from.fell() && !from.closed) sender?.writable(now);
    return true;
  }
}

/** Wires, those with timers, and a clock. */
export class Net {
  readonly wires: Wire[] = [];
  readonly timed: Timed[] = [];
  now = 1000;

  /** Lets everything arrive that can. */
  settle(): void {
    while (this.wires.map((wire) => wire.carry(this.now)).includes(true));
  }

  /** Time passes; whoever wants to be woken is. */
  advance(millis: number): void {
    const end = this.now + millis;
    while (true) {
      this.settle();
      const next = Math.min(...this.timed.map(({ deadline }) => deadline));
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const timed of this.timed) if (timed.deadline <= this.now) timed.tick(this.now);
    }
    this.now = end;
  }
}

export class Pair extends Net {
  readonly a: Endpoint;
  readonly b: Endpoint;
  readonly wire = new Wire();

  constructor(a: Endpoint = endpoint({ name: "a.example.com" }), b: Endpoint = endpoint({ name: "b.example.com" })) {
    super();
    this.a = a;
    this.b = b;
    this.wires.push(this.wire);
    this.timed.push(a, b);
    this.wire.feedA = a.connected(this.wire.a, this.now);
    this.wire.feedB = b.connected(this.wire.b, this.now);
  }

  get fromA(): PipeLink {
    return this.wire.a;
  }

  get fromB(): PipeLink {
    return this.wire.b;
  }
}

/** An endpoint whose other end is the test itself. */
export class Scripted {
  readonly endpoint: Endpoint;
  readonly link = new PipeLink();
  now = 1000;
  readonly feed: Feed;

  constructor(it: Endpoint = endpoint()) {
    this.endpoint = it;
    this.feed = it.connected(this.link, this.now);
  }

  /** What the endpoint has written since the last call. */
  sent(): string {
    const { text } = this.link;
    this.link.text = "";
    while (this.link.take(1 << 30) !== undefined);
    if (this.link.fell()) this.feed.writable(this.now);
    return text;
  }

  /** The peer sends this, lines being separated by LF here. */
  says(...lines: string[]): void {
    this.raw(`${lines.join("\r\n")}\r\n`);
  }

  raw(text: string): void {
    this.feed.received(octets(text), this.now);
  }

  advance(millis: number): void {
    const end = this.now + millis;
    while (this.endpoint.deadline <= end) {
      this.now = Math.max(this.now, this.endpoint.deadline);
      this.endpoint.tick(this.now);
    }
    this.now = end;
  }
}

/** Writes down what a session tells. */
export class Notes implements SessionSink {
  readonly told: string[] = [];
  octets?: NonNullable<SessionSink["octets"]>;
  wanted?: NonNullable<SessionSink["wanted"]>;
  requested?: NonNullable<SessionSink["requested"]>;
  readonly reports: Report[] = [];
  readonly messages: IncomingMessage[] = [];
  readonly failures: Failure[] = [];

  constructor(collect = 1 << 20) {
    this.#collect = collect;
  }
  readonly #collect: number;

  bound(): void {
    this.told.push("bound");
  }
  failed(_session: unknown, failure: Failure): void {
    this.told.push(`session failed ${failure.status} by ${failure.by}`);
    this.failures.push(failure);
  }
  answered(request: OutgoingRequest): void {
    this.told.push(`${request.method} ${request.failure?.by ?? `${request.status} ${request.comment}`}`);
  }
  advanced(message: OutgoingMessage): void {
    const { failure } = message;
    this.told.push(failure === undefined ? message.state : `failed ${failure.status} by ${failure.by}`);
  }
  reported(_message: OutgoingMessage, report: Report): void {
    this.reports.push(report);
  }
  messageStarted(message: IncomingMessage): void {
    this.messages.push(message);
    if (this.#collect > 0) message.collect(this.#collect);
  }
  messageEnded(message: IncomingMessage): void {
    this.told.push(`${message.state} ${octetString(message.content.subarray(0, 60))}`.trimEnd());
  }
}

/** Octets that never repeat the same way: a transfer that mixes them up shows. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >>> 8) * 13 + (i >>> 16)) & 0xff;
  return bytes;
}

/** The start lines and end-lines in a recording, without transact-ids. */
export function skeleton(text: string): string[] {
  const lines = text.split("\r\n");
  const out: string[] = [];
  let id = "";
  for (const line of lines) {
    const start = /^MSRP (\S+) (.*)$/.exec(line);
    if (start !== null) {
      id = start[1] as string;
      out.push(start[2] as string);
    } else if (id !== "" && line.startsWith(`-------${id}`)) {
      out[out.length - 1] += ` ${line.at(-1)}`;
      id = "";
    } else if (line.startsWith("Byte-Range: ")) {
      out[out.length - 1] += ` ${line.slice(12)}`;
    }
  }
  return out;
}
