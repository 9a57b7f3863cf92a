import { expect, test } from "vitest";
import { octets } from "../../../core/bytes/octets.ts";
import type { Authentication } from "../../../core/endpoint/authentication.ts";
import type { Endpoint } from "../../../core/endpoint/endpoint.ts";
import type { Session } from "../../../core/endpoint/session.ts";
import type { Host } from "../../../core/ports.ts";
import { Relay } from "../../../core/relay.ts";
import { relayConfig, tlsListener } from "../../support/relay-config.ts";
import { dice, endpoint, Net, Notes, pattern, skeleton, Wire } from "./pair.ts";

const config = relayConfig({
  listeners: [tlsListener("relay.example.com", 2855, "tls")],
  auth: { expires: { minSeconds: 60, defaultSeconds: 600, maxSeconds: 3600 } },
  limits: { sessionsPerUser: 16 },
});

/** A relay and those who have authenticated with it. */
class Town extends Net {
  readonly relay: Relay;

  constructor() {
    super();
    const host: Host = {
      dial: (_, ticket) => this.relay.dialFailed(ticket, "UNREACHABLE", this.now),
      findCredential: (username, _, ticket) =>
        this.relay.credential(ticket, { password: `${username}'s password` }, this.now),
      fillRandom: dice(4976),
      note: () => {},
    };
    // Later, as the ports demand: never in the call that asked.
    const asked: (() => void)[] = [];
    const find = host.findCredential.bind(host);
    host.findCredential = (...question) => void asked.push(() => find(...question));
    this.relay = new Relay(config, host, this.now);
    this.timed.push(this.relay);
    this.#asked = asked;
  }
  readonly #asked: (() => void)[];

  override settle(): void {
    do super.settle();
    while (this.#asked.splice(0).map((answer) => answer()).length > 0);
  }

  client(name: string, options: { expiresSeconds?: number } = {}): Client {
    const wire = new Wire();
    const client = new Client(this, name, wire);
    this.wires.push(wire);
    this.timed.push(client.endpoint);
    wire.feedA = client.endpoint.connected(wire.a, this.now);
    wire.feedB = this.relay.accepted(wire.b, "tls", this.now);
    client.authentication = client.endpoint.authenticate(
      {
        relays: [{ uri: "msrps://example.com;tcp", username: name, credential: { password: `${name}'s password` } }],
        ...options,
      },
      this.now,
    );
    this.settle();
    return client;
  }
}

class Client {
  readonly endpoint: Endpoint;
  readonly notes = new Notes(1 << 24);
  readonly paths: string[] = [];
  readonly wire: Wire;
  authentication!: Authentication;
  session: Session | undefined;

  constructor(_town: Town, name: string, wire: Wire) {
    this.wire = wire;
    this.endpoint = endpoint({
      name: `${name}.invalid`,
      sink: { authenticated: ({ usePath }) => this.paths.push(usePath) },
    });
  }

  /** A session with `peer`; with whoever comes first, if there is none. */
  open(peer?: Client): Session {
    const { own, usePath } = this.authentication;
    const peerPath = peer && { peerPath: peer.authentication.sdpPath };
    this.session = this.endpoint.open({ sink: this.notes, own, usePath, ...peerPath });
    return this.session;
  }
}

test("two clients of one relay exchange a megabyte and a report", () => {
  const town = new Town();
  const [alice, bob] = [town.client("alice"), town.client("bob")];
  bob.open();
  const body = pattern(1 << 20);
  const message = alice.open(bob).send({ contentType: "a/b", body, successReport: true }, town.now);
  town.settle();
  expect(message.state).toBe("delivered");
  expect(bob.notes.messages[0]?.content).toEqual(body);
  expect(skeleton(alice.wire.a.text)).toEqual(["AUTH $", "AUTH $", "SEND 1-*/1048576 $"]);
});

test("a refresh brings a new URI without another challenge", () => {
  const town = new Town();
  const alice = town.client("alice", { expiresSeconds: 100 });
  town.advance(79_000);
  expect(alice.paths).toHaveLength(1);
  town.advance(2_000);
  expect(alice.paths).toHaveLength(2);
  expect(alice.paths[1]).not.toBe(alice.paths[0]);
  expect(skeleton(alice.wire.a.text)).toEqual(["AUTH $", "AUTH $", "AUTH $"]);
});

test("a receiver that does not know its sender answers along the way the message came", () => {
  const town = new Town();
  const [alice, bob] = [town.client("alice"), town.client("bob")];
  const listening = bob.open();
  alice.open(bob).send({ contentType: "text/plain", body: octets("Hi"), successReport: true }, town.now);
  town.settle();
  listening.send({ contentType: "text/plain", body: octets("Hello") }, town.now);
  town.settle();
  expect(alice.notes.told).toEqual(["sent", "accepted", "delivered", "bound", "complete Hello"]);
  expect(bob.notes.told).toEqual(["bound", "complete Hi", "sent", "accepted"]);
});

test("a message that is refused on the far side stops on the near one", () => {
  const town = new Town();
  const [alice, bob] = [town.client("alice"), town.client("bob")];
  bob.notes.octets = (message, position) => {
    if (position > 200_000) message.refuse(413, town.now);
  };
  bob.open();
  alice.notes.wanted = (message, room, now) => message.write(pattern(room), now);
  const message = alice.open(bob).send({ contentType: "a/b", total: 1e9 }, town.now);
  town.settle();
  expect(message.failure).toMatchObject({ status: 413 });
  expect(message.octetsSent).toBeLessThan(2_000_000);
  expect(alice.session?.failure).toBeUndefined();
});

test("a receiver that falls silent is a 408 half a minute later (RFC 4976 §6.4.1)", () => {
  const town = new Town();
  const [alice, bob] = [town.client("alice"), town.client("bob")];
  bob.open();
  bob.wire.a.stalled = true;
  const message = alice.open(bob).send({ contentType: "text/plain", body: octets("Hi") }, town.now);
  town.advance(31_000);
  expect(alice.notes.told).toEqual(["sent", "accepted", "failed 408 by report"]);
  expect(message.settled).toBe(true);
});

test("a long message is cut for the messages of others, and all arrive", () => {
  const town = new Town();
  const [alice, bob] = [town.client("alice"), town.client("bob")];
  const session = alice.open(bob);
  bob.open();
  const body = pattern(300_000);
  const messages = [body, body.subarray(0, 100_000), octets("Hi")].map((octets) =>
    session.send({ contentType: "a/b", body: octets, successReport: true }, town.now),
  );
  town.settle();
  expect(messages.map(({ state }) => state)).toEqual(["delivered", "delivered", "delivered"]);
  expect(bob.notes.messages.map(({ content }) => content.length)).toEqual(
    expect.arrayContaining([300_000, 100_000, 2]),
  );
});
