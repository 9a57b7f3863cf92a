/**
 * Chains of real relays: the program with its configuration file, a process each, mutual TLS between them.
 *
 *     Alice ─ first ─ second ─ third ─ Bob        the first two are hers, the third is his
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import type { Authentication } from "../../core/endpoint/authentication.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { Content } from "../support/content.ts";
import { NodeClient, type Talk } from "../support/node-client.ts";
import { describeWith } from "../support/present.ts";
import { until } from "../support/wait.ts";
import { ChainProgram, PASSWORD, type RuntimeName } from "./chain-program.ts";

const MB = 1024 * 1024;
const FILE = 64 * MB;

const chains: readonly (readonly RuntimeName[])[] = [
  ["node", "node"],
  ["node", "node", "node"],
  ["node", "bun", "deno"],
];

describeWith([], "the program in a chain", () => {
  describe.each(chains.map((runtimes) => [runtimes.join(", "), runtimes] as const))("%s", (_, runtimes) => {
    let authority: TestAuthority;
    const relays: ChainProgram[] = [];
    const clients: NodeClient[] = [];
    let hers: readonly ChainProgram[];
    let his: readonly ChainProgram[];

    beforeAll(async () => {
      authority = await testAuthority();
      const pair = await authority.issue("localhost");
      for (const runtime of runtimes) {
        relays.push(await ChainProgram.start({ runtime, pair, authority: authority.cert }));
      }
      hers = relays.slice(0, -1);
      his = relays.slice(-1);
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.end();
    });
    afterAll(async () => {
      for (const relay of relays.splice(0)) await relay.stop();
    });

    async function connect(relay: ChainProgram): Promise<NodeClient> {
      const client = await NodeClient.open({
        runtime: node,
        host: "localhost",
        port: relay.port,
        authority: authority.cert,
      });
      clients.push(client);
      return client;
    }

    /** Along all of somebody's relays. */
    function authenticate(client: NodeClient, username: string, way: readonly ChainProgram[], password = PASSWORD) {
      return client.authenticate(...way.map(({ uri }) => ({ uri, username, credential: { password } })));
    }

    async function meet(alice: NodeClient, bob: NodeClient, earlier?: Talk): Promise<[Talk, Talk, Authentication]> {
      const ofAlice = await authenticate(alice, "alice", hers);
      const ofBob = await authenticate(bob, "bob", his);
      const talks = [
        alice.talk(ofAlice, { peerPath: ofBob.sdpPath }),
        bob.talk(ofBob, { peerPath: ofAlice.sdpPath, reportOctets: MB }, earlier),
      ] as const;
      return [...talks, ofAlice];
    }

    function showLogs(): void {
      onTestFailed(() => {
        for (const { output } of relays) console.error(output.slice(-3000));
      });
    }

    it("carries a file of 64 MB, and a message back", { timeout: 120_000 }, async () => {
      showLogs();
      const [alice, bob] = [await connect(relays[0] as ChainProgram), await connect(his[0] as ChainProgram)];
      const [ofAlice, ofBob, { usePath }] = await meet(alice, bob);
      expect(usePath.split(" ").map((uri) => /:(\d+)\//.exec(uri)?.[1])).toEqual(hers.map(({ port }) => String(port)));

      const content = new Content(FILE);
      const file = ofAlice.stream(content, { successReport: true });
      const thanks = ofBob.send({
        contentType: "text/plain",
        body: new TextEncoder().encode("it comes"),
        successReport: true,
      });
      await ofBob.reaches(thanks, "delivered");
      await ofAlice.reaches(file, "delivered", 100_000);
      const arrival = await ofBob.arrived(1);
      expect([arrival.size, arrival.ordered, arrival.hash.digest("hex")]).toEqual([FILE, true, content.checksum()]);
    });

    // With two there is none that is a client's outer relay.
    const behindAnother = runtimes.length < 3 ? () => {} : it;
    behindAnother("knows its neighbours as relays: failures of their clients do not end what they share", async () => {
      showLogs();
      const [alice, bob] = [await connect(relays[0] as ChainProgram), await connect(his[0] as ChainProgram)];
      const [ofAlice] = await meet(alice, bob);
      const last = hers.at(-1) as ChainProgram;
      // A client may fail twice with its connection, and each of these is somebody else's.
      for (let i = 0; i < 4; i++) {
        const mallory = await connect(relays[0] as ChainProgram);
        const inner = await mallory.authenticate({
          uri: (relays[0] as ChainProgram).uri,
          username: "alice",
          credential: { password: PASSWORD },
        });
        expect(inner.usePath.split(" ")).toHaveLength(1);
        await expect(
          mallory.authenticate(
            { uri: (relays[0] as ChainProgram).uri, username: "alice", credential: { password: PASSWORD } },
            { uri: last.uri, username: "alice", credential: { password: "wrong" } },
          ),
        ).rejects.toThrow("401");
      }
      const message = ofAlice.send({ contentType: "text/plain", body: new Uint8Array(10), successReport: true });
      await ofAlice.reaches(message, "delivered");
      expect(last.output).not.toContain("AUTH_TOO_MANY_FAILURES");
    });

    it("has a relay killed under a file: its sender hears of it, both authenticate again, and it resumes", {
      timeout: 120_000,
    }, async () => {
      showLogs();
      const middle = relays[1] as ChainProgram;
      const alice = await connect(relays[0] as ChainProgram);
      const [ofAlice, ofBob] = await meet(alice, await connect(his[0] as ChainProgram));
      const file = ofAlice.stream(new Content(FILE), { successReport: true });
      await until(() => file.acknowledged.contiguous >= 3 * MB, "some of the file to be confirmed");
      await middle.kill();
      await until(() => file.state === "failed", "the failure", 5_000);
      expect(file.failure).toMatchObject({ status: 408 });
      expect(ofBob.arrivals[0]?.message.state).not.toBe("complete");
      const from = file.acknowledged.contiguous;

      await middle.startAgain();
      // Alice's connection is to the first relay and has lived on. Bob's was to the one that died, in a chain of two.
      const bob = his[0] === middle ? await connect(middle) : (clients.at(-1) as NodeClient);
      const [again, there] = await meet(alice, bob, ofBob);
      const content = new Content(FILE).skip(from);
      const resumed = again.stream(content, { messageId: file.id, from, successReport: true });
      await again.reaches(resumed, "delivered", 100_000);
      const arrival = await there.arrived(1);
      expect(arrival.message.id).toBe(file.id);
      // What was confirmed did not come again; everything else did, once.
      expect(arrival.came).toBe(FILE - from);
      expect([arrival.size, arrival.ordered, arrival.hash.digest("hex")]).toEqual([FILE, true, content.checksum()]);
    });
  });
});
