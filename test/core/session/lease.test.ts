/** Leases by themselves; what the relay makes of them is in relay-auth.test.ts and forwarding/route.test.ts. */
import { randomFillSync } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { RandomPool } from "../../../core/bytes/random.ts";
import { parseUri, type Uri } from "../../../core/codec/uri.ts";
import { Connection } from "../../../core/session/connection.ts";
import { type Lease, Leases } from "../../../core/session/lease.ts";
import { Timers } from "../../../core/session/timers.ts";
import { TransactionTimers } from "../../../core/session/transaction.ts";

const random = new RandomPool((target) => randomFillSync(target));
const advertise = { secure: true, host: "relay.example.com", port: 2855 };
const uri = (text: string) => parseUri(text) as Uri;
const alice = uri("msrps://alice.invalid:9/a;tcp");

let timers: Timers;
let leases: Leases;
let ended: string[];
let owner: Connection;
beforeEach(() => {
  timers = new Timers();
  ended = [];
  leases = new Leases(timers, random, (lease, why) => ended.push(`${lease.number} ${why}`));
  owner = connection();
});

function connection(): Connection {
  return new Connection(1, { hop: advertise }, random, new TransactionTimers(), 0);
}

function grant(seconds = 60, user = "alice", of = owner): Lease {
  const holder = { user, domain: "example.com", owner: of, ownerUri: alice, relayHost: undefined };
  return leases.grant(advertise, holder, 0, seconds);
}

describe("a lease", () => {
  test("is found by its URI and by nothing else that resembles it", () => {
    const lease = grant();
    expect(leases.find(uri(lease.text))).toBe(lease);
    expect(leases.find(uri(lease.text.toUpperCase().replace(/\w{26}/, lease.uri.sessionId)))).toBe(lease);
    for (const other of [
      lease.text.replace("msrps", "msrp"),
      lease.text.replace("2855", "2856"),
      lease.text.replace(":2855", ""),
      lease.text.replace("relay", "relax"),
      lease.text.replace("tcp", "ws"),
      lease.text.replace(/\w{26}/, (id) => id.toUpperCase()),
    ]) {
      expect(leases.find(uri(other)), other).toBeUndefined();
    }
  });

  test("is valid, then expired for five minutes, then unknown", () => {
    const lease = grant(60);
    timers.run(59_999);
    expect(lease.state).toBe("valid");
    timers.run(60_000);
    expect(lease.state).toBe("expired");
    expect(leases.find(lease.uri)).toBe(lease);
    expect(ended).toEqual(["1 EXPIRED"]);
    timers.run(360_000);
    expect(leases.find(lease.uri)).toBeUndefined();
    expect(leases.size).toBe(0);
  });

  test("dies with its connection, and is unknown at once", () => {
    const lease = grant();
    expect(leases.endOf(owner)).toEqual([lease]);
    expect(lease.state).toBe("dead");
    expect([leases.size, timers.size]).toEqual([0, 0]);
    expect(leases.endOf(owner)).toEqual([]);
  });

  test("that has expired does not end again with its connection", () => {
    grant(60);
    timers.run(60_000);
    expect(leases.endOf(owner)).toEqual([]);
    expect(leases.heldBy("alice", "example.com")).toBe(0);
  });
});

describe("leases of a user", () => {
  test("are counted while they are valid, by user and domain, over all connections", () => {
    const other = connection();
    grant(60);
    grant(120, "alice", other);
    grant(60, "bob");
    const elsewhere = { user: "alice", domain: "example.net", owner, ownerUri: alice, relayHost: undefined };
    leases.grant(advertise, elsewhere, 0, 60);
    expect(leases.heldBy("alice", "example.com")).toBe(2);
    expect(leases.heldBy("alice", "example.net")).toBe(1);
    timers.run(60_000);
    expect(leases.heldBy("alice", "example.com")).toBe(1);
    leases.endOf(other);
    expect(leases.heldBy("alice", "example.com")).toBe(0);
    expect(leases.heldBy("bob", "example.com")).toBe(0);
  });

  test("of a user and a domain are not those of others whose names look alike", () => {
    grant(60, "a");
    expect(leases.heldBy("a\nexample.com", "")).toBe(0);
    expect(leases.heldBy("", "a\nexample.com")).toBe(0);
  });
});

describe("the owner's own URIs", () => {
  test("are the one it authenticated with and three more it has sent from", () => {
    const lease = grant();
    const others = [1, 2, 3, 4].map((n) => uri(`msrps://alice.invalid:9/${n};tcp`));
    for (const other of others) lease.learnOwnerUri(other);
    expect(lease.leadsToOwner(alice)).toBe(true);
    expect(others.map((other) => lease.leadsToOwner(other))).toEqual([true, true, true, false]);
  });

  test("are compared as RFC 4975 §6.1 says", () => {
    const lease = grant();
    expect(lease.leadsToOwner(uri("MSRPS://user@ALICE.invalid:9/a;TCP;x"))).toBe(true);
    expect(lease.leadsToOwner(uri("msrps://alice.invalid:9/A;tcp"))).toBe(false);
    expect(lease.leadsToOwner(uri("msrp://alice.invalid:9/a;tcp"))).toBe(false);
  });
});

describe("strangers", () => {
  const carol = uri("msrps://carol.invalid:9/c;tcp");

  test("are found on their last connection while it is open", () => {
    const lease = grant();
    const [first, second] = [connection(), connection()];
    expect(lease.strangerAt(carol)).toBeUndefined();
    lease.learnStranger(carol, first);
    expect(lease.strangerAt(carol)).toBe(first);
    lease.learnStranger(carol, second);
    expect(lease.strangerAt(carol)).toBe(second);
    second.closed = true;
    expect(lease.strangerAt(carol)).toBeUndefined();
  });

  test("change the lease's version only when something is new", () => {
    const lease = grant();
    const first = connection();
    lease.learnStranger(carol, first);
    const { version } = lease;
    lease.learnStranger(carol, first);
    expect(lease.version).toBe(version);
    lease.learnStranger(carol, connection());
    expect(lease.version).toBeGreaterThan(version);
  });

  test("are remembered up to 16, the last ones", () => {
    const lease = grant();
    const peers = Array.from({ length: 17 }, (_, i) => uri(`msrps://p${i}.invalid:9/p;tcp`));
    for (const peer of peers) lease.learnStranger(peer, owner);
    expect(peers.map((peer) => lease.strangerAt(peer) === owner)).toEqual([false, ...Array(16).fill(true)]);
  });
});
