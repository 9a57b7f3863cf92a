/**
 * Client B: reads what comes, compares every octet with what was sent, and answers as Failure-Report asks for.
 *
 * It knows which message must come next. The first head is read as text, and must say what RFC 4976 §6.4 makes of the
 * one that was sent; from then on, a frame that comes whole must be the same octets but for its transact-id, which is
 * one memcmp. What does not come whole (a long body, a frame cut by the end of a read, a chunk that a relay cuts in
 * pieces) is read step by step, and compared all the same.
 */
import type { Socket } from "node:net";
import { contentStart, countEqual } from "./content.ts";
import { messageId, type Messages } from "./ring.ts";

const DASH_ID = "\r\n-------";
/** Frames up to this length are expected as a whole. */
const SHORT = 8192;
const MAX_HEAD = 8192;
const DOLLAR = 0x24;
const PLUS = 0x2b;

export interface Expected {
  readonly ring: Messages;
  /** Paths stay as they were: what is between us knows no MSRP. */
  readonly untouched: boolean;
  readonly answer: boolean;
}

export class Receiver {
  /** Messages that came whole and right. */
  delivered: number;
  /** Octets of bodies. */
  octets: number;
  readonly #socket: Socket;
  readonly #expected: Expected;
  readonly #news: (delivered: number) => void;
  readonly #failed: (error: Error) => void;
  /** What could not be decided about yet: a part of a head or of an end-line. */
  #carry: Buffer | undefined;
  /** By place in the ring: what stands between the first transact-id and the second. */
  #middles: (Buffer | undefined)[];
  /** The two path lines as they come; empty until the first head was read. */
  #pathLines: string;
  #answerPaths: string;
  #idLength: number;
  /** Within a chunk: its transact-id. */
  #id: string | undefined;
  /** Octets of the message that have come. */
  #position: number;
  #answers: string;

  constructor(socket: Socket, expected: Expected, news: (delivered: number) => void, failed: (error: Error) => void) {
    this.delivered = 0;
    this.octets = 0;
    this.#socket = socket;
    this.#expected = expected;
    this.#news = news;
    this.#failed = failed;
    this.#carry = undefined;
    this.#middles = [];
    this.#pathLines = "";
    this.#answerPaths = "";
    this.#idLength = 0;
    this.#id = undefined;
    this.#position = 0;
    this.#answers = "";
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.resume();
  }

  #received(bytes: Buffer): void {
    const before = this.delivered;
    try {
      const input = this.#carry === undefined ? bytes : Buffer.concat([this.#carry, bytes]);
      const end = this.#read(input);
      this.#carry = end === input.length ? undefined : Buffer.from(input.subarray(end));
    } catch (error) {
      this.#socket.pause();
      this.#failed(error as Error);
      return;
    }
    if (this.#answers !== "") this.#socket.write(this.#answers, "latin1");
    this.#answers = "";
    if (this.delivered > before) this.#news(this.delivered);
  }

  /** Reads on, and answers how far it came. */
  #read(input: Buffer): number {
    let at = 0;
    while (at < input.length) {
      let next = this.#id === undefined ? this.#whole(input, at) : -1;
      if (next < 0) next = this.#id === undefined ? this.#head(input, at) : this.#body(input, at);
      if (next === at) return at;
      at = next;
    }
    return at;
  }

  /** The frame that must be next, if all of it is there and it is just as expected; -1 otherwise. */
  #whole(input: Buffer, at: number): number {
    const { ring, answer } = this.#expected;
    const index = ring.indexOf(this.delivered);
    const middle = this.#middles[index];
    if (middle === undefined || this.#position > 0) return -1;
    const idStart = at + 5;
    const idEnd = idStart + this.#idLength;
    const end = idEnd + middle.length;
    const next = end + this.#idLength + 3;
    if (next > input.length || middle.compare(input, idEnd, end) !== 0) return -1;
    if (input[at] !== 0x4d || input[at + 1] !== 0x53 || input[at + 2] !== 0x52 || input[at + 3] !== 0x50) return -1;
    for (let i = 0; i < this.#idLength; i++) if (input[idStart + i] !== input[end + i]) return -1;
    if (input[next - 3] !== DOLLAR || input[next - 2] !== 0x0d || input[next - 1] !== 0x0a) return -1;
    this.delivered++;
    this.octets += ring.bytes;
    if (answer) this.#answer(input.toString("latin1", idStart, idEnd));
    return next;
  }

  #head(input: Buffer, at: number): number {
    const end = input.indexOf("\r\n\r\n", at, "latin1");
    if (end < 0) {
      if (input.length - at > MAX_HEAD) throw unexpected("a head without an end", input, at);
      return at;
    }
    const text = input.toString("latin1", at, end);
    const [startLine, ...lines] = text.split("\r\n");
    const [, id, method] = /^MSRP (\S+) (.+)$/.exec(startLine as string) ?? [];
    if (id === undefined || method !== "SEND") throw new Error(`client B did not expect this:\n${text}`);
    this.#check(lines, text);
    this.#id = id;
    if (this.#pathLines === "") this.#learn(id, lines);
    return end + 4;
  }

  /** Is it what was sent, with the paths moved on? */
  #check(lines: readonly string[], text: string): void {
    const { ring, untouched } = this.#expected;
    const { a, b, toPath } = ring.paths;
    const value = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const sentId = ring.ids[ring.indexOf(this.delivered)] as string;
    // §6.4: each relay takes its own URI from the front of To-Path and puts it in front of From-Path.
    const own = toPath.split(" ").slice(0, -1).reverse().join(" ");
    const range = /^(\d+)-(\d+|\*)\/(\d+)$/.exec(value("Byte-Range") ?? "");
    const right =
      value("To-Path") === (untouched ? toPath : b) &&
      value("From-Path") === (untouched ? a : `${own} ${a}`) &&
      value("Message-ID") === messageId(sentId) &&
      value("Content-Type") === "application/octet-stream" &&
      Number(range?.[1]) === this.#position + 1 &&
      Number(range?.[3]) === ring.bytes;
    if (!right) throw new Error(`expected message ${this.delivered} (${sentId}) from ${this.#position}, got:\n${text}`);
  }

  #learn(id: string, lines: readonly string[]): void {
    const { ring } = this.#expected;
    this.#idLength = id.length;
    this.#pathLines = lines.slice(0, 2).join("\r\n");
    const from = lines.find((line) => line.startsWith("From-Path: "))?.slice("From-Path: ".length) as string;
    this.#answerPaths = `To-Path: ${from.split(" ")[0]}\r\nFrom-Path: ${ring.paths.b}\r\n`;
    if (ring.frameLength > SHORT) return;
    for (let index = 0; index < ring.size; index++) {
      const [sent] = ring.pieces(index, 1) as [Buffer];
      const idLength = (ring.ids[index] as string).length;
      const rest = sent.subarray(sent.indexOf("Message-ID: "), sent.length - idLength - 3);
      this.#middles[index] = Buffer.concat([Buffer.from(` SEND\r\n${this.#pathLines}\r\n`, "latin1"), rest]);
    }
  }

  #body(input: Buffer, at: number): number {
    const { ring, answer } = this.#expected;
    const start = contentStart(ring.indexOf(this.delivered));
    const upTo = Math.min(input.length, at + ring.bytes - this.#position);
    const same = countEqual(input, at, upTo, start + this.#position);
    this.#position += same;
    this.octets += same;
    const end = at + same;
    if (end === input.length) return end;
    const id = this.#id as string;
    const endLine = DASH_ID + id;
    const next = end + endLine.length + 3;
    if (next > input.length) {
      const seen = input.toString("latin1", end);
      if (!endLine.startsWith(seen.slice(0, endLine.length))) throw unexpected("another octet", input, end);
      return end;
    }
    if (input.toString("latin1", end, end + endLine.length) !== endLine) throw unexpected("another octet", input, end);
    const flag = input[next - 3];
    const over = this.#position === ring.bytes;
    if (flag !== (over ? DOLLAR : PLUS)) throw unexpected("another flag", input, end);
    this.#id = undefined;
    if (answer) this.#answer(id);
    if (over) {
      this.#position = 0;
      this.delivered++;
    }
    return next;
  }

  #answer(id: string): void {
    this.#answers += `MSRP ${id} 200 OK\r\n${this.#answerPaths}-------${id}$\r\n`;
  }
}

function unexpected(what: string, input: Buffer, at: number): Error {
  return new Error(`client B did not expect ${what}: ${JSON.stringify(input.toString("latin1", at, at + 200))}`);
}
