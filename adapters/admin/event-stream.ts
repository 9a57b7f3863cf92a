/**
 * Server-sent events (HTML Living Standard §9.2) that cost a bounded amount of memory whatever the reader does.
 *
 * What a reader has not taken waits in a queue of its own. When that is full, the reader is too slow to follow: its
 * connection is dropped, and it may come again with Last-Event-ID. Nothing it does holds up anybody else.
 */
import { type SSEMessage, streamSSE } from "hono/streaming";
import type { AdminContext } from "./guard.ts";
import { Problem } from "./problems.ts";

/** Streams at once: each costs a connection and a queue. */
const MOST_STREAMS = 64;
/** Messages waiting for one reader, besides those it was sent at the beginning: a few hundred kilobytes. */
const MOST_WAITING = 1000;
/** A comment after so much silence (ms) keeps proxies from giving up, and finds out who has gone. */
const HEARTBEAT = 15_000;

/** How many streams are open, for all routes together. */
export class Streams {
  open = 0;
}

export interface Sender {
  send(message: SSEMessage): void;
  /** Sends what is waiting and this, and ends the stream. */
  finish(message: SSEMessage): void;
}

/**
 * @param start  begins to send, and answers what to call when the reader has gone
 * @throws Problem 503 when too many streams are open
 */
export function sendEvents(context: AdminContext, streams: Streams, start: (sender: Sender) => () => void): Response {
  if (streams.open >= MOST_STREAMS) {
    throw new Problem(503, `${MOST_STREAMS} streams are open already`, { headers: { "retry-after": "30" } });
  }
  streams.open++;
  const queue: SSEMessage[] = [];
  // What a stream begins with is as much as its source remembers, and no sign of a slow reader.
  let most = Number.POSITIVE_INFINITY;
  let over = false; // nothing more is taken
  let gone = false; // nobody is there to read
  let wake = () => {};
  const sender: Sender = {
    send(message) {
      if (over) return;
      queue.push(message);
      if (queue.length > most) drop();
      wake();
    },
    finish(message) {
      if (over) return;
      queue.push(message);
      over = true;
      wake();
    },
  };
  let drop = () => {
    over = gone = true;
  };
  // Proxies that gather a whole answer before they pass it on would never pass on this one.
  context.header("x-accel-buffering", "no");
  return streamSSE(context, async (stream) => {
    drop = () => {
      over = gone = true;
      queue.length = 0;
      stream.abort();
      context.env?.incoming?.socket.destroy?.();
    };
    stream.onAbort(() => {
      over = gone = true;
      wake();
    });
    let stop = () => {};
    try {
      // The first octets tell the reader that it is connected.
      await stream.write(": parley\n\n");
      stop = start(sender);
      most = queue.length + MOST_WAITING;
      while (!gone) {
        const message = queue.shift();
        if (message !== undefined) await stream.writeSSE(message);
        else if (over) break;
        else if (await silence((call) => (wake = call))) await stream.write(": still here\n\n");
      }
    } finally {
      over = true;
      streams.open--;
      stop();
    }
  });
}

/** True when nothing has happened for so long. */
function silence(onWake: (call: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), HEARTBEAT);
    onWake(() => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
