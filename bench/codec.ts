/**
 * How fast the codec is by itself: octets already in memory, a sink that only counts, one core.
 *
 *     node bench/codec.ts        bun bench/codec.ts        deno run -A bench/codec.ts
 *
 * The first table is the search for the end-line in bodies of 1 MiB that arrive in reads of 64 KiB, one row for each
 * kind of body: what people send, and what somebody who wishes us ill would. The second is heads: whole frames with 32
 * octets of body, as they stand one behind the other in a read. Each figure is the best of several rounds, since what
 * disturbs a round only ever makes it slower; the spread stands beside it.
 */
import { octets } from "../core/bytes/octets.ts";
import { Reader } from "../core/codec/reader.ts";
import { TidGuard } from "../core/codec/tid-guard.ts";
import { parsePath } from "../core/codec/path.ts";

const MAX_HEAD = 8192;
const READ = 64 * 1024;
const BODY = 1024 * 1024;
const ROUNDS = 9;
const ROUND_MS = 60;

/** What a sink of the bench counts, so that nothing it is given can be optimised away. */
let counter = 0;

const ID = "d93kswow7hzgb4uq";
const HEAD = [
  "To-Path: msrps://b.example.net:9000/aeiugkzfjanwq6hq3rdbxe5x7e;tcp msrps://bob.example.net:8145/foo5k2mzxq;tcp",
  "From-Path: msrps://a.example.org:9000/kjfjan7yqk3tq5hsm2bd4n6x2a;tcp msrps://alice.example.org:7965/bar3l9;tcp",
  "Message-ID: 87652491.kswow",
];

const bodies: Record<string, Uint8Array> = {
  random: randomOctets(BODY),
  text: repeat("The quick brown fox jumps over the lazy dog -- and sleeps.\r\n", BODY),
  zeros: new Uint8Array(BODY),
  "all dashes": repeat("-", BODY),
  "seven dashes and one": repeat("-------x", BODY),
  "six dashes and one": repeat("------x", BODY),
  "ruled lines": repeat("\r\n--------------------------------", BODY),
  "all CRLF": repeat("\r\n", BODY),
  "CRLF and dash": repeat("\r\n-", BODY),
  "end-lines of others": repeat("\r\n-------a83kswow7hzgb4uq$", BODY),
  "end-lines but for the last octet": repeat(`\r\n-------${ID}$\r.`, BODY),
};

const frames: Record<string, Uint8Array> = {
  "SEND through two relays": frame(
    `SEND`,
    [...HEAD, "Byte-Range: 1-32/32", "Failure-Report: no", "Content-Type: text/plain"],
    "Hi Bob, 32 octets of body here.\n",
  ),
  "200 OK": frame("200 OK", HEAD.slice(0, 2)),
  REPORT: frame("REPORT", [...HEAD, "Byte-Range: 1-32/32", "Status: 000 200 OK"]),
};

console.log(`${runtimeName()}\n`);
console.log(row("body, GB/s", "end-line", "spread", "guard", "spread"));
for (const [name, body] of Object.entries(bodies)) {
  const end = measure(() => searchEndLine(body));
  const guard = measure(() => guardBody(body));
  console.log(row(name, gigabytes(end.best), percent(end), gigabytes(guard.best), percent(guard)));
}

console.log(`\n${row("frames", "thousands/s", "spread", "octets", "")}`);
for (const [name, one] of Object.entries(frames)) {
  const { input, count } = fill(one);
  const result = measure(() => readFrames(input));
  console.log(row(name, ((result.best * count) / 1e3).toFixed(0), percent(result), String(one.length), ""));
}
const paths = HEAD[0]?.slice("To-Path: ".length) ?? "";
const parsed = measure(() => {
  for (let i = 0; i < 100; i++) counter += parsePath(paths)?.uris.length ?? 0;
});
console.log(row("path of two URIs, parsed", (parsed.best / 10).toFixed(0), percent(parsed), String(paths.length), ""));

function searchEndLine(body: Uint8Array): void {
  const reader = newReader();
  reader.read(octets(`MSRP ${ID} SEND\r\n${HEAD.join("\r\n")}\r\nContent-Type: a/b\r\n\r\n`));
  for (let at = 0; at < body.length; at += READ) reader.read(body.subarray(at, Math.min(at + READ, body.length)));
  const before = counter;
  reader.read(octets(`\r\n-------${ID}$\r\n`));
  if (counter <= before || !reader.idle) throw new Error("the end-line was not found");
}

function guardBody(body: Uint8Array): void {
  const guard = new TidGuard();
  const id = octets("zzzkswow7hzgb4uq");
  guard.begin(id, 0, id.length);
  for (let at = 0; at < body.length; at += READ) {
    const end = Math.min(at + READ, body.length);
    if (guard.check(body, at, end) !== end) throw new Error("an id was found that is not there");
  }
}

function readFrames(input: Uint8Array): void {
  newReader().read(input);
}

function newReader(): Reader {
  return new Reader(
    {
      head: (head) => {
        counter += head.headerCount;
      },
      body: (_source, start, end) => {
        counter += end - start;
      },
      end: (flag) => {
        counter += flag;
      },
      lost: (fault) => {
        throw new Error(fault);
      },
    },
    MAX_HEAD,
  );
}

/** Runs `work` in rounds; runs a second in the best of them, and in the middle one. */
function measure(work: () => void): { best: number; median: number } {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    let runs = 0;
    let took = 0;
    while (took < ROUND_MS) {
      work();
      runs++;
      took = performance.now() - began;
    }
    rates.push((runs * 1000) / took);
  }
  rates.sort((a, b) => b - a);
  return { best: rates[0] as number, median: rates[ROUNDS >> 1] as number };
}

function frame(startLineRest: string, headers: readonly string[], body?: string): Uint8Array {
  const content = body === undefined ? "" : `\r\n${body}\r\n`;
  return octets(`MSRP ${ID} ${startLineRest}\r\n${headers.join("\r\n")}\r\n${content}-------${ID}$\r\n`);
}

/** As many whole frames as fit into one read. */
function fill(one: Uint8Array): { input: Uint8Array; count: number } {
  const count = Math.floor(READ / one.length);
  const input = new Uint8Array(count * one.length);
  for (let i = 0; i < count; i++) input.set(one, i * one.length);
  return { input, count };
}

function repeat(text: string, length: number): Uint8Array {
  const one = octets(text);
  const all = new Uint8Array(length);
  for (let at = 0; at < length; at += one.length) all.set(one.subarray(0, Math.min(one.length, length - at)), at);
  return all;
}

/** The same octets on every runtime: xorshift32. */
function randomOctets(length: number): Uint8Array {
  const all = new Uint8Array(length);
  let state = 4976;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    all[i] = state & 0xff;
  }
  return all;
}

function gigabytes(runsPerSecond: number): string {
  return ((runsPerSecond * BODY) / 1e9).toFixed(2);
}

/** How far the middle round fell behind the best one. */
function percent({ best, median }: { best: number; median: number }): string {
  return `-${(100 * (1 - median / best)).toFixed(0)} %`;
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(34) + cells.map((cell) => cell.padStart(12)).join("");
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  return bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`;
}
