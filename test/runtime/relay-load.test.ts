/**
 * A whole relay on Node under load: real sockets, real TLS, octets by the hundred million.
 *
 * The relay runs in a process of its own, so what is said of its memory is true of it alone. The marks are wide: they
 * tell a relay that keeps what it cannot deliver from one that does not, on any machine.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { Content } from "../support/content.ts";
import { NodeClient, type Talk } from "../support/node-client.ts";
import { onNode } from "../support/present.ts";
import { RelayProcess } from "../support/relay-process.ts";
import { pause } from "../support/wait.ts";

const MB = 1024 * 1024;
/** How much more memory the relay may have than before; it is offered many times as much. */
const GROWTH = 64 * MB;
/** How much more it may have for a moment, while octets fly through faster than the garbage of them is collected. */
const PEAK = 192 * MB;

describe.skipIf(!onNode)("a relay on Node", () => {
  let authority: TestAuthority;
  let relay: RelayProcess;
  const clients: NodeClient[] = [];

  beforeAll(async () => {
    authority = await testAuthority();
    relay = await RelayProcess.start({ pair: await authority.issue("127.0.0.1"), accounts: { alice: "secret" } });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.end();
  });
  afterAll(() => relay.end());

  const join = async (secure: boolean) => {
    const client = await NodeClient.open({
      runtime: node,
      port: secure ? relay.tlsPort : relay.plainPort,
      ...(secure && { authority: authority.cert }),
    });
    clients.push(client);
    const credential = { password: "secret" };
    const authentication = await client.authenticate({ uri: "msrps://example.com;tcp", username: "alice", credential });
    return { client, authentication };
  };
  /** A session between two clients of the relay. */
  const pair = async (secure: boolean): Promise<readonly [Talk, Talk]> => {
    const one = await join(secure);
    const other = await join(secure);
    return [
      one.client.talk(one.authentication, { peerPath: other.authentication.sdpPath }),
      other.client.talk(other.authentication, { peerPath: one.authentication.sdpPath }),
    ];
  };
  /** Small talk, to warm things up or to see that they are well. */
  const chat = async ([one, other]: readonly [Talk, Talk], messages: number) => {
    const body = new Uint8Array(1000).fill(97);
    const before = other.arrivals.length;
    const sent = Array.from({ length: messages }, () =>
      one.send({ contentType: "text/plain", body, successReport: true }),
    );
    for (const message of sent) await one.reaches(message, "delivered");
    expect(other.arrivals.length - before).toBe(messages);
  };

  it("stops a sender of 1 GB whose receiver does not read, harms nobody else, and goes on when it reads", async () => {
    const [sender, receiver] = await pair(false);
    const others = await pair(false);
    await chat([sender, receiver], 200);
    await chat(others, 200);
    const before = await relay.ask();

    receiver.pause();
    const content = new Content(1024 * MB);
    const message = sender.stream(content, { successReport: true });
    await blocked(() => message.octetsSent, "the sender to be stopped");
    const stalled = await relay.ask();
    expect(stalled.backlogBytes).toBeLessThan(4 * MB);
    expect(stalled.residentBytes - before.residentBytes).toBeLessThan(GROWTH / 2);
    // The rest lies in the buffers of four kernel sockets, whose size is the system's affair.
    expect(message.octetsSent).toBeLessThan(128 * MB);

    await chat(others, 500);
    expect(message.state).toBe("waiting");

    receiver.resume();
    await sender.reaches(message, "delivered", 60_000);
    const arrival = await receiver.arrived(201);
    expect([arrival.size, arrival.ordered]).toEqual([1024 * MB, true]);
    expect(arrival.hash.digest("hex")).toBe(content.checksum());
    const after = await relay.ask();
    expect(after.residentBytes - before.residentBytes).toBeLessThan(GROWTH);
    expect(after.peakBytes - before.residentBytes).toBeLessThan(PEAK);
  }, 120_000);

  it.each([
    ["one chunk", 0, "TLS", true],
    ["one chunk", 0, "TCP", false],
    ["chunks of 2 KB", 2048, "TLS", true],
    ["chunks of 2 KB", 2048, "TCP", false],
  ])(
    "carries 256 MB in %s (%i) over %s, octet for octet, with its memory as it was",
    async (_, chunkOctets, _over, secure) => {
      const [sender, receiver] = await pair(secure);
      await chat([sender, receiver], 200);
      const before = await relay.ask();
      const content = new Content(256 * MB);
      const message = sender.stream(content, { successReport: true, chunkOctets });
      await sender.reaches(message, "delivered", 60_000);
      const arrival = await receiver.arrived(201);
      expect([arrival.size, arrival.ordered]).toEqual([256 * MB, true]);
      expect(arrival.hash.digest("hex")).toBe(content.checksum());
      const after = await relay.ask();
      expect(after.counters.sends - before.counters.sends).toBe(chunkOctets === 0 ? 1 : (256 * MB) / chunkOctets);
      expect(after.residentBytes - before.residentBytes).toBeLessThan(GROWTH);
      expect(after.peakBytes - before.residentBytes).toBeLessThan(PEAK);
    },
    120_000,
  );

  it("lets 1,000 clients connect with TLS, authenticate and send, all at once", async () => {
    const all = await Promise.all(Array.from({ length: 1000 }, () => join(true)));
    expect((await relay.ask()).connections).toBe(1000);
    // Each sends to the next one around.
    const paths = all.map(({ authentication }) => authentication.sdpPath);
    const talks = all.map(({ client, authentication }, i) =>
      client.talk(authentication, { peerPath: paths[(i + 1) % paths.length] as string }),
    );
    const body = new Uint8Array(500).fill(98);
    const sent = talks.map((talk) => talk.send({ contentType: "text/plain", body, successReport: true }));
    for (const [i, talk] of talks.entries()) await talk.reaches(sent[i] as (typeof sent)[number], "delivered", 20_000);
    for (const talk of talks) expect((await talk.arrived(1)).size).toBe(500);
    expect((await relay.ask()).counters.faults).toEqual({});
  }, 120_000);
});

/** Waits until a number has stopped growing for a second. */
async function blocked(octets: () => number, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  for (let last = -1; last !== octets(); ) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}; it is at ${octets()}`);
    last = octets();
    await pause(1000);
  }
}
