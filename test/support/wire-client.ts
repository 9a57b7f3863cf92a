/**
 * An MSRP client over a real socket that sends what a test writes, octet for octet, and shows the frames it gets.
 *
 * It has no opinions: no answer goes out by itself, except where a test says `answering`. For a client that knows the
 * protocol, see `node-client.ts`.
 */
import { type Socket, connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { answerChallenge } from "../../core/auth/answer.ts";
import { chooseChallenge } from "../../core/auth/challenge.ts";
import { octetString } from "../../core/bytes/octets.ts";
import type { Head } from "../../core/codec/head.ts";
import { Reader } from "../../core/codec/reader.ts";
import { until } from "./wait.ts";

export interface WireClientOptions {
  readonly port: number;
  readonly host?: string;
  /** Present: TLS, and this authority (PEM) is believed. */
  readonly authority?: string;
  readonly servername?: string;
  /** Where it connects from. */
  readonly localAddress?: string;
  /** Takes body octets as they come, borrowed; without it they are kept with their frame. */
  readonly onBody?: (octets: Uint8Array, frame: WireFrame) => void;
}

/** A frame as it came. */
export interface WireFrame {
  readonly id: string;
  /** Empty for a response. */
  readonly method: string;
  /** 0 for a request. */
  readonly status: number;
  /** The start line and the header lines, as they stood on the wire. */
  readonly lines: readonly string[];
  readonly body: Uint8Array[];
  /** Octets of the body, kept or not. */
  size: number;
  /** `$`, `+` or `#`; empty while the frame is still coming in. */
  flag: string;
}

export class WireClient {
  readonly socket: Socket;
  /** All frames, the one that is coming in last. */
  readonly frames: WireFrame[] = [];
  closed = false;
  /** What is sent back for each SEND that ends; undefined sends nothing. */
  answer: ((frame: WireFrame) => string | undefined) | undefined;
  #taken = 0;
  #ids = 0;

  private constructor(socket: Socket, options: WireClientOptions) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
    const reader = new Reader(
      {
        head: (head) => void this.frames.push(frameOf(head)),
        body: (source, start, end) => {
          const frame = this.#last();
          frame.size += end - start;
          if (options.onBody === undefined) frame.body.push(source.slice(start, end));
          else options.onBody(source.subarray(start, end), frame);
        },
        end: (flag) => {
          const frame = this.#last();
          frame.flag = String.fromCharCode(flag);
          const answer = frame.method === "SEND" ? this.answer?.(frame) : undefined;
          if (answer !== undefined) socket.write(answer, "latin1");
        },
        lost: (fault) => void socket.destroy(new Error(fault)),
      },
      64 * 1024,
    );
    socket.on("data", (bytes: Uint8Array) => reader.read(bytes));
  }

  static async open(options: WireClientOptions): Promise<WireClient> {
    const { port, host = "127.0.0.1", localAddress } = options;
    const where = { port, host, ...(localAddress !== undefined && { localAddress }) };
    const { authority, servername = "" } = options;
    const socket = authority === undefined ? connectTcp(where) : connectTls({ ...where, ca: authority, servername });
    await new Promise<void>((resolve, reject) => {
      socket.once(authority === undefined ? "connect" : "secureConnect", resolve);
      socket.once("error", reject);
    });
    return new WireClient(socket, options);
  }

  /** A transact-id this client has not used before. */
  newId(): string {
    return `t${(++this.#ids).toString(36).padStart(7, "0")}`;
  }

  /** Writes octets: a string stands for one octet per character. */
  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /**
   * Sends a request.
   *
   * @param lines  header lines
   * @param body   with its CRLFs around it; absent: no body
   * @returns its transact-id
   */
  request(method: string, lines: readonly string[], body?: string | Uint8Array, flag = "$"): string {
    const id = this.newId();
    this.write(`MSRP ${id} ${method}\r\n${lines.join("\r\n")}\r\n`);
    if (body !== undefined) {
      this.write("\r\n");
      if (typeof body === "string") this.write(body);
      else this.socket.write(body);
      this.write("\r\n");
    }
    this.write(`-------${id}${flag}\r\n`);
    return id;
  }

  /** Waits for the next complete frame that nobody has waited for yet. */
  async next(what = "a frame"): Promise<WireFrame> {
    await until(
      () => (this.frames[this.#taken]?.flag ?? "") !== "" || (this.closed && this.#taken >= this.frames.length),
      () => `${what}; the last that came: ${this.frames.at(-1)?.lines.join(" | ") ?? "none"}`,
    );
    const frame = this.frames[this.#taken];
    if (frame === undefined) throw new Error(`the connection was closed instead of ${what}`);
    this.#taken++;
    return frame;
  }

  /** The next response; requests before it are passed over. */
  async response(what = "a response"): Promise<WireFrame> {
    for (let frame = await this.next(what); ; frame = await this.next(what)) if (frame.status > 0) return frame;
  }

  /** The next request of a method; whatever is before it is passed over. */
  async requested(method: string): Promise<WireFrame> {
    for (let frame = await this.next(method); ; frame = await this.next(method)) {
      if (frame.method === method) return frame;
    }
  }

  /**
   * Authenticates by Digest (RFC 4976 §5.1), as clients that know RFC 2617 do: with `uri`.
   *
   * @param toPath  the path to the relay that is asked, which comes last
   * @returns the 200, or whatever came instead of it
   */
  async authenticate(toPath: string, own: string, username: string, password: string): Promise<WireFrame> {
    const paths = [`To-Path: ${toPath}`, `From-Path: ${own}`];
    this.request("AUTH", paths);
    const challenged = await this.response("a challenge");
    const challenge = chooseChallenge(headers(challenged, "WWW-Authenticate"), { password });
    if (challenge === undefined) return challenged;
    const uri = toPath.split(" ").at(-1) as string;
    const input = { challenge, username, credential: { password }, uri, cnonce: this.newId(), nonceCount: 1 };
    const answered = answerChallenge({ ...input, withUri: true });
    this.request("AUTH", [...paths, `Authorization: ${answered?.authorization}`]);
    return this.response("an answer to AUTH");
  }

  /** Authenticates and returns the Use-Path. */
  async join(toPath: string, own: string, username: string, password: string): Promise<string> {
    const granted = await this.authenticate(toPath, own, username, password);
    const usePath = header(granted, "Use-Path");
    if (usePath === undefined) throw new Error(`AUTH brought no Use-Path: ${granted.lines.join(" | ")}`);
    return usePath;
  }

  /** Answers every SEND with 200, as Failure-Report asks for. */
  answering(): this {
    this.answer = (frame) => ((header(frame, "Failure-Report") ?? "yes") === "yes" ? ok(frame) : undefined);
    return this;
  }

  end(): void {
    this.socket.destroy();
  }

  #last(): WireFrame {
    return this.frames.at(-1) as WireFrame;
  }
}

/** The value of a frame's header. */
export function header(frame: WireFrame, name: string): string | undefined {
  return headers(frame, name)[0];
}

export function headers(frame: WireFrame, name: string): string[] {
  const start = `${name.toLowerCase()}:`;
  return frame.lines
    .filter((line) => line.toLowerCase().startsWith(start))
    .map((line) => line.slice(start.length).trim());
}

/** The body, if it was kept. */
export function bodyOf(frame: WireFrame): string {
  return Buffer.concat(frame.body).toString("latin1");
}

/** A response to the previous hop alone, as RFC 4975 §7.2 wants it. */
export function ok(frame: WireFrame, status = "200 OK"): string {
  const to = header(frame, "From-Path")?.split(" ")[0];
  const from = header(frame, "To-Path")?.split(" ")[0];
  return `MSRP ${frame.id} ${status}\r\nTo-Path: ${to}\r\nFrom-Path: ${from}\r\n-------${frame.id}$\r\n`;
}

function frameOf(head: Head): WireFrame {
  return {
    id: head.transactId(),
    method: head.status > 0 ? "" : head.method(),
    status: head.status,
    lines: octetString(head.octets, head.base, head.base + head.end)
      .split("\r\n")
      .slice(0, -1),
    body: [],
    size: 0,
    flag: "",
  };
}
