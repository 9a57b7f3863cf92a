/**
 * The floor: octets copied by node:net or node:tls, with no driver, no outbox and no relay. On any runtime:
 * `node bench/bare/node.ts PORT ONWARD [CERT KEY]`. With `-` for ONWARD it only listens.
 */
import { readFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import process from "node:process";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";

const [port, onward, cert, key] = process.argv.slice(2);
const secure = cert !== undefined && key !== undefined;

function came(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  if (onward === "-") return void socket.resume();
  const to = { port: Number(onward), host: "127.0.0.1" };
  const other = secure ? connectTls({ ...to, rejectUnauthorized: false }) : connectTcp(to);
  other.setNoDelay(true);
  other.on("error", () => socket.destroy());
  other.on("close", () => socket.destroy());
  socket.on("close", () => other.destroy());
  socket.pipe(other).pipe(socket);
}

const server = secure
  ? createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, came)
  : createServer(came);
server.on("tlsClientError", () => {});
server.listen({ port: Number(port), host: "127.0.0.1" });
