/**
 * parley and Kamailio, each in front of the other, over TLS and without.
 *
 * Alice is a client of parley, Bob one of Kamailio. What Kamailio 5.6 cannot do, and so is not asked of it here:
 * - It has no transactions. It says 200 before it knows whether a frame can be delivered, sends no REPORT when its own
 *   next hop refuses, is lost or is silent, and passes ids on as they came.
 * - A frame must fit into one buffer of its (16 kB as configured here), and into another of 11,240 octets with which the
 *   msrp module makes a SIP message of it. Past the second it forgets who the client is and says 481; past the first it
 *   closes the connection.
 * - Its answers to AUTH name the previous hop only and not the whole way back (RFC 4976 §6.4.3), so they do not come
 *   through a relay in front of it: a chain can end at parley behind Kamailio, but not at Kamailio behind parley.
 * - It dials whatever the path says and cannot slow anybody down.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import type { Authentication } from "../../core/endpoint/authentication.ts";
import { type TestAuthority, testAuthority } from "../support/certificates.ts";
import { Content } from "../support/content.ts";
import { NodeClient } from "../support/node-client.ts";
import { describeWith } from "../support/present.ts";
import { type RelayOptions, type ServedRelay, serveRelay } from "../support/serve-relay.ts";
import { pause, until } from "../support/wait.ts";
import { bodyOf, header, ok, WireClient } from "../support/wire-client.ts";
import { Kamailio, kamailioIsThere } from "./kamailio.ts";

const MB = 1024 * 1024;
/** What an operator would write into `outgoing.chunkBytes` for it: with the paths, well below 11,240. */
const CHUNK = 8000;
const ALICE = "msrps://alice.invalid:2855/4l1ce;tcp";
const BOB = "msrps://bob.invalid:2855/b0b;tcp";

const transports = [
  { over: "TLS", secure: true },
  { over: "TCP", secure: false },
];

describeWith([kamailioIsThere], "Kamailio", () => {
  let authority: TestAuthority;
  let kamailio: Kamailio;
  let relay: ServedRelay;
  /** What ends with the test. */
  const ends: (() => unknown)[] = [];

  const startKamailio = async () =>
    Kamailio.start({
      pair: await authority.issue("127.0.0.1"),
      authority: authority.cert,
      realm: "kamailio.example.org",
      password: "fixes everything",
    });
  const startRelay = async (options: Partial<RelayOptions> = {}) =>
    serveRelay({
      runtime: node,
      pair: await authority.issue("127.0.0.1"),
      authorities: [authority.cert],
      accounts: { alice: "in wonderland", bob: "the builder" },
      ...options,
    });

  beforeAll(async () => {
    authority = await testAuthority();
    kamailio = await startKamailio();
    relay = await startRelay({ outgoing: { plain: true, chunkBytes: [{ to: "127.0.0.1", bytes: CHUNK }] } });
  });
  afterAll(async () => {
    await relay.end();
    await kamailio.stop();
  });
  beforeEach(() => onTestFailed(() => console.error(`Kamailio said:\n${kamailio.output.slice(-4000)}`)));
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  const open = async (port: number, secure: boolean) => {
    const client = await WireClient.open({ port, ...(secure && { authority: authority.cert }) });
    ends.push(() => client.end());
    return client;
  };
  /** Alice at parley, as octets. */
  const wireAlice = async (secure = true, at = relay) => {
    const client = await open(secure ? at.tlsPort : at.plainPort, secure);
    const usePath = await client.join(`msrps://${at.domain};tcp`, ALICE, "alice", "in wonderland");
    return { client, usePath };
  };
  /** Bob at Kamailio, as octets. */
  const wireBob = async (secure: boolean, at = kamailio) => {
    const client = await open(at.port(secure), secure);
    const usePath = await client.join(at.uri(secure), BOB, "bob", "fixes everything");
    return { client, usePath };
  };
  /** A session between both. */
  const talk = async (secure: boolean, at = relay) => {
    const connect = async (port: number, encrypted: boolean) => {
      const client = await NodeClient.open({
        runtime: node,
        port,
        ...(encrypted && { authority: authority.cert }),
      });
      ends.push(() => client.end());
      return client;
    };
    const alice = await connect(at.tlsPort, true);
    const bob = await connect(kamailio.port(secure), secure);
    const credential = { password: "in wonderland" };
    const hers = await alice.authenticate({ uri: `msrps://${at.domain};tcp`, username: "alice", credential });
    const his = await authenticateAtKamailio(bob, secure);
    return {
      alice: alice.talk(hers, { peerPath: his.sdpPath }),
      bob: bob.talk(his, { peerPath: hers.sdpPath, chunkOctets: CHUNK }),
    };
  };
  /** Kamailio answers nobody who leaves `uri` out. */
  const authenticateAtKamailio = (client: NodeClient, secure: boolean): Promise<Authentication> =>
    client.authenticate({
      uri: kamailio.uri(secure),
      username: "bob",
      credential: { password: "fixes everything" },
      withUri: true,
    });

  describe.each(transports)("as the next hop, over $over", ({ secure }) => {
    it("takes a message, answered hop by hop, and its REPORT comes back", async () => {
      const alice = await wireAlice();
      const bob = await wireBob(secure);
      const lines = [
        "Message-ID: 12339sdqwer",
        "Byte-Range: 1-16/16",
        "Success-Report: yes",
        "X-Kept: As Is",
        "Content-Type: text/plain",
      ];
      const paths = [`To-Path: ${alice.usePath} ${bob.usePath} ${BOB}`, `From-Path: ${ALICE}`];
      const id = alice.client.request("SEND", [...paths, ...lines], "Hi, I'm Alice!\r\n");
      const answer = await alice.client.response();
      expect(answer.lines).toEqual([`MSRP ${id} 200 OK`, `To-Path: ${ALICE}`, `From-Path: ${alice.usePath}`]);

      const sent = await bob.client.requested("SEND");
      expect(sent.lines.slice(1)).toEqual([
        `To-Path: ${BOB}`,
        `From-Path: ${bob.usePath} ${alice.usePath} ${ALICE}`,
        ...lines,
      ]);
      expect([bodyOf(sent), sent.flag]).toEqual(["Hi, I'm Alice!\r\n", "$"]);
      bob.client.write(ok(sent));

      const report = ["Message-ID: 12339sdqwer", "Byte-Range: 1-16/16", "Status: 000 200 OK"];
      const back = [`To-Path: ${bob.usePath} ${alice.usePath} ${ALICE}`, `From-Path: ${BOB}`];
      bob.client.request("REPORT", [...back, ...report]);
      expect((await alice.client.requested("REPORT")).lines.slice(1)).toEqual([
        `To-Path: ${ALICE}`,
        `From-Path: ${alice.usePath} ${bob.usePath} ${BOB}`,
        ...report,
      ]);
    });

    it("carries hundreds of messages in both directions at once, each direction in order", async () => {
      // Kamailio serves each of its connections by one of several processes: frames keep their order only as long as
      // those of a session keep to one connection.
      const { alice, bob } = await talk(secure);
      const sizes = Array.from({ length: 300 }, (_, i) => 1 + ((i * 37) % 2000));
      const sent = sizes.map((size) => {
        const body = new Content(size, 1 + (size % 250)).all();
        const options = { contentType: "application/octet-stream", body, successReport: true };
        return [alice.send(options), bob.send(options)] as const;
      });
      for (const [hers, his] of sent) {
        await alice.reaches(hers, "delivered");
        await bob.reaches(his, "delivered");
      }
      for (const side of [alice, bob]) {
        expect(side.arrivals.map(({ size }) => size)).toEqual(sizes);
        const expected = sizes.map((size) => {
          const content = new Content(size, 1 + (size % 250));
          content.all();
          return content.checksum();
        });
        expect(side.arrivals.map(({ hash }) => hash.digest("hex"))).toEqual(expected);
      }
    });

    it.each([
      ["a file of 5 MB", 5 * MB],
      ["a file that is full chunks to the last octet", 100 * CHUNK],
    ])("takes %s, cut by us to what its buffer can hold", async (_, size) => {
      const { alice, bob } = await talk(secure);
      const content = new Content(size);
      const message = alice.stream(content, { successReport: true });
      await alice.reaches(message, "delivered");
      const arrival = await bob.arrived(1);
      expect([arrival.size, arrival.ordered]).toEqual([size, true]);
      expect(arrival.hash.digest("hex")).toBe(content.checksum());
      expect(alice.reports.map(({ status }) => status)).toEqual([200]);
    });

    it("closes the connection over a chunk that its buffer cannot hold, and the sender hears of it", async () => {
      const raw = await startRelay(); // with chunks left as they come
      ends.push(() => raw.end());
      const { alice } = await talk(secure, raw);
      const message = alice.stream(new Content(5 * MB));
      await expect(alice.reaches(message, "accepted")).rejects.toThrow("has failed");
      expect(message.failure?.status).toBe(408);
    });

    it.each(["yes", "partial"])("does not know the session: REPORT 481 where Failure-Report is %s", async (wish) => {
      const { client, usePath } = await wireAlice();
      const nobody = kamailio.uri(secure).replace(";tcp", "/n0body;tcp");
      client.request(
        "SEND",
        [
          `To-Path: ${usePath} ${nobody} ${BOB}`,
          `From-Path: ${ALICE}`,
          "Message-ID: lost1",
          "Byte-Range: 1-4/4",
          `Failure-Report: ${wish}`,
          "Content-Type: text/plain",
        ],
        "help",
      );
      const report = await client.requested("REPORT");
      expect(report.lines.slice(1)).toEqual([
        `To-Path: ${ALICE}`,
        `From-Path: ${usePath}`,
        "Message-ID: lost1",
        "Byte-Range: 1-4/4",
        "Status: 000 481 Session Does Not Exist",
      ]);
      // RFC 4976 §6.4.1: the 200 is for "yes" alone.
      expect(client.frames.filter(({ status }) => status === 200)).toHaveLength(wish === "yes" ? 2 : 1);
    });

    it("does not know the session: nothing where Failure-Report is no", async () => {
      const { client, usePath } = await wireAlice();
      const nobody = kamailio.uri(secure).replace(";tcp", "/n0body;tcp");
      const before = client.frames.length;
      const responses = relay.relay.counters.framesIn.response;
      client.request(
        "SEND",
        [
          `To-Path: ${usePath} ${nobody} ${BOB}`,
          `From-Path: ${ALICE}`,
          "Message-ID: lost2",
          "Failure-Report: no",
          "Content-Type: text/plain",
        ],
        "help",
      );
      await until(() => relay.relay.counters.framesIn.response > responses, "Kamailio's 481");
      await pause(20);
      expect(client.frames).toHaveLength(before);
    });

    it("does not know the session: 481 in answer to a chunk that is still coming in", async () => {
      const { client, usePath } = await wireAlice();
      const nobody = kamailio.uri(secure).replace(";tcp", "/n0body;tcp");
      const head = [`To-Path: ${usePath} ${nobody} ${BOB}`, `From-Path: ${ALICE}`, "Message-ID: lost3"];
      const more = ["Byte-Range: 1-*/100000", "Content-Type: text/plain"];
      client.write(`MSRP open1 SEND\r\n${[...head, ...more].join("\r\n")}\r\n\r\n${"o".repeat(CHUNK + 100)}`);
      const answer = await client.response();
      expect(answer.lines[0]).toBe("MSRP open1 481 Session Does Not Exist");
    });
  });

  describe.each(transports)("in front of us, over $over", ({ secure }) => {
    it("dials us, and all that is for its client goes back on that connection", async () => {
      const alice = await wireAlice(secure);
      const bob = await wireBob(secure);
      const dials = relay.relay.counters.dials;
      const toAlice = [`To-Path: ${bob.usePath} ${alice.usePath} ${ALICE}`, `From-Path: ${BOB}`];
      const content = ["Message-ID: first", "Byte-Range: 1-5/5", "Content-Type: text/plain"];
      bob.client.request(
        "SEND",
        [...toAlice, "Message-ID: first", "Success-Report: yes", ...content.slice(1)],
        "hello",
      );
      expect((await bob.client.response()).status).toBe(200);
      const sent = await alice.client.requested("SEND");
      expect(header(sent, "From-Path")).toBe(`${alice.usePath} ${bob.usePath} ${BOB}`);
      expect(bodyOf(sent)).toBe("hello");
      alice.client.write(ok(sent));

      const toBob = [`To-Path: ${alice.usePath} ${bob.usePath} ${BOB}`, `From-Path: ${ALICE}`];
      const status = "Status: 000 200 OK";
      alice.client.request("REPORT", [...toBob, "Message-ID: first", "Byte-Range: 1-5/5", status]);
      const report = await bob.client.requested("REPORT");
      expect(report.lines.slice(1)).toEqual([
        `To-Path: ${BOB}`,
        `From-Path: ${bob.usePath} ${alice.usePath} ${ALICE}`,
        "Message-ID: first",
        "Byte-Range: 1-5/5",
        status,
      ]);
      alice.client.request("SEND", [...toBob, "Message-ID: second", ...content.slice(1)], "world");
      expect((await alice.client.response()).status).toBe(200);
      expect(bodyOf(await bob.client.requested("SEND"))).toBe("world");
      expect(relay.relay.counters.dials).toBe(dials);
    });

    it("carries a file to a client of ours and one back", async () => {
      const { alice, bob } = await talk(secure);
      for (const [from, to] of [
        [bob, alice],
        [alice, bob],
      ] as const) {
        const content = new Content(MB);
        await from.reaches(from.stream(content, { successReport: true }), "delivered");
        const arrival = await to.arrived(1);
        expect([arrival.ordered, arrival.hash.digest("hex")]).toEqual([true, content.checksum()]);
      }
    });

    it("carries an AUTH to us, and what is sent to the URI we give comes back through it", async () => {
      const { client, usePath } = await wireBob(secure);
      const ours = secure ? `msrps://127.0.0.1:${relay.tlsPort};tcp` : `msrp://127.0.0.1:${relay.plainPort};tcp`;
      const granted = await client.authenticate(`${usePath} ${ours}`, BOB, "bob", "the builder");
      expect(granted.lines.slice(1, 3)).toEqual([`To-Path: ${BOB}`, `From-Path: ${usePath} ${ours}`]);
      // RFC 4976 §5.1: "Use-Path returned by C: B C".
      const chain = (header(granted, "Use-Path") ?? "").split(" ");
      expect(chain.slice(0, -1)).toEqual([usePath]);
      const outer = chain.at(-1);
      const alice = await wireAlice();
      alice.client.request(
        "SEND",
        [
          `To-Path: ${alice.usePath} ${outer} ${usePath} ${BOB}`,
          `From-Path: ${ALICE}`,
          "Message-ID: chain",
          "Content-Type: text/plain",
        ],
        "through two relays",
      );
      expect((await alice.client.response()).status).toBe(200);
      const sent = await client.requested("SEND");
      expect(header(sent, "From-Path")).toBe(`${usePath} ${outer} ${alice.usePath} ${ALICE}`);
      expect(bodyOf(sent)).toBe("through two relays");
    });

    it("has an AUTH with a wrong password refused by us", async () => {
      const { client, usePath } = await wireBob(secure);
      const ours = secure ? `msrps://127.0.0.1:${relay.tlsPort};tcp` : `msrp://127.0.0.1:${relay.plainPort};tcp`;
      const refused = await client.authenticate(`${usePath} ${ours}`, BOB, "bob", "the destroyer");
      expect(refused.status).toBe(401);
    });
  });

  describe("when it fails", () => {
    let mortal: Kamailio;
    beforeEach(async () => {
      mortal = await startKamailio();
    });
    afterEach(() => mortal.stop());

    const send = (from: { client: WireClient; usePath: string }, to: { usePath: string }, messageId: string) =>
      from.client.request(
        "SEND",
        [
          `To-Path: ${from.usePath} ${to.usePath} ${BOB}`,
          `From-Path: ${ALICE}`,
          `Message-ID: ${messageId}`,
          "Byte-Range: 1-7/7",
          "Content-Type: text/plain",
        ],
        "are you",
      );

    it("in the middle of a chunk, the sender is answered with 408", async () => {
      const alice = await wireAlice();
      const bob = await wireBob(true, mortal);
      const head = [`To-Path: ${alice.usePath} ${bob.usePath} ${BOB}`, `From-Path: ${ALICE}`, "Message-ID: half"];
      const more = ["Byte-Range: 1-*/9000", "Content-Type: text/plain"];
      alice.client.write(`MSRP half1 SEND\r\n${[...head, ...more].join("\r\n")}\r\n\r\n${"o".repeat(4000)}`);
      await until(
        () => relay.happenings.some((it) => it.type === "connectionDialed" && it.hop.port === mortal.tlsPort),
        "the dial",
      );
      await mortal.kill();
      expect((await alice.client.response()).lines[0]).toBe("MSRP half1 408 Request Timeout");
      expect(alice.client.closed).toBe(false);
    });

    it("before it has answered, what we said 200 to is reported with 408", async () => {
      const alice = await wireAlice();
      const bob = await wireBob(true, mortal);
      send(alice, bob, "before");
      expect((await alice.client.response()).status).toBe(200);
      await bob.client.requested("SEND");
      mortal.freeze();
      send(alice, bob, "during");
      expect((await alice.client.response()).status).toBe(200);
      await pause(50);
      await mortal.kill();
      const report = await alice.client.requested("REPORT");
      expect(report.lines.slice(3)).toEqual([
        "Message-ID: during",
        "Byte-Range: 1-7/7",
        "Status: 000 408 Request Timeout",
      ]);
    });

    it("nobody is there, which the sender hears at once; and it is found when it is there again", async () => {
      const alice = await wireAlice();
      const gone = await wireBob(true, mortal);
      await mortal.kill();
      send(alice, gone, "gone");
      const first = await alice.client.next();
      // The chunk was whole when the dial failed, so it had its 200 already.
      expect([first.status, (await alice.client.requested("REPORT")).lines.at(-1)]).toEqual([
        200,
        "Status: 000 408 Request Timeout",
      ]);
      await mortal.startAgain();
      const back = await wireBob(true, mortal);
      send(alice, back, "again");
      expect(bodyOf(await back.client.requested("SEND"))).toBe("are you");
      send(alice, gone, "forgotten");
      expect((await alice.client.requested("REPORT")).lines.at(-1)).toBe("Status: 000 481 Session Does Not Exist");
    });
  });
});
