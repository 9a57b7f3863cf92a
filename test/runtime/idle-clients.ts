/**
 * Opens many connections and leaves them idle: `node idle-clients.ts PORT COUNT`, always on Node, so that every runtime
 * is measured by the same clients and has its own descriptors.
 *
 * Prints `open N` when all are there. A line on standard input makes each say something and wait for the echo; then it
 * prints `echoed N`. The end of standard input ends it.
 */
import { connect, type Socket } from "node:net";

const [port, count] = process.argv.slice(2).map(Number) as [number, number];
/** The queue of a listener holds some hundreds; more would have to send their SYN again, a second later. */
const AT_ONCE = 200;

const sockets: Socket[] = [];
process.stdin.on("end", () => process.exit());
process.stdin.on("data", () => {
  let echoed = 0;
  for (const socket of sockets) {
    socket.once("data", () => {
      if (++echoed === sockets.length) console.log(`echoed ${echoed}`);
    });
    socket.write("still here");
  }
});

while (sockets.length < count) {
  const batch = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => opened());
  sockets.push(...(await Promise.all(batch)));
}
console.log(`open ${sockets.length}`);

function opened(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });
}
