/**
 * Kamailio in chains of relays: with AUTH to both of a client's relays, in either order, and between two of ours.
 *
 * What Kamailio 5.6 does not do as a relay of a chain, besides what kamailio.test.ts says:
 * - Its answers to AUTH name the previous hop only (RFC 4976 §6.4.3 has them name the whole way back). We send what was
 *   asked for through us back the way it was asked for, so behind us this does no harm.
 * - It holds each session by the connection of its AUTH and knows no relays: what it gave through us ends with our
 *   connection to it, and is worth nothing on a second one.
 * - It shows us no certificate as a TLS client (as configured here), so what we give through it is bound to its connection
 *   as well (§6.3), and failed AUTHs of its clients would in the end cost it that.
 * - A script is told the first From-Path URI and how many follow: behind two relays its Use-Path would lack one.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFailed } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import type { Authentication, RelayAccount } from "../../core/endpoint/authentication.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { Content } from "../support/content.ts";
import { NodeClient } from "../support/node-client.ts";
import { describeWith } from "../support/present.ts";
import { type ServedRelay, serveRelay } from "../support/serve-relay.ts";
import { until } from "../support/wait.ts";
import { Kamailio, kamailioIsThere } from "./kamailio.ts";

const MB = 1024 * 1024;
/** What an operator would write into `outgoing.chunkBytes` for it. */
const CHUNK = 8000;
const text = (body: string) => ({
  contentType: "text/plain",
  body: new TextEncoder().encode(body),
  successReport: true,
});

describeWith([kamailioIsThere], "Kamailio in a chain", () => {
  let authority: TestAuthority;
  let kamailio: Kamailio;
  let near: ServedRelay;
  let far: ServedRelay;
  const clients: NodeClient[] = [];

  beforeAll(async () => {
    authority = await testAuthority();
    const pair = await authority.issue("127.0.0.1");
    kamailio = await Kamailio.start({
      pair,
      authority: authority.cert,
      realm: "kamailio.example.org",
      password: "fixes everything",
    });
    const options = {
      runtime: node,
      pair,
      authorities: [authority.cert],
      accounts: { alice: "in wonderland", bob: "the builder" },
      outgoing: { chunkBytes: [{ to: "127.0.0.1", bytes: CHUNK }] },
    };
    near = await serveRelay(options);
    far = await serveRelay(options);
  });
  afterAll(async () => {
    await near.end();
    await far.end();
    await kamailio.stop();
  });
  beforeEach(() => onTestFailed(() => console.error(`Kamailio said:\n${kamailio.output.slice(-4000)}`)));
  afterEach(() => {
    for (const client of clients.splice(0)) client.end();
  });

  async function connect(port: number): Promise<NodeClient> {
    const client = await NodeClient.open({ runtime: node, port, authority: authority.cert });
    clients.push(client);
    return client;
  }

  const at = (relay: ServedRelay, username: "alice" | "bob"): RelayAccount => ({
    uri: `msrps://127.0.0.1:${relay.tlsPort};tcp`,
    username,
    credential: { password: username === "alice" ? "in wonderland" : "the builder" },
  });
  const atKamailio = (password = "fixes everything"): RelayAccount => ({
    uri: kamailio.uri(true),
    username: "bob",
    credential: { password },
    withUri: true, // Kamailio answers nobody who leaves it out
  });

  function ports({ usePath }: Authentication): number[] {
    return usePath.split(" ").map((uri) => Number(/:(\d+)\//.exec(uri)?.[1]));
  }

  /** Messages and files between Alice, a client of `far`, and somebody behind other relays. */
  async function expectTalk(bob: NodeClient, his: Authentication): Promise<void> {
    const alice = await connect(far.tlsPort);
    const hers = await alice.authenticate(at(far, "alice"));
    const ofAlice = alice.talk(hers, { peerPath: his.sdpPath, chunkOctets: CHUNK });
    const ofBob = bob.talk(his, { peerPath: hers.sdpPath, chunkOctets: CHUNK });
    await ofAlice.reaches(ofAlice.send(text("are you there?")), "delivered");
    await ofBob.reaches(ofBob.send(text("behind two relays")), "delivered");
    for (const [from, to] of [
      [ofAlice, ofBob],
      [ofBob, ofAlice],
    ] as const) {
      const content = new Content(2 * MB);
      await from.reaches(from.stream(content, { successReport: true }), "delivered");
      const arrival = await to.arrived(2);
      expect([arrival.size, arrival.ordered, arrival.hash.digest("hex")]).toEqual([2 * MB, true, content.checksum()]);
    }
    await until(() => near.relay.census.transactions + far.relay.census.transactions === 0, "all answers");
  }

  it("client, parley, Kamailio: AUTH goes through us and its answers come back, and so does the session", async () => {
    const bob = await connect(near.tlsPort);
    const his = await bob.authenticate(at(near, "bob"), atKamailio());
    expect(ports(his)).toEqual([near.tlsPort, kamailio.tlsPort]);
    await expectTalk(bob, his);
  });

  it("client, parley, Kamailio: a wrong password there is refused, and the third ends the connection here", async () => {
    const bob = await connect(near.tlsPort);
    for (let i = 0; i < 3; i++) {
      await expect(bob.authenticate(at(near, "bob"), atKamailio("breaks everything"))).rejects.toThrow("401");
    }
    await until(() => bob.endedBy !== undefined, "the end of the connection");
    expect(near.relay.counters.faults.AUTH_TOO_MANY_FAILURES).toBe(1);
  });

  it("client, Kamailio, parley: AUTH comes through it to us, and so does the session", async () => {
    const bob = await connect(kamailio.tlsPort);
    const his = await bob.authenticate(atKamailio(), at(near, "bob"));
    expect(ports(his)).toEqual([kamailio.tlsPort, near.tlsPort]);
    await expectTalk(bob, his);
  });

  it("client, parley, Kamailio, parley: AUTH at all three", async () => {
    const bob = await connect(near.tlsPort);
    const his = await bob.authenticate(at(near, "bob"), atKamailio(), at(far, "bob"));
    expect(ports(his)).toEqual([near.tlsPort, kamailio.tlsPort, far.tlsPort]);
    await expectTalk(bob, his);
  });

  it("parley, Kamailio, parley: with both clients behind relays of ours, Kamailio being the outer one of either", async () => {
    const bob = await connect(near.tlsPort);
    const his = await bob.authenticate(at(near, "bob"), atKamailio());
    const alice = await connect(far.tlsPort);
    const hers = await alice.authenticate(at(far, "alice"), atKamailio());
    const ofAlice = alice.talk(hers, { peerPath: his.sdpPath, chunkOctets: CHUNK });
    const ofBob = bob.talk(his, { peerPath: hers.sdpPath, chunkOctets: CHUNK });
    await ofAlice.reaches(ofAlice.send(text("two URIs of Kamailio's")), "delivered");
    await ofBob.reaches(ofBob.send(text("one behind the other")), "delivered");
  });
});
