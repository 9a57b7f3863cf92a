/** AUTH at this relay, from the connection's side: RFC 4976 §5.1, §6.3, §9.1 and §9.2. The arithmetic is tested in auth/. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Challenge } from "../../core/auth/challenge.ts";
import { request, send } from "../support/frames.ts";
import { authUri, between, type BenchPeer, cuts, RelayBench, relayHost } from "../support/relay-bench.ts";

describe.each(cuts)("%s", (cut) => {
  let bench: RelayBench;
  let alice: BenchPeer;
  beforeEach(() => {
    bench = new RelayBench({ cut });
    alice = bench.connect("alice");
  });

  function challenged(said = {}): Challenge {
    const challenge = alice.challenge(said);
    expect(challenge).toBeDefined();
    return challenge as Challenge;
  }

  describe("a client that proves its password", () => {
    test("gets a URI of this relay with 128 random bits and nothing of the client in it", () => {
      const leases = new Set<string>();
      for (let i = 0; i < 20; i++) {
        const lease = alice.authenticate();
        expect(lease).toMatch(/^msrps:\/\/relay\.example\.com:2855\/[a-z2-7]{26};tcp$/);
        leases.add(lease);
      }
      expect(leases.size).toBe(20);
    });

    test("gets Use-Path, Expires and Authentication-Info, along its whole path", () => {
      const challenge = challenged();
      const deep = "msrps://deep.example.com:1/d;tcp";
      alice.say(alice.proof(challenge).replace(`From-Path: ${alice.uri}`, `From-Path: ${alice.uri} ${deep}`));
      const answer = alice.only();
      expect([answer.id, answer.what, answer.to, answer.from]).toEqual(["auth2", "200", [alice.uri, deep], [authUri]]);
      expect(answer.others.map((line) => line.split(":")[0])).toEqual(["Use-Path", "Expires", "Authentication-Info"]);
    });

    test.each([
      [undefined, "86400"],
      [60, "60"],
      [604_800, "604800"],
    ])("that asks for %s seconds is told %s", (expires, expected) => {
      alice.say(alice.proof(challenged(), { expires }));
      expect(alice.only().header("Expires")).toBe(expected);
      expect(bench.last("sessionStarted")?.expiresSeconds).toBe(Number(expected));
    });

    test("may ask again on the same connection: a second URI, and the first stays valid", () => {
      const bob = bench.client("bob");
      const first = alice.authenticate();
      const second = alice.authenticate();
      expect(second).not.toBe(first);
      for (const lease of [first, second]) {
        alice.say(send("t111", { to: [lease, bob.lease, bob.uri], from: [alice.uri] }));
        expect(alice.briefs()).toEqual(["t111 200"]);
      }
    });

    test("may use the nonce of Authentication-Info without being challenged again", () => {
      const challenge = challenged();
      alice.say(alice.proof(challenge));
      const nonce = /nextnonce="([^"]*)"/.exec(alice.only().header("Authentication-Info") ?? "")?.[1] ?? "";
      alice.say(alice.proof({ ...challenge, nonce }));
      expect(alice.only().what).toBe("200");
    });

    test("has its session in the name its account says, whatever the username is made of", () => {
      bench.accounts.set("1700000000:alice", { password: "secret", user: "alice" });
      alice.say(alice.proof(challenged(), { user: "1700000000:alice" }));
      expect(alice.only().what).toBe("200");
      expect(bench.last("sessionStarted")?.user).toBe("alice");
    });

    test("is answered in the order in which its account is found", () => {
      bench.storeAnswers = false;
      const challenge = challenged();
      alice.say(alice.proof(challenge));
      expect(alice.heard()).toEqual([]);
      const bob = bench.connect("bob");
      bench.advance(1_000);
      bench.answerLookups();
      bench.settle();
      expect(alice.only().what).toBe("200");
      expect(bob.heard()).toEqual([]);
    });
  });

  describe("the domain is the host of the To-Path URI", () => {
    test.each([
      ["msrps://example.com;tcp", "example.com"],
      ["msrps://example.com:2855;tcp", "example.com"],
      ["msrps://alice@EXAMPLE.com:2855;tcp", "example.com"],
      ["msrps://example.net;tcp", "example.net"],
      [`msrps://${relayHost}:2855;tcp`, "example.com"],
    ])("%s is challenged for %s", (to, realm) => {
      const challenge = challenged({ to });
      expect(challenge.realm).toBe(realm);
      expect(alice.authenticate({ to })).not.toBe("");
      expect(bench.last("sessionStarted")?.domain).toBe(realm);
    });

    test("a domain we do not serve is another relay's business: closed without an answer", () => {
      expect(alice.challenge({ to: "msrps://example.org;tcp" })).toBeUndefined();
      expect([alice.closed, alice.arrived]).toEqual([true, ""]);
      expect(bench.last("connectionClosed")?.why).toBe("NOT_FOR_US");
    });

    test("a nonce of one domain proves nothing in another", () => {
      const challenge = challenged({ to: "msrps://example.net;tcp" });
      alice.say(alice.proof({ ...challenge, realm: "example.com" }, { to: authUri }));
      expect(alice.only().header("WWW-Authenticate")).toContain("stale=true");
    });

    test("each has its own algorithms, MD5 last where old clients look", () => {
      alice.say(request("auth1", "AUTH", { to: [authUri], from: [alice.uri] }));
      const names = alice.only().values("WWW-Authenticate");
      expect(names.map((value) => /algorithm=(.*)/.exec(value)?.[1])).toEqual(["SHA-256", "MD5"]);
      for (const value of names) expect(value).toContain("opaque=");
      alice.say(request("auth1", "AUTH", { to: ["msrps://example.net;tcp"], from: [alice.uri] }));
      expect(alice.only().values("WWW-Authenticate")).toHaveLength(1);
    });
  });

  describe("without TLS", () => {
    test("AUTH is answered 403 whatever it holds (§9.2)", () => {
      const eve = bench.connect("eve", "plain");
      eve.say(request("auth1", "AUTH", { to: [authUri], from: [eve.uri] }));
      expect(eve.briefs()).toEqual(["auth1 403"]);
      eve.say(eve.proof(challenged(), {}));
      expect(eve.briefs()).toEqual(["auth2 403"]);
      expect(bench.faults).toEqual(["AUTH_NOT_SECURE", "AUTH_NOT_SECURE"]);
    });

    test("it is taken where the listener says so, and the URI says what the listener advertises", () => {
      expect(bench.client("dave", { listener: "lab" }).lease).toMatch(`msrp://${relayHost}:2857/`);
      expect(bench.client("erin", { listener: "behind-tls-proxy" }).lease).toMatch(`msrps://${relayHost}:2858/`);
    });
  });

  describe("a client that proves nothing", () => {
    test("gets the same answer for a wrong password as for an unknown user, and is closed at the third", () => {
      const shape = (said: { user: string; password?: string }) => {
        const peer = bench.connect("peer");
        const answers = [1, 2, 3].map(() => {
          const challenge = peer.challenge() as Challenge;
          peer.say(peer.proof(challenge, said));
          return peer.heard().map(({ lines }) => lines.map((line) => line.replace(/nonce="[^"]*"/, "")));
        });
        expect(peer.closed).toBe(true);
        expect(bench.last("connectionClosed")?.why).toBe("AUTH_TOO_MANY_FAILURES");
        return answers;
      };
      const wrong = shape({ user: "alice", password: "guess" });
      expect(wrong.map((answer) => answer.length)).toEqual([1, 1, 1]);
      expect(shape({ user: "nobody" })).toEqual(wrong);
    });

    test("is forgiven what came before, once it succeeds", () => {
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 2; i++) {
          expect(alice.authenticate({ password: "guess" })).toBe("");
          alice.heard();
        }
        expect(alice.authenticate()).not.toBe("");
      }
      expect(alice.closed).toBe(false);
    });

    test("but has a stale nonce is challenged again with stale=true, and that does not count", () => {
      for (let i = 0; i < 5; i++) {
        const challenge = challenged();
        bench.advance(5_000);
        if (i > 0) bench.advance(300_000);
        alice.say(alice.proof(challenge));
        const answer = alice.only();
        if (i === 0) expect(answer.what).toBe("200");
        else expect(answer.header("WWW-Authenticate")).toContain("stale=true");
      }
      expect(alice.closed).toBe(false);
      expect(bench.faults).toEqual(Array(4).fill("AUTH_STALE"));
    });

    test("but repeats what another has sent gets nothing by it", () => {
      const challenge = challenged();
      const proof = alice.proof(challenge);
      alice.say(proof);
      alice.heard();
      const mallory = bench.connect("mallory");
      mallory.say(proof);
      expect(mallory.only().header("WWW-Authenticate")).toContain("stale=true");
      alice.say(proof);
      expect(alice.only().what).toBe("401");
      alice.say(alice.proof(challenge, {}, 2));
      expect(alice.only().what).toBe("200");
    });

    test.each([
      "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
      "Digest username=",
      'Digest username="alice", realm="example.com"',
      "",
    ])("is answered 400 when its Authorization cannot be read: %s", (authorization) => {
      alice.say(
        request("auth1", "AUTH", { to: [authUri], from: [alice.uri], headers: [`Authorization: ${authorization}`] }),
      );
      expect(alice.briefs()).toEqual(["auth1 400"]);
      expect(bench.faults).toEqual(["AUTH_MALFORMED"]);
    });

    test("is answered 500 when the store does not answer, which is not its fault", () => {
      bench.accounts.set("alice", "UNAVAILABLE");
      for (let i = 0; i < 5; i++) {
        alice.say(alice.proof(challenged()));
        expect(alice.briefs()).toEqual(["auth2 500"]);
      }
      expect(alice.closed).toBe(false);
      bench.accounts.set("alice", { password: "secret" });
      expect(alice.authenticate()).not.toBe("");
    });

    test("is closed when it has 16 AUTHs looked up at once and sends another", () => {
      bench.storeAnswers = false;
      const challenge = challenged();
      for (let i = 1; i <= 16; i++) alice.say(alice.proof(challenge, {}, i));
      expect(alice.closed).toBe(false);
      expect(bench.relay.census.pendingAuths).toBe(16);
      alice.say(alice.proof(challenge, {}, 17));
      expect(alice.closed).toBe(true);
      bench.answerLookups();
      bench.expectNothingKept();
    });
  });

  describe("Expires out of bounds", () => {
    test.each([
      [59, "Min-Expires: 60"],
      [0, "Min-Expires: 60"],
      [604_801, "Max-Expires: 604800"],
    ])("%s is answered 423 with %s, when there are credentials", (expires, bound) => {
      const challenge = challenged({ expires });
      alice.say(alice.proof(challenge, { expires }));
      const answer = alice.only();
      expect([answer.what, ...answer.others]).toEqual(["423", bound]);
      // The nonce is not used up: the client repeats its answer with another Expires.
      alice.say(alice.proof(challenge, { expires: 600 }));
      expect(alice.only().header("Expires")).toBe("600");
    });

    test.each(["soon", "-1", "1.5", "99999999999999999999"])("%s is answered 400", (expires) => {
      alice.say(request("auth1", "AUTH", { to: [authUri], from: [alice.uri], headers: [`Expires: ${expires}`] }));
      expect(alice.briefs()).toEqual(["auth1 400"]);
      expect(bench.faults).toEqual(["EXPIRES"]);
    });
  });

  describe("an AUTH that is malformed", () => {
    test.each([
      ["a From-Path that is none", "PATH", { from: ["alice"] }],
      ["a To-Path that is none", "PATH", { to: ["example.com"] }],
      ["a control character", "HEADER_VALUE", { headers: ["X-Odd: \x01"] }],
      ["two Expires", "HEADER_REPEATED", { headers: ["Expires: 60", "Expires: 60"] }],
    ])("with %s is answered 400", (_, fault, said) => {
      alice.say(request("auth1", "AUTH", { to: [authUri], from: [alice.uri], ...said }));
      expect(alice.briefs()).toEqual(["auth1 400"]);
      expect(bench.faults).toEqual([fault]);
    });

    test("without From-Path cannot be answered", () => {
      alice.say(`MSRP auth1 AUTH\r\nTo-Path: ${authUri}\r\n-------auth1$\r\n`);
      expect(alice.heard()).toEqual([]);
      expect(bench.faults).toEqual(["PATH"]);
    });
  });
});

describe("limits.sessionsPerDomain and limits.sessions", () => {
  test.each([
    ["sessionsPerDomain", "403", "TOO_MANY_SESSIONS_OF_DOMAIN"],
    ["sessions", "503", "TOO_MANY_SESSIONS_IN_ALL"],
  ])("%s holds for all users together, says its code, and a session that ends makes room", (limit, status, code) => {
    const bench = new RelayBench({ limits: { [limit]: 2 } });
    const [alice, bob] = [bench.client("alice"), bench.client("bob")];
    const carol = bench.connect("carol");
    expect(carol.authenticate({ user: "carol" })).toBe("");
    expect(carol.arrived).toMatch(new RegExp(`MSRP auth2 ${status} [A-Z][a-zA-Z ]+ \\(${code}\\)\r\n`));
    expect(bench.faults).toEqual([code]);
    bob.end();
    expect(carol.authenticate({ user: "carol" })).not.toBe("");
    expect(alice.closed).toBe(false);
  });
});

describe("after failed AUTHs", () => {
  const limits = { authFailuresPerUser: 2, authFailuresPerAddress: 3, authPauseSeconds: 8 };
  let bench: RelayBench;
  beforeEach(() => {
    bench = new RelayBench({ limits });
  });

  /** One AUTH on a connection of its own: its status. */
  function attempt(user: string, password: string, address: string): string {
    const peer = bench.connect(user, undefined, address);
    const lease = peer.authenticate({ user, password });
    const status = lease === "" ? peer.heard().find(({ id }) => id === "auth2")?.what : "200";
    peer.end();
    return status ?? "";
  }

  test("a user waits for longer and longer, whatever connection and address the next comes from", () => {
    expect(attempt("alice", "guess", "192.0.2.1")).toBe("401");
    expect(attempt("alice", "guess", "192.0.2.2")).toBe("401");
    for (const [index, pause] of [1, 2, 4, 8, 8].entries()) {
      bench.advance(pause * 1000 - 1);
      expect(attempt("alice", "secret", `192.0.2.${10 + index}`)).toBe("403");
      bench.advance(1);
      expect(attempt("alice", "guess", `192.0.2.${20 + index}`)).toBe("401");
    }
    expect(bench.faults).toContain("AUTH_PAUSED");
  });

  test("an address waits, whatever users it tries, and others do not", () => {
    for (const user of ["alice", "bob", "carol"]) expect(attempt(user, "guess", "192.0.2.1")).toBe("401");
    expect(attempt("alice", "secret", "192.0.2.1")).toBe("403");
    expect(attempt("alice", "secret", "192.0.2.2")).toBe("200");
  });

  test("one IPv6 network counts as one address", () => {
    for (const n of [1, 2, 3]) expect(attempt(`nobody${n}`, "guess", `2001:db8:0:7::${n}`)).toBe("401");
    expect(attempt("alice", "secret", "2001:db8:0:7:ffff:1:2:3")).toBe("403");
    expect(attempt("alice", "secret", "2001:db8:0:8::1")).toBe("200");
  });

  test("a user is not kept out by others where the password was proven before", () => {
    expect(attempt("alice", "secret", "192.0.2.1")).toBe("200");
    for (const n of [2, 3, 4]) attempt("alice", "guess", `192.0.2.${n}`);
    expect(attempt("alice", "secret", "192.0.2.5")).toBe("403");
    expect(attempt("alice", "secret", "192.0.2.1")).toBe("200");
  });

  test("nothing is looked up for who has to wait, and the connection ends as for any failure", () => {
    for (const n of [1, 2]) attempt("alice", "guess", `192.0.2.${n}`);
    bench.storeAnswers = false;
    const eve = bench.connect("eve", undefined, "192.0.2.9");
    for (let i = 0; i < 3; i++) eve.authenticate({ user: "alice" });
    expect(bench.relay.census.pendingAuths).toBe(0);
    expect(eve.closed).toBe(true);
  });

  test("they are forgotten after a quarter of an hour", () => {
    expect(attempt("alice", "guess", "192.0.2.1")).toBe("401");
    bench.advance(901_000);
    expect(attempt("alice", "guess", "192.0.2.1")).toBe("401");
    expect(attempt("alice", "secret", "192.0.2.1")).toBe("200");
  });
});

describe("limits.sessionsPerUser", () => {
  test("counts the valid sessions of a user, over all connections, and answers 403 beyond", () => {
    const bench = new RelayBench({ limits: { sessionsPerUser: 2 } });
    const one = bench.client("alice");
    const two = bench.client("alice", { expires: 60 });
    const three = bench.connect("alice");
    expect(three.authenticate()).toBe("");
    expect(three.briefs()).toEqual(["auth2 403"]);
    expect(bench.faults).toEqual(["TOO_MANY_SESSIONS"]);
    const bob = bench.client("bob");
    expect(bob.lease).not.toBe("");
    bench.advance(61_000);
    expect(bench.client("alice").lease).not.toBe("");
    one.end();
    expect(bench.client("alice").lease).not.toBe("");
    expect(two.closed).toBe(false);
    bench.expectNothingKept();
  });
});

describe("a lease ends", () => {
  test("with its connection, and says so", () => {
    const bench = new RelayBench();
    const alice = bench.client("alice");
    alice.authenticate();
    alice.end();
    const ends = bench.happenings.filter(({ type }) => type === "sessionEnded");
    expect(ends).toMatchObject([
      { session: 1, why: "CONNECTION" },
      { session: 2, why: "CONNECTION" },
    ]);
    bench.expectNothingKept();
  });

  test.each([
    ["in use, when a chunk passed in the last two minutes", 100_000, "EXPIRED_IN_USE"],
    ["not in use, when none did", 130_000, "EXPIRED"],
  ])("at its expiry: %s", (_, quiet, why) => {
    const bench = new RelayBench();
    const alice = bench.client("alice", { expires: 600 });
    const bob = bench.client("bob");
    bench.advance(600_000 - quiet);
    for (let i = 0; i < 2; i++) bob.say(send("t111", between(bob, alice, { failureReport: "no" })));
    bench.advance(quiet - 1);
    expect(bench.last("sessionEnded")).toBeUndefined();
    bench.advance(1);
    expect(bench.last("sessionEnded")).toMatchObject({ why, user: "alice" });
    expect(alice.closed).toBe(false);
    bench.expectNothingKept();
  });

  test("and the others of its connection live on", () => {
    const bench = new RelayBench();
    const alice = bench.client("alice", { expires: 60 });
    const second = alice.authenticate({ user: "alice", expires: 600 });
    bench.advance(61_000);
    alice.say(send("t111", { to: [alice.lease, alice.uri], from: [alice.uri] }));
    expect(alice.briefs()).toEqual(["t111 481"]);
    alice.say(send("t222", { to: [second, alice.uri], from: [alice.uri], failureReport: "no" }));
    expect(alice.briefs()).toEqual(["SEND - $"]);
  });
});
