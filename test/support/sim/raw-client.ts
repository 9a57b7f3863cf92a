/**
 * A client that says what it is told to, octet for octet, and shows the frames it gets. It can authenticate, which is
 * too long to write out each time; everything else, answers included, is for its owner.
 */
import { Connection } from "../../../adapters/shared/connection.ts";
import { Driver } from "../../../adapters/shared/driver.ts";
import { answerChallenge } from "../../../core/auth/answer.ts";
import { chooseChallenge } from "../../../core/auth/challenge.ts";
import { octets } from "../../../core/bytes/octets.ts";
import { type Head, RESPONSE } from "../../../core/codec/head.ts";
import {
  FAILURE_REPORT,
  FROM_PATH,
  MESSAGE_ID,
  TO_PATH,
  USE_PATH,
  WWW_AUTHENTICATE,
} from "../../../core/codec/header.ts";
import { Reader } from "../../../core/codec/reader.ts";
import type { Link } from "../../../core/mod.ts";
import type { SimNetwork } from "../sim-network.ts";
import { passwordOf, type SimRelay } from "./sim-relay.ts";
import type { End } from "./wire.ts";

export interface RawFrame {
  readonly id: string;
  /** Empty for a response. */
  readonly method: string;
  /** 0 for a request. */
  readonly status: number;
  readonly toPath: string;
  readonly fromPath: string;
  readonly messageId: string;
  readonly failureReport: string;
  /** Octets of its body so far. */
  size: number;
  /** Empty as long as it has not ended. */
  flag: string;
}

export class RawClient {
  readonly net: SimNetwork;
  readonly name: string;
  /** Its own URI, and where a relay says it can be reached; empty before. */
  readonly own: string;
  usePath: string;
  readonly frames: RawFrame[];
  end: End | undefined;
  closed: boolean;
  /** Called for each frame when its head has come, and when it has ended. */
  onHead: ((frame: RawFrame) => void) | undefined;
  onFrame: ((frame: RawFrame) => void) | undefined;
  readonly #driver: Driver;
  #link: Link | undefined;
  #ids: number;
  #authenticated: ((usePath: string) => void) | undefined;

  constructor(net: SimNetwork, name: string) {
    this.net = net;
    this.name = name;
    this.own = `msrps://${name}.invalid:9892/${name}.own;tcp`;
    this.usePath = "";
    this.frames = [];
    this.end = undefined;
    this.closed = false;
    this.onHead = this.onFrame = undefined;
    this.#driver = new Driver({ clock: net.clock, onBug: (bug) => net.bug(name, bug) });
    this.#link = undefined;
    this.#ids = 0;
    this.#authenticated = undefined;
    net.addUser(name);
  }

  get sdpPath(): string {
    return `${this.usePath} ${this.own}`;
  }

  /** Octets written and not taken by the network. */
  get backlog(): number {
    return this.#link?.backlog ?? 0;
  }

  connect(relay: SimRelay, then: () => void = () => {}): this {
    this.net.dial(this.name, relay.name, relay.port, 0, {
      opened: (end) => {
        this.end = end;
        const peer = { address: relay.name, port: relay.port, secure: true, names: [relay.name] };
        const connection = new Connection(this.#driver, peer, end, { freshReads: end.freshReads });
        const reader = this.#reader();
        connection.attach((link) => {
          this.#link = link;
          return {
            received: (bytes) => reader.read(bytes),
            writable: () => {},
            ended: () => {
              this.closed = true;
            },
          };
        });
        end.attach(connection);
        then();
      },
      failed: () => {
        this.closed = true;
      },
    });
    return this;
  }

  /** Writes octets; a string stands for one octet per character. */
  write(what: string | Uint8Array): void {
    const written = typeof what === "string" ? octets(what) : what;
    this.#driver.turn(() => this.#link?.write(written, 0, written.length));
  }

  newId(): string {
    return `raw${this.name}${++this.#ids}`;
  }

  /** Writes a request; returns its transact-id. */
  request(method: string, lines: readonly string[], body?: string | Uint8Array, flag = "$"): string {
    const id = this.newId();
    this.write(`MSRP ${id} ${method}\r\n${lines.join("\r\n")}\r\n`);
    if (body !== undefined) {
      this.write("\r\n");
      this.write(body);
      this.write("\r\n");
    }
    this.write(`-------${id}${flag}\r\n`);
    return id;
  }

  respond(frame: RawFrame, status: string, id = frame.id): void {
    const [to] = frame.fromPath.split(" ");
    const [from] = frame.toPath.split(" ");
    this.write(`MSRP ${id} ${status}\r\nTo-Path: ${to}\r\nFrom-Path: ${from}\r\n-------${id}$\r\n`);
  }

  /** Gets a URI from the relay it is connected to. */
  authenticate(relay: SimRelay, then: (usePath: string) => void = () => {}): void {
    this.#authenticated = then;
    this.request("AUTH", [`To-Path: ${relay.uri}`, `From-Path: ${this.own}`]);
  }

  setReading(on: boolean): void {
    this.#driver.turn(() => this.#link?.setReading(on));
  }

  /** Hangs up politely. */
  close(): void {
    this.#driver.turn(() => this.#link?.close());
    this.closed = true;
  }

  /** Is gone, without a word. */
  drop(): void {
    this.end?.wire.lose();
    this.closed = true;
  }

  #reader(): Reader {
    let frame: RawFrame;
    return new Reader(
      {
        head: (head) => {
          frame = frameOf(head);
          this.frames.push(frame);
          if (head.kind === RESPONSE) this.#answered(head);
          this.onHead?.(frame);
        },
        body: (_source, start, end) => {
          frame.size += end - start;
        },
        end: (flag) => {
          frame.flag = String.fromCharCode(flag);
          this.onFrame?.(frame);
        },
        lost: (fault) => this.net.ledger.wrong(`${this.name} gets something that is no MSRP: ${fault}`),
      },
      64 * 1024,
    );
  }

  #answered(head: Head): void {
    if (this.#authenticated === undefined) return;
    if (head.status === 401) {
      const credential = { password: passwordOf(this.name) };
      const challenge = chooseChallenge(head.values(WWW_AUTHENTICATE), credential);
      if (challenge === undefined) return;
      const uri = head.value(FROM_PATH) as string;
      const cnonce = this.newId();
      const answer = answerChallenge({ challenge, username: this.name, credential, uri, cnonce, nonceCount: 1 });
      this.request("AUTH", [`To-Path: ${uri}`, `From-Path: ${this.own}`, `Authorization: ${answer?.authorization}`]);
    } else if (head.status === 200 && head.has(USE_PATH)) {
      this.usePath = head.value(USE_PATH) as string;
      const then = this.#authenticated;
      this.#authenticated = undefined;
      then(this.usePath);
    }
  }
}

function frameOf(head: Head): RawFrame {
  return {
    id: head.transactId(),
    method: head.status > 0 ? "" : head.method(),
    status: head.status,
    toPath: head.value(TO_PATH) ?? "",
    fromPath: head.value(FROM_PATH) ?? "",
    messageId: head.value(MESSAGE_ID) ?? "",
    failureReport: head.value(FAILURE_REPORT) ?? "yes",
    size: 0,
    flag: "",
  };
}
