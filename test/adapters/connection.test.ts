import { beforeEach, describe, expect, it } from "vitest";
import { Connection } from "../../adapters/shared/connection.ts";
import { Driver } from "../../adapters/shared/driver.ts";
import { PATIENCE } from "../../adapters/shared/lingering.ts";
import { HIGH_MARK, LOW_MARK } from "../../adapters/shared/outbox.ts";
import type { Link } from "../../core/mod.ts";
import { RecordingChannel } from "./recording-channel.ts";
import { VirtualClock } from "./virtual-clock.ts";

const peer = { address: "192.0.2.1", port: 2855, secure: false, names: [] };

let clock: VirtualClock;
let bugs: unknown[];
let driver: Driver;
let channel: RecordingChannel;
let connection: Connection;
let told: string[];

beforeEach(() => {
  clock = new VirtualClock();
  bugs = [];
  driver = new Driver({ clock, onBug: (bug) => bugs.push(bug) });
  channel = new RecordingChannel();
  connection = open(true);
});

function open(freshReads: boolean, core: (link: Link) => void = () => {}): Connection {
  told = [];
  const made = new Connection(driver, peer, channel, { freshReads });
  made.attach((link) => {
    core(link);
    return {
      received: (bytes) => told.push(`received ${Buffer.from(bytes).toString("latin1")}`),
      writable: () => told.push(`writable ${link.backlog}`),
      ended: () => told.push("ended"),
    };
  });
  return made;
}

/** What the pieces offered so far look into. */
function memory(): Set<ArrayBufferLike> {
  return new Set(channel.lots.flat().map((piece) => piece.buffer));
}

function write(text: string): void {
  driver.turn(() => connection.write(Buffer.from(text, "latin1"), 0, text.length));
}

describe("what core writes", () => {
  it("in one turn goes out in one call and one piece", () => {
    driver.turn(() => {
      for (const word of ["MSRP ", "a786hjs2 ", "SEND\r\n"]) connection.write(Buffer.from(word), 0, word.length);
      expect(connection.backlog).toBe(20);
      expect(channel.calls).toEqual([]);
    });
    expect(channel.calls).toEqual([[20]]);
    expect(channel.taken).toBe("MSRP a786hjs2 SEND\r\n");
    expect(connection.backlog).toBe(0);
  });

  it("is only the part asked for", () => {
    driver.turn(() => {
      connection.write(Buffer.from("abcdef"), 2, 4);
      connection.write(Buffer.from("abcdef"), 3, 3);
    });
    expect(channel.taken).toBe("cd");
  });

  it("may be overwritten as soon as write returns", () => {
    const scratch = Buffer.alloc(40_000, "a");
    driver.turn(() => {
      for (const [fill, length] of [
        ["b", 100],
        ["c", 5000],
        ["d", 40_000],
      ] as const) {
        scratch.fill(fill);
        connection.write(scratch, 0, length);
      }
      scratch.fill("x");
    });
    expect(channel.taken).toBe("b".repeat(100) + "c".repeat(5000) + "d".repeat(40_000));
  });

  it("may be overwritten when it came out of a buffer that is used again", () => {
    connection = open(false);
    const buffer = Buffer.alloc(10_000, "a");
    const link = connection;
    connection.attach(() => ({
      received: (bytes) => link.write(bytes, 0, bytes.length),
      writable: () => {},
      ended: () => {},
    }));
    driver.turn(() => {
      connection.received(buffer);
      driver.turn(() => buffer.fill("x"));
    });
    channel.room = 0;
    connection.received(buffer.fill("b"));
    buffer.fill("x");
    channel.room = 10_000;
    connection.taken(0);
    expect(channel.taken).toBe("a".repeat(10_000) + "b".repeat(10_000));
  });

  describe("out of the buffer just received", () => {
    /** Writes received[start, end) back and answers whether it went out in the same memory. */
    function passedOn(buffer: Uint8Array, start: number, end: number): boolean {
      connection.attach((link) => ({
        received: (bytes) => link.write(bytes, start, end),
        writable: () => {},
        ended: () => {},
      }));
      connection.received(buffer);
      return channel.pieces.some((piece) => piece.buffer === buffer.buffer);
    }

    it("is passed on without a copy when it is long", () => {
      expect(passedOn(new Uint8Array(65_536), 100, 65_536)).toBe(true);
      expect(channel.calls).toEqual([[65_436]]);
    });

    it("is copied when it is short", () => {
      expect(passedOn(new Uint8Array(16_384), 0, 4000)).toBe(false);
    });

    it("is copied when too much would be kept alive by views of it", () => {
      connection.attach((link) => ({
        received: (bytes) => link.write(bytes, 0, 32_768),
        writable: () => {},
        ended: () => {},
      }));
      // A quarter of each buffer, and nothing is taken: 128 KB of backlog keep 512 KB alive, and no more is kept.
      const kept = (count: number) => {
        channel.lots.length = 0;
        channel.room = 0;
        for (let i = 0; i < count; i++) connection.received(new Uint8Array(131_072));
        channel.room = Number.POSITIVE_INFINITY;
        connection.taken(0);
        expect(connection.backlog).toBe(0);
        return [...memory()].filter(({ byteLength }) => byteLength === 131_072).length;
      };
      expect(kept(10)).toBe(4);
      expect(kept(3)).toBe(3);
    });

    it("keeps its place between small writes", () => {
      connection.attach((link) => ({
        received: (bytes) => {
          link.write(Buffer.from("head"), 0, 4);
          link.write(bytes, 0, bytes.length);
          link.write(Buffer.from("tail"), 0, 4);
        },
        writable: () => {},
        ended: () => {},
      }));
      connection.received(Buffer.alloc(40_000, "b"));
      expect(channel.calls).toEqual([[4, 40_000, 4]]);
      expect(channel.taken).toBe(`head${"b".repeat(40_000)}tail`);
    });
  });

  it("goes out in lots where the channel does not say how much of one was taken", () => {
    const long = Buffer.alloc(100_000, "a");
    driver.turn(() => connection.write(long, 0, long.length));
    expect(channel.calls.map((pieces) => pieces.reduce((sum, octets) => sum + octets, 0))).toEqual([65_536, 34_464]);
    channel.calls.length = 0;
    channel.lot = Number.POSITIVE_INFINITY;
    driver.turn(() => connection.write(long, 0, long.length));
    expect(channel.calls.map((pieces) => pieces.reduce((sum, octets) => sum + octets, 0))).toEqual([100_000]);
  });

  describe("in pages", () => {
    const long = Buffer.alloc(100_000, "a");
    /** In writes that are short enough to be copied. */
    const fill = (to: Connection) => {
      driver.turn(() => {
        for (let at = 0; at < long.length; at += 1000) to.write(long, at, at + 1000);
      });
    };

    it("uses them again when all was taken", () => {
      fill(connection);
      const first = memory();
      expect(first.size).toBe(3);
      channel.lots.length = 0;
      fill(connection);
      expect([...memory()].filter((page) => !first.has(page))).toEqual([]);
    });

    it("uses one again as soon as it was taken, and not before", () => {
      channel.lot = Number.POSITIVE_INFINITY;
      channel.room = 20_000;
      fill(connection);
      const [taken, partly, waiting] = [...memory()];
      channel.lots.length = 0;
      channel.room = Number.POSITIVE_INFINITY;
      fill(open(true));
      expect(memory()).toContain(taken);
      expect(memory()).not.toContain(partly);
      expect(memory()).not.toContain(waiting);
    });
  });

  it("gathers while the channel is busy and follows in one call", () => {
    channel.room = 3;
    write("abcdef");
    expect(connection.backlog).toBe(3);
    write("ghi");
    write("jkl");
    expect(channel.calls).toEqual([[6]]);
    expect(connection.backlog).toBe(9);
    channel.room = 100;
    connection.taken(0);
    expect(channel.taken).toBe("abcdefghijkl");
    expect(connection.backlog).toBe(0);
  });

  it("is offered again only where it was not taken", () => {
    channel.room = 0;
    write("abcdef");
    channel.room = 100;
    connection.taken(6); // a runtime that takes everything, and says so later
    expect(channel.calls).toEqual([[6]]);
    expect(connection.backlog).toBe(0);
    write("gh");
    expect(channel.taken).toBe("gh");
  });

  it("survives any way of being taken", () => {
    let expected = "";
    for (let i = 0; i < 400; i++) {
      const text = String.fromCharCode(97 + (i % 26)).repeat(1 + ((i * 7919) % 9000));
      expected += text;
      write(text);
      channel.room = (i * 104729) % 12_000;
      connection.taken(0);
      expect(connection.backlog).toBe(expected.length - channel.taken.length);
    }
    channel.room = Number.POSITIVE_INFINITY;
    connection.taken(0);
    expect(channel.taken).toBe(expected);
  });

  it("is told to have drained when it falls below the low mark, in a turn of its own", () => {
    channel.room = 0;
    write("x".repeat(HIGH_MARK + 1));
    channel.room = HIGH_MARK - LOW_MARK;
    connection.taken(0);
    clock.advance(0);
    expect(told).toEqual([]);
    channel.room = 2;
    connection.taken(0);
    expect(told).toEqual([]);
    clock.advance(0);
    expect(told).toEqual([`writable ${LOW_MARK - 1}`]);
  });

  it("is told to have drained also when the kernel took all of it at once", () => {
    write("x".repeat(HIGH_MARK + 1));
    clock.advance(0);
    expect(told).toEqual(["writable 0"]);
    write("x".repeat(LOW_MARK));
    clock.advance(0);
    expect(told).toHaveLength(1);
  });

  it("is not told to have drained when it has risen again meanwhile", () => {
    write("x".repeat(HIGH_MARK + 1));
    channel.room = 0;
    write("x".repeat(HIGH_MARK + 1));
    clock.advance(0);
    expect(told).toEqual([]);
    channel.room = HIGH_MARK;
    connection.taken(0);
    clock.advance(0);
    expect(told).toEqual(["writable 1"]);
  });
});

describe("close", () => {
  it("finishes at once when there is nothing to send, and waits for the peer to hang up", () => {
    driver.turn(() => connection.close());
    expect(channel.log).toEqual(["finish"]);
    expect(driver.connections).toBe(1);
    connection.gone();
    expect(driver.connections).toBe(0);
    expect(told).toEqual([]);
  });

  it("sends the backlog first and reads on, to throw away what comes", () => {
    channel.room = 0;
    driver.turn(() => {
      connection.setReading(false);
      connection.write(Buffer.from("abc"), 0, 3);
      connection.close();
      connection.write(Buffer.from("def"), 0, 3);
      connection.setReading(false);
    });
    expect(channel.log).toEqual(["pause", "read"]);
    connection.received(Buffer.from("too late"));
    channel.room = 100;
    connection.taken(0);
    expect(channel.taken).toBe("abc");
    expect(channel.log).toEqual(["pause", "read", "finish"]);
    expect(told).toEqual([]);
  });

  it("loses patience with a peer that takes nothing", () => {
    channel.room = 0;
    write("abc");
    driver.turn(() => connection.close());
    clock.advance(PATIENCE - 1);
    channel.room = 1;
    connection.taken(0); // progress
    clock.advance(PATIENCE - 1);
    expect(channel.log).toEqual([]);
    clock.advance(1);
    expect(channel.log).toEqual(["destroy"]);
    expect(driver.connections).toBe(0);
    expect(connection.backlog).toBe(2);
    expect(clock.pending).toBe(0);
  });

  it("loses patience with a peer that does not hang up", () => {
    driver.turn(() => connection.close());
    clock.advance(PATIENCE);
    expect(channel.log).toEqual(["finish", "destroy"]);
  });

  it("may come while core is taking the connection", () => {
    open(true, (link) => link.close());
    expect(channel.log).toEqual(["finish"]);
    expect(bugs).toEqual([]);
  });
});

describe("the end of a peer", () => {
  it("is told once, and what core writes then still goes out", () => {
    channel.room = 0;
    write("abc");
    connection.finished();
    expect(told).toEqual(["ended"]);
    expect(channel.log).toEqual([]);
    connection.received(Buffer.from("impossible"));
    channel.room = 100;
    connection.taken(0);
    expect(channel.taken).toBe("abc");
    expect(channel.log).toEqual(["finish"]);
    connection.gone();
    expect(told).toEqual(["ended"]);
  });

  it("is told once when it vanishes, and the backlog stays readable", () => {
    channel.room = 0;
    write("abc");
    connection.gone();
    connection.gone();
    connection.taken(3);
    write("def");
    expect(told).toEqual(["ended"]);
    expect(connection.backlog).toBe(3);
    expect(channel.log).toEqual([]);
    expect(driver.connections).toBe(0);
  });

  it("follows what was received in the same breath", () => {
    driver.turn(() => {
      connection.received(Buffer.from("abc"));
      connection.finished();
      connection.gone();
    });
    expect(told).toEqual(["received abc", "ended"]);
  });

  it("is told even when it came before core took the connection", () => {
    const early = new Connection(driver, peer, channel, { freshReads: true });
    early.gone();
    let ended = 0;
    early.attach(() => ({ received: () => {}, writable: () => {}, ended: () => ended++ }));
    expect(ended).toBe(1);
  });
});

describe("a bug of ours", () => {
  it("drops the connection and tells core of its end", () => {
    connection.attach(() => ({
      received: () => {
        throw new Error("a bug");
      },
      writable: () => {},
      ended: () => told.push("ended"),
    }));
    connection.received(Buffer.from("abc"));
    expect(bugs).toEqual([new Error("a bug")]);
    expect(channel.log).toEqual(["destroy"]);
    expect(told).toEqual(["ended"]);
    connection.received(Buffer.from("abc"));
    expect(bugs).toHaveLength(1);
  });

  it("in the last call is no different", () => {
    connection.attach(() => ({
      received: () => {},
      writable: () => {},
      ended: () => {
        throw new Error("a bug at the end");
      },
    }));
    connection.finished();
    expect(bugs).toEqual([new Error("a bug at the end")]);
    expect(driver.connections).toBe(0);
  });

  it("in taking the connection drops it", () => {
    open(true, () => {
      throw new Error("a bug at birth");
    });
    expect(bugs).toEqual([new Error("a bug at birth")]);
    expect(channel.log).toEqual(["destroy"]);
  });
});
