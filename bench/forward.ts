/**
 * The whole core without sockets: a Relay that is fed with frames, and a client behind it that answers them.
 *
 *     node bench/forward.ts        bun bench/forward.ts        deno run -A bench/forward.ts
 *
 * What a message costs from `Feed.received` to `Link.write` and from its 200 to the end of its transaction, on links that
 * only copy. The difference to `npm run bench` is what the runtime's sockets cost. The client's part is small: its 200s are
 * made beforehand. Each figure is the best of several rounds, since what disturbs a round only ever makes it slower;
 * the spread stands beside it.
 */
import { randomFillSync } from "node:crypto";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { answerChallenge } from "../core/auth/answer.ts";
import { chooseChallenge } from "../core/auth/challenge.ts";
import { octetString, octets } from "../core/bytes/octets.ts";
import { type Feed, type Host, type Link, Relay } from "../core/mod.ts";
import { relayConfig, tlsListener } from "../test/support/relay-config.ts";

const ROUNDS = 7;
const ROUND_MS = 250;
const BATCH_OCTETS = 64 * 1024;

interface Case {
  readonly name: string;
  readonly bytes: number;
  readonly failureReport: "yes" | "no";
  /** Messages in one read; the last may be cut by its end. */
  readonly batch: number;
  /** Octets of a read; 0: as long as the batch. */
  readonly read: number;
  /** Senders that take turns on the connection, as they do on another relay's; 1 unless said. */
  readonly senders?: number;
}

const cases: readonly Case[] = [
  { name: "64 octets", bytes: 64, failureReport: "yes", batch: 16, read: 0 },
  { name: "256 octets", bytes: 256, failureReport: "yes", batch: 16, read: 0 },
  { name: "256 octets, no report", bytes: 256, failureReport: "no", batch: 16, read: 0 },
  { name: "256 octets, one a read", bytes: 256, failureReport: "yes", batch: 1, read: 0 },
  { name: "256 octets, 4 senders", bytes: 256, failureReport: "yes", batch: 16, read: 0, senders: 4 },
  { name: "256 octets, 16 senders", bytes: 256, failureReport: "yes", batch: 16, read: 0, senders: 16 },
  { name: "10 KB, whole", bytes: 10_240, failureReport: "yes", batch: 6, read: 0 },
  { name: "10 KB, cut by reads", bytes: 10_240, failureReport: "yes", batch: 32, read: BATCH_OCTETS },
];

/** A client of the relay, as core sees it: what is written to it is copied, one write behind the other. */
class Client {
  readonly feed: Feed;
  readonly link: Link;
  readonly out: Uint8Array;
  length: number;
  /** Told when an end-line of the relay's has been written: source[start, start + 17) is its transact-id. */
  onEndLine: (source: Uint8Array, start: number) => void;

  constructor(relay: Relay) {
    this.out = new Uint8Array(1 << 20);
    this.length = 0;
    this.onEndLine = () => {};
    this.link = {
      peer: { address: "127.0.0.1", port: 1, secure: true, names: [] },
      backlog: 0,
      write: (source, start, end) => {
        this.out.set(source.subarray(start, end), this.length);
        this.length += end - start;
        const { out, length } = this;
        const id = length - ID_LENGTH - 3;
        if (out[length - 1] === LF && out[id - 1] === DASH && out[id - 7] === DASH) this.onEndLine(out, id);
      },
      setReading() {},
      close() {
        throw new Error("the relay has closed a connection");
      },
    };
    this.feed = relay.accepted(this.link, "tls", 0);
  }

  take(): string {
    const text = octetString(this.out, 0, this.length);
    this.length = 0;
    return text;
  }
}

const LF = 0x0a;
const DASH = 0x2d;
/** Every transact-id of the relay's is as long as the others. */
const ID_LENGTH = 17;

/** Client B's 200s to a batch, in one read. They are made beforehand and only get their transact-ids here. */
class Answers {
  readonly #octets: Uint8Array;
  readonly #each: number;
  #count: number;

  constructor(paths: string, most: number) {
    const id = "i".repeat(ID_LENGTH);
    const one = `MSRP ${id} 200 OK\r\n${paths}-------${id}$\r\n`;
    this.#octets = octets(one.repeat(most));
    this.#each = one.length;
    this.#count = 0;
  }

  /** Answers the request with this transact-id at the next `send`. */
  add(source: Uint8Array, start: number): void {
    const first = this.#count++ * this.#each + "MSRP ".length;
    const second = this.#count * this.#each - ID_LENGTH - "$\r\n".length;
    for (let i = 0; i < ID_LENGTH; i++) {
      this.#octets[first + i] = this.#octets[second + i] = source[start + i] as number;
    }
  }

  send(client: Client, now: number): void {
    if (this.#count > 0) client.feed.received(this.#octets.subarray(0, this.#count * this.#each), now);
    this.#count = 0;
  }
}

const questions: (() => void)[] = [];
const host: Host = {
  dial() {},
  findCredential: (_user, _realm, ticket) =>
    void questions.push(() => relay.credential(ticket, { password: "secret" }, 0)),
  fillRandom: (target) => void randomFillSync(target),
  note() {},
};
const config = relayConfig({
  listeners: [tlsListener("localhost", 2855, "tls")],
  domains: [{ name: "localhost", algorithms: ["MD5"] }],
});
const relay = new Relay(config, host, 0);
const A = "msrps://a.invalid:2855/alice;tcp";
const B = "msrps://b.invalid:2855/bob;tcp";
const a = new Client(relay);
const b = new Client(relay);
const lease = authenticate(b, B);

console.log(
  "one core of it, no sockets".padEnd(26) + "per CPU s".padStart(12) + "MB/s".padStart(8) + "spread".padStart(10),
);
for (const one of cases) {
  const rates = Array.from({ length: ROUNDS }, () => run(one)).sort((x, y) => x - y);
  const best = rates.at(-1) as number;
  const spread = `${Math.round((100 * (best - (rates[1] as number))) / best)} %`;
  const cells = [
    Math.round(best).toLocaleString("en"),
    Math.round((best * one.bytes) / 1e6).toLocaleString("en"),
    spread,
  ];
  console.log(
    one.name.padEnd(26) +
      (cells[0] as string).padStart(12) +
      (cells[1] as string).padStart(8) +
      (cells[2] as string).padStart(10),
  );
}

/** Messages per CPU second, in one round: all threads, so the collector's are in it. */
function run({ bytes, failureReport, batch, read, senders = 1 }: Case): number {
  const frames = octets(
    Array.from({ length: batch }, (_, index) => {
      const id = `tid${1000 + index}`;
      const from = A.replace("alice", `alice${index % senders}`);
      const report = failureReport === "no" ? "Failure-Report: no\r\n" : "";
      return (
        `MSRP ${id} SEND\r\nTo-Path: ${lease} ${B}\r\nFrom-Path: ${from}\r\nMessage-ID: m.${id}\r\n` +
        `Byte-Range: 1-${bytes}/${bytes}\r\n${report}Content-Type: text/plain\r\n\r\n${"x".repeat(bytes)}\r\n-------${id}$\r\n`
      );
    }).join(""),
  );
  const reads: Uint8Array[] = [];
  const each = read === 0 ? frames.length : read;
  for (let at = 0; at < frames.length; at += each) reads.push(frames.slice(at, at + each));
  const answers = new Answers(`To-Path: ${lease}\r\nFrom-Path: ${B}\r\n`, batch);
  let seen = 0;
  b.onEndLine = (source, start) => {
    seen++;
    if (failureReport === "yes") answers.add(source, start);
  };
  const start = performance.now();
  const cpu = process.cpuUsage();
  let messages = 0;
  let now = start;
  for (; now < start + ROUND_MS; now = performance.now()) {
    for (let i = 0; i < 50; i++) {
      for (const piece of reads) {
        a.feed.received(piece, now);
        a.length = 0;
        b.length = 0;
        answers.send(b, now);
      }
      messages += batch;
    }
  }
  if (seen !== messages) throw new Error(`${messages} messages went in and ${seen} came out`);
  const { user, system } = process.cpuUsage(cpu);
  return (1e6 * messages) / (user + system);
}

function authenticate(client: Client, uri: string): string {
  const to = "msrps://localhost:2855;tcp";
  const ask = (id: string, more: string) => {
    const frame = `MSRP ${id} AUTH\r\nTo-Path: ${to}\r\nFrom-Path: ${uri}\r\n${more}-------${id}$\r\n`;
    client.feed.received(octets(frame), 0);
    for (let question = questions.shift(); question !== undefined; question = questions.shift()) question();
    return client.take();
  };
  const offered = /WWW-Authenticate: (.*)\r\n/.exec(ask("auth1", ""))?.[1] ?? "";
  const credential = { password: "secret" };
  const challenge = chooseChallenge([offered], credential);
  if (challenge === undefined) throw new Error("the relay did not challenge");
  const input = { challenge, username: "bob", credential, uri: to, cnonce: "abcdefgh", nonceCount: 1 };
  const granted = ask("auth2", `Authorization: ${answerChallenge(input)?.authorization}\r\n`);
  const usePath = /Use-Path: (.*)\r\n/.exec(granted)?.[1];
  if (usePath === undefined) throw new Error(`no Use-Path in:\n${granted}`);
  return usePath;
}
