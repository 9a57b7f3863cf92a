/**
 * The floor on Deno: as node.ts, by Deno.listen and Deno.connect, plain.
 * `deno run -A bench/bare/deno.ts PORT ONWARD`
 */
const [port, onward] = Deno.args;

for await (const conn of Deno.listen({ hostname: "127.0.0.1", port: Number(port) })) {
  conn.setNoDelay(true);
  came(conn).catch(() => conn.close());
}

async function came(conn: Deno.TcpConn): Promise<void> {
  if (onward === "-") return void (await conn.read(new Uint8Array(4096)));
  const to = { hostname: "127.0.0.1", port: Number(onward) };
  const other = await Deno.connect(to);
  other.setNoDelay(true);
  await Promise.all([copy(conn, other), copy(other, conn)]);
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let length = await from.read(buffer); length !== null; length = await from.read(buffer)) {
    for (let at = 0; at < length; ) at += await to.write(buffer.subarray(at, length));
  }
  to.close();
}

export {};
