/**
 * Where the octets of plain sockets are read to, on a runtime that lets us say.
 *
 * Otherwise each read has a new buffer of 64 KB: memory that no cache holds, asked for and given back for every few
 * messages. Here all sockets are read into one buffer, which a turn leaves before the next read (memory is borrowed,
 * core/ports.ts), so it stays warm, and it may be larger than anybody would give each of ten thousand sockets.
 */
import { type OnReadOpts, Socket } from "node:net";
import type { Connection } from "../shared/connection.ts";

/** A socket with the connection that is told what it reads. */
export type Connected = Socket & { [key]?: Connection | undefined };
export const key = Symbol("connection");

/** Sockets that are read into a buffer of ours have no `data` events. */
export function isReadIntoOurs(socket: Socket): boolean {
  return key in socket;
}

/**
 * A socket in the place of `accepted`, which nobody has read from yet: paused, or the same one when it has gone already.
 *
 * A server cannot be told `onread`; a socket that is made for a handle can.
 */
export function readInto(buffer: Uint8Array, accepted: Socket): Socket {
  const held = accepted as unknown as { _handle?: object | null };
  const handle = held._handle;
  if (typeof handle !== "object" || handle === null) return accepted.resume();
  held._handle = null;
  const { allowHalfOpen } = accepted;
  accepted.destroy(); // it is no connection of the server's any more
  return opening(buffer, (onread) => new Socket({ handle, allowHalfOpen, pauseOnCreate: true, onread } as object));
}

/** A socket that is made with `onread`; paused. */
export function opening(buffer: Uint8Array, make: (onread: OnReadOpts) => Socket): Socket {
  const socket: Connected = make({ buffer, callback: received });
  socket[key] = undefined;
  return socket.pause();
}

/** One function for all sockets: ten thousand idle ones would have one each. node:net calls it as a method of theirs. */
function received(this: unknown, length: number, buffer: Uint8Array): boolean {
  const socket = this as Connected;
  socket[key]?.received(buffer.subarray(0, length));
  // A pause in the turn of a resume does not hold: the stream begins to read once more behind it.
  return !socket.isPaused();
}
