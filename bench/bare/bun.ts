/** The floor on Bun: as node.ts, by Bun.listen and Bun.connect. `bun bench/bare/bun.ts PORT ONWARD [CERT KEY]` */
import process from "node:process";

const [port, onward, cert, key] = process.argv.slice(2);
const secure = cert !== undefined && key !== undefined;

interface End {
  other?: Bun.Socket<End>;
  /** What it did not take. */
  rest: Uint8Array[];
}

function offer(to: Bun.Socket<End>, bytes: Uint8Array): void {
  const { rest } = to.data;
  const taken = rest.length === 0 ? Math.max(0, to.write(bytes)) : 0;
  if (taken === bytes.length) return;
  rest.push(bytes.subarray(taken));
  to.data.other?.pause();
}

const socket: Bun.SocketHandler<End> = {
  open(opened) {
    opened.setNoDelay(true);
    if (opened.data !== undefined) return;
    opened.data = { rest: [] };
    if (onward === "-") return;
    opened.pause();
    join(opened).catch(() => opened.terminate());
  },
  data(from, bytes) {
    const { other } = from.data;
    if (other !== undefined) offer(other, bytes);
  },
  drain(to) {
    const { rest, other } = to.data;
    for (let piece = rest[0]; piece !== undefined; piece = rest[0]) {
      const taken = Math.max(0, to.write(piece));
      if (taken < piece.length) {
        rest[0] = piece.subarray(taken);
        return;
      }
      rest.shift();
    }
    other?.resume();
  },
  close: ({ data }) => data.other?.terminate(),
  error() {},
};

async function join(from: Bun.Socket<End>): Promise<void> {
  const other = await Bun.connect<End>({
    hostname: "127.0.0.1",
    port: Number(onward),
    data: { other: from, rest: [] },
    ...(secure && { tls: { rejectUnauthorized: false } }),
    socket,
  });
  from.data.other = other;
  from.resume();
}

Bun.listen<End>({
  hostname: "127.0.0.1",
  port: Number(port),
  ...(secure && { tls: { cert: Bun.file(cert), key: Bun.file(key) } }),
  socket,
});
