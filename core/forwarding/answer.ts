/**
 * Responses of our own to a request (RFC 4975 §7.2, RFC 4976 §6.4.1): to a SEND they go to the previous hop alone, to
 * anything else along the whole path it came by; to a REPORT there is none, ever.
 */
import { DOLLAR, isText } from "../bytes/octets.ts";
import { Scratch } from "../bytes/scratch.ts";
import { firstUriEnd } from "../codec/path.ts";
import { type Head, RESPONSE, SEND } from "../codec/head.ts";
import { FROM_PATH, TO_PATH } from "../codec/header.ts";
import { comment } from "../codec/writer.ts";
import type { Connection } from "../session/connection.ts";
import { endFrame, ID_AT } from "./chunk.ts";
import { add, count } from "./counters.ts";
import type { State } from "./state.ts";

/**
 * Both path headers of a response to the request with this head; undefined when it lacks what they are made from, or when
 * that holds a control character: a response that quotes it would be malformed as well, and a bare LF is a line to some.
 */
export function answerPaths(state: State, head: Head): Uint8Array | undefined {
  if (!head.has(TO_PATH) || !head.has(FROM_PATH)) return undefined;
  const { octets } = head;
  const fromStart = head.startOf(FROM_PATH);
  const fromPathEnd = head.endOf(FROM_PATH);
  const fromEnd = head.kind === SEND ? firstUriEnd(octets, fromStart, fromPathEnd) : fromPathEnd;
  const toStart = head.startOf(TO_PATH);
  const toEnd = firstUriEnd(octets, toStart, head.endOf(TO_PATH));
  if (!isText(octets, fromStart, fromEnd) || !isText(octets, toStart, toEnd)) return undefined;
  const to = state.scratch.reset();
  to.text("To-Path: ").copy(octets, fromStart, fromEnd);
  to.text("\r\nFrom-Path: ").copy(octets, toStart, toEnd).text("\r\n");
  return to.take();
}

/**
 * Writes a response.
 *
 * @param id     of the request, octets[0, idLength)
 * @param paths  both path headers, each with its CRLF
 * @param extra  further header lines, each with its CRLF; an octet string
 * @param code   the fault that is named to the peer, if any
 */
export function writeAnswer(
  state: State,
  to: Connection,
  id: Uint8Array,
  status: number,
  paths: Uint8Array,
  extra: string,
  code = "",
): void {
  const frame = state.scratch.reset();
  frame.text("MSRP ").copy(id).text(" ");
  if (status === 200) frame.text("200 OK\r\n");
  else frame.text(statusText(status)).text(code === "" ? "\r\n" : ` (${code})\r\n`);
  frame.copy(paths);
  if (extra !== "") frame.text(extra);
  count(state.counters.responsesOut, status);
  if (state.traces.on) state.traces.wrote(to, frame, 0, DOLLAR);
  endFrame(frame, id, DOLLAR, false);
  add(state.counters.frameBytesOut, RESPONSE, frame.length);
  to.writeFrame(frame);
}

/** A 200 with always the same paths: composed once, then only its transact-id is another. */
export class Okay {
  readonly #paths: Uint8Array;
  #frame: Uint8Array; // for ids of #idLength
  #idLength: number;

  /** @param paths  both path headers, each with its CRLF */
  constructor(paths: Uint8Array) {
    this.#paths = paths;
    this.#frame = new Uint8Array(0);
    this.#idLength = 0;
  }

  /**
   * The 200 to the request with this transact-id; to be written before the next one is asked for.
   *
   * @param id  id[0, idLength)
   */
  frame(id: Uint8Array, idLength: number): Uint8Array {
    if (idLength !== this.#idLength) this.#compose(id, idLength);
    const frame = this.#frame;
    const last = frame.length - idLength - 3;
    for (let i = 0; i < idLength; i++) frame[ID_AT + i] = frame[last + i] = id[i] as number;
    return frame;
  }

  #compose(id: Uint8Array, idLength: number): void {
    const frame = new Scratch(256);
    const ownId = id.subarray(0, idLength);
    frame.text("MSRP ").copy(ownId).text(" 200 OK\r\n").copy(this.#paths);
    endFrame(frame, ownId, DOLLAR, false);
    this.#frame = frame.take();
    this.#idLength = idLength;
  }
}

/** Three digits and, where it has one, the reason phrase. A next hop may answer with any number, 000 included. */
export function statusText(status: number): string {
  return `${String(status).padStart(3, "0")} ${comment(status)}`.trimEnd();
}
