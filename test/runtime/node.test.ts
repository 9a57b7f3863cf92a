import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { isReadIntoOurs, opening, readInto } from "../../adapters/compat/reads.ts";
import { node } from "../../adapters/node/runtime.ts";
import { runtimeSuite } from "./suite.ts";

describe("Node", () => {
  runtimeSuite(node, { apis: { plain: "node:net", one: "node:tls", many: "node:tls" } });

  // What makes it fast rests on a property that Node does not document: without it everything works, and this fails.
  it("reads accepted and dialled sockets into a buffer of ours", async () => {
    const buffer = new Uint8Array(64);
    const accepted: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (given) => {
      const socket = readInto(buffer, given);
      accepted.push(socket);
      socket.resume();
      socket.write("answer");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const answers = new Uint8Array(64);
    const client = opening(answers, (onread) => connect({ port, host: "127.0.0.1", onread }));
    try {
      await once(client, "connect");
      client.resume();
      client.write("question");
      await expect.poll(() => String.fromCharCode(...buffer.subarray(0, 8))).toBe("question");
      await expect.poll(() => String.fromCharCode(...answers.subarray(0, 6))).toBe("answer");
      const [socket] = accepted as [Socket];
      expect([isReadIntoOurs(socket), isReadIntoOurs(client)]).toEqual([true, true]);
      const closed = once(server, "close");
      client.destroy();
      server.close();
      await closed; // the server counts the socket it has given us as gone
    } finally {
      client.destroy();
      for (const socket of accepted) socket.destroy();
      server.close();
    }
  });
});
