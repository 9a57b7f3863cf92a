/** One chunk, as long as a film: written piece by piece, and compared piece by piece. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { contentSlice } from "./content.ts";
import { Meter } from "./meter.ts";
import type { Load, Order, Outcome } from "./order.ts";
import { Receiver } from "./receiver.ts";
import { type Messages, type Paths, messageId } from "./ring.ts";
import { type Ends, openEnds } from "./session.ts";
import { Failure, Listener, within } from "./sockets.ts";

const PIECE = 256 * 1024;
const PATIENCE_MS = 120_000;
/** What copies octets only needs a tenth of a second for one. */
const MOST_WARM_UPS = 8;
const ID = "tendless";

export async function runEndless(order: Order, load: Load & { kind: "endless" }): Promise<Outcome> {
  const { target } = order;
  const meter = new Meter(order);
  const listener = target.kind === "relay" ? undefined : await Listener.start(target);
  const failure = new Failure();
  const ends = await openEnds(0, target, listener);
  ends.a.on("close", () => failure.reject(new Error("client A's connection was closed")));
  ends.a.resume();
  try {
    const untouched = target.kind !== "relay";
    // A chunk is half a second of the relay's time, and engines compile for longer than that.
    meter.start();
    for (let chunks = 0; chunks < MOST_WARM_UPS && (chunks === 0 || meter.relayCpu < order.warmupSeconds); chunks++) {
      const warmUp = receive(ends, oneMessage(ends, load.bytes), untouched, failure.reject);
      await Promise.race([failure.promise, within(transfer(ends, load.bytes, warmUp), "a chunk", PATIENCE_MS)]);
      ends.b.removeAllListeners("data");
    }
    const receiver = receive(ends, oneMessage(ends, load.bytes), untouched, failure.reject);
    meter.start();
    await Promise.race([failure.promise, within(transfer(ends, load.bytes, receiver), "the chunk", PATIENCE_MS)]);
    return { ...meter.stop(), count: 1, octets: receiver.octets };
  } finally {
    ends.a.removeAllListeners("close").destroy();
    ends.b.destroy();
    listener?.close();
  }
}

export function receive(ends: Ends, ring: Messages, untouched: boolean, failed: (error: Error) => void): Receiver {
  return new Receiver(ends.b, { ring, untouched, answer: true }, () => {}, failed);
}

/** Resolves when all of it has come. */
export async function transfer(ends: Ends, bytes: number, receiver: Receiver): Promise<void> {
  await writeChunk(ends.a, oneMessage(ends, bytes), () => false);
  while (receiver.delivered === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

/**
 * Writes one chunk as fast as the socket takes it.
 *
 * @param stop  asked before each piece: true leaves the rest unwritten
 */
export async function writeChunk(socket: Socket, message: Messages, stop: () => boolean): Promise<void> {
  const { paths, bytes, ids } = message;
  const [id] = ids as readonly [string];
  socket.write(
    `MSRP ${id} SEND\r\nTo-Path: ${paths.toPath}\r\nFrom-Path: ${paths.a}\r\nMessage-ID: ${messageId(id)}\r\n` +
      `Byte-Range: 1-${bytes}/${bytes}\r\nContent-Type: application/octet-stream\r\n\r\n`,
    "latin1",
  );
  for (let at = 0; at < bytes && !stop(); at += PIECE) {
    if (!socket.write(contentSlice(at, Math.min(PIECE, bytes - at)))) await once(socket, "drain");
  }
  if (!stop()) socket.write(`\r\n-------${id}$\r\n`, "latin1");
}

/** A session's only message. */
export function oneMessage({ aUri: a, bUri: b, via }: Ends, bytes: number): Messages {
  const paths: Paths = { a, b, toPath: `${via} ${b}` };
  return { paths, bytes, size: 1, frameLength: bytes, ids: [ID], indexOf: () => 0, pieces: () => [] };
}
