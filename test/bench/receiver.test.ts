/** A bench that does not notice what goes wrong measures nothing: what client B must refuse to count. */
import { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { Receiver } from "../../bench/load/receiver.ts";
import { type Paths, Ring } from "../../bench/load/ring.ts";

const paths: Paths = {
  toPath: "msrp://relay:1/lease;tcp msrp://b:1/b;tcp",
  a: "msrp://a:1/a;tcp",
  b: "msrp://b:1/b;tcp",
};

/** A frame as a relay passes it on, under an id of its own. */
function relayed(ring: Ring, index: number): Buffer {
  const [sent] = ring.pieces(index, 1) as [Buffer];
  const id = ring.ids[index] as string;
  const moved = sent
    .toString("latin1")
    .replace(`To-Path: ${paths.toPath}\r\nFrom-Path: `, `To-Path: ${paths.b}\r\nFrom-Path: msrp://relay:1/lease;tcp `)
    .replace(`MSRP ${id}`, `MSRP relayed${index}`)
    .replace(`-------${id}$`, `-------relayed${index}$$`);
  return Buffer.from(moved, "latin1");
}

function receive(ring: Ring, octets: Buffer, cut = octets.length) {
  const written: string[] = [];
  const failures: string[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString("latin1"));
      done();
    },
  });
  const expected = { ring, untouched: false, answer: true };
  const failed = (error: Error) => failures.push(error.message);
  const receiver = new Receiver(socket as unknown as Socket, expected, () => {}, failed);
  for (let at = 0; at < octets.length; at += cut) socket.emit("data", octets.subarray(at, at + cut));
  return { receiver, written: written.join(""), failures };
}

describe("client B", () => {
  const ring = new Ring(1, paths, 100, 4, "yes");
  const three = Buffer.concat([0, 1, 2].map((index) => relayed(ring, index)));

  test.each([1, 3, 17, 100, 1000])("counts and answers what is right, in reads of %i octets", (cut) => {
    const { receiver, written, failures } = receive(ring, three, cut);
    expect(failures).toEqual([]);
    expect(receiver.delivered).toBe(3);
    expect(receiver.octets).toBe(300);
    expect(written.match(/^MSRP relayed\d 200 OK\r$/gm)).toHaveLength(3);
    expect(written).toContain(`To-Path: msrp://relay:1/lease;tcp\r\nFrom-Path: ${paths.b}\r\n`);
  });

  test("takes a message that comes in several chunks", () => {
    const text = relayed(ring, 0).toString("latin1");
    const bodyAt = text.indexOf("\r\n\r\n") + 4;
    const first = `${text.slice(0, bodyAt + 40)}\r\n-------relayed0+\r\n`;
    const second = text
      .slice(0, bodyAt)
      .replaceAll("relayed0", "resumed0")
      .replace("Byte-Range: 1-", "Byte-Range: 41-");
    const rest = text.slice(bodyAt + 40).replaceAll("relayed0", "resumed0");
    const { receiver, failures } = receive(ring, Buffer.from(first + second + rest, "latin1"));
    expect(failures).toEqual([]);
    expect(receiver.delivered).toBe(1);
  });

  const wrong: Record<string, Buffer> = {
    "a message that was lost": Buffer.concat([relayed(ring, 0), relayed(ring, 2)]),
    "a message that came twice": Buffer.concat([relayed(ring, 0), relayed(ring, 0)]),
    "another octet in a body": changed(three, three.length - 40),
    "another octet in the first body": changed(three, relayed(ring, 0).length - 40),
    "a body without its last octet": without(relayed(ring, 0), relayed(ring, 0).length - 22),
    "another end-line": changed(three, three.length - 8),
    "a path that was not moved on": Buffer.concat(ring.pieces(0, 1)),
    "a REPORT": Buffer.from("MSRP report00 REPORT\r\nTo-Path: x\r\nFrom-Path: y\r\n\r\n-------report00$\r\n", "latin1"),
  };
  test.each(Object.entries(wrong))("does not take %s", (_name, octets) => {
    const { failures } = receive(ring, octets);
    expect(failures).toHaveLength(1);
  });
});

function changed(octets: Buffer, at: number): Buffer {
  const copy = Buffer.from(octets);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

function without(octets: Buffer, at: number): Buffer {
  return Buffer.concat([octets.subarray(0, at), octets.subarray(at + 1)]);
}
