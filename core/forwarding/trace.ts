/**
 * Following one session: the heads of the frames that carry its URI, as they are read and written, for an operator who
 * looks. Never a body, and nothing that would serve whoever reads it: session-ids that we handed out, URIs that other
 * relays did, and answers to challenges are masked.
 *
 * The URI holds 26 random letters, so to look for them in a head is all it takes to find a session's frames. That costs a
 * string for each frame of the relay while somebody follows a session; otherwise it costs whoever asks a look at `on`.
 */
import { octetString } from "../bytes/octets.ts";
import type { Scratch } from "../bytes/scratch.ts";
import type { Head } from "../codec/head.ts";
import type { Millis } from "../ports.ts";
import type { Connection } from "../session/connection.ts";
import type { Lease } from "../session/lease.ts";

/** Sessions that are followed at once: they cost all others a little. */
const MAX_TRACES = 16;

/** A frame that has come or gone. */
export interface TracedHead {
  readonly at: Millis;
  readonly session: number;
  /** From the relay's point of view. */
  readonly direction: "in" | "out";
  /** The connection it came from or goes to. */
  readonly connection: number;
  /** Start line, headers and end-line, each with its CRLF: an octet string, so UTF-8 in it is still to be decoded. */
  readonly head: string;
  readonly bodyBytes: number;
}

/** It must not call core, like everything that core calls. */
export type TraceSink = (head: TracedHead) => void;

export class Traces {
  /** True while any session is followed. */
  on: boolean;
  readonly #clock: { readonly now: Millis };
  readonly #sinks: Map<Lease, TraceSink>;

  constructor(clock: { readonly now: Millis }) {
    this.on = false;
    this.#clock = clock;
    this.#sinks = new Map();
  }

  /** Follows a session, or no longer. False when there is no room for one more. */
  follow(lease: Lease, sink: TraceSink | undefined): boolean {
    if (sink === undefined) this.#sinks.delete(lease);
    else if (this.#sinks.size < MAX_TRACES || this.#sinks.has(lease)) this.#sinks.set(lease, sink);
    else return false;
    this.on = this.#sinks.size > 0;
    return true;
  }

  /** A head was read. Returns its text when the frame is followed and its end not in sight: `end` has the rest. */
  read(source: Connection, head: Head): string | undefined {
    const text = this.#followed(head.octets, head.base, head.base + head.end);
    if (text === undefined || head.bodyInSight < 0) return text;
    this.#tell("in", source, text, head.bodyInSight, head.flagInSight);
    return undefined;
  }

  /** The start line and headers of a frame to `to` were composed, and all else is known. */
  wrote(to: Connection, { octets, length }: Scratch, bodyBytes: number, flag: number): void {
    const text = this.#followed(octets, 0, length);
    if (text === undefined) return;
    // Whose chunk is open there ends before, and is told before.
    to.openChunk?.interrupt();
    this.#tell("out", to, text, bodyBytes, flag);
  }

  /** The same, of a frame whose end will be told. */
  begins({ octets, length }: Scratch): string | undefined {
    return this.#followed(octets, 0, length);
  }

  end(direction: "in" | "out", connection: Connection, text: string, bodyBytes: number, flag: number): void {
    this.#tell(direction, connection, text, bodyBytes, flag);
  }

  #followed(octets: Uint8Array, start: number, end: number): string | undefined {
    const text = octetString(octets, start, end);
    for (const { uri } of this.#sinks.keys()) if (text.includes(uri.sessionId)) return text;
    return undefined;
  }

  #tell(
    direction: "in" | "out",
    { number: connection }: Connection,
    text: string,
    bodyBytes: number,
    flag: number,
  ): void {
    const id = /^MSRP (\S+)/.exec(text)?.[1] ?? "";
    const head = `${masked(text)}-------${id}${String.fromCharCode(flag)}\r\n`;
    const at = this.#clock.now;
    for (const [lease, sink] of this.#sinks) {
      if (text.includes(lease.uri.sessionId))
        sink({ at, session: lease.number, direction, connection, head, bodyBytes });
    }
  }
}

/** Session-ids are masked that look like ours: another parley's are nobody's business either. */
function masked(text: string): string {
  return text
    .replace(/\/[a-z2-7]{26}(?=[;\s])/g, "/***")
    .replace(/^(Authorization|Authentication-Info|Use-Path):.*$/gim, "$1: ***");
}
