/** Every way a peer can be wrong, once: what it has to do for it, and that what follows is what core/faults.ts says. */
import { describe, expect, test } from "vitest";
import type { Challenge } from "../../core/auth/challenge.ts";
import { consequence, type Fault, faults } from "../../core/mod.ts";
import { beginSend, request, type SendSaid, send } from "../support/frames.ts";
import { authUri, between, type BenchPeer, type Changes, RelayBench } from "../support/relay-bench.ts";

interface Scene {
  readonly bench: RelayBench;
  readonly alice: BenchPeer;
  readonly bob: BenchPeer;
  readonly carol: BenchPeer;
}

type Cause = (scene: Scene) => void;

const far = "msrps://far.example.net:2855/f;tcp";
const unknown = (lease: string) => lease.replace(/\w{26}/, "a".repeat(26));

function sends(said: Partial<SendSaid>): Cause {
  return ({ alice, bob }) => alice.say(send("t111", between(alice, bob, said)));
}

function says(headers: string[]): Cause {
  return ({ alice, bob }) => alice.say(request("t111", "SEND", { ...between(alice, bob), headers }));
}

function authenticates(said: { expires?: string; authorization?: string; user?: string; password?: string }): Cause {
  return ({ carol }) => {
    const headers = said.expires === undefined ? [] : [`Expires: ${said.expires}`];
    if (said.authorization !== undefined) headers.push(`Authorization: ${said.authorization}`);
    if (headers.length > 0) carol.say(request("auth1", "AUTH", { to: [authUri], from: [carol.uri], headers }));
    else carol.say(carol.proof(carol.challenge() as Challenge, { user: "carol", ...said }));
  };
}

/** Asks for a challenge. */
const asksForChallenge: Cause = ({ carol }) => carol.say(request("t111", "AUTH", { to: [authUri], from: [carol.uri] }));

/** How each code comes about. A code nobody can cause has no business in the table: this does not compile without it. */
const causes: Record<Fault, Cause> = {
  START_LINE: ({ alice }) => alice.say("HELO\r\n"),
  HEADER_LINE: ({ alice }) => alice.say("MSRP t111 SEND\r\n???\r\n"),
  HEAD_TOO_LONG: ({ alice }) => alice.say(`MSRP t111 SEND\r\nX-Long: ${"x".repeat(20_000)}\r\n`),
  TOO_MANY_HEADERS: sends({ headers: Array(64).fill("X-More: 1") }),
  HEADER_VALUE: sends({ headers: ["X-Odd: \x00"] }),
  HEADER_REPEATED: sends({ headers: ["Message-ID: m222"] }),
  PATH: sends({ from: ["alice"] }),
  MESSAGE_ID: says([]),
  BYTE_RANGE: sends({ range: "x" }),
  REPORT_FIELD: sends({ failureReport: "maybe" }),
  CONTENT_TYPE: ({ alice, bob }) =>
    alice.say(request("t111", "SEND", { ...between(alice, bob), headers: ["Message-ID: m111"], body: "x" })),
  BODY_TOO_LONG: ({ alice, bob }) =>
    alice.say(
      request("t111", "NICKNAME", {
        ...between(alice, bob),
        headers: ["Content-Type: a/b"],
        body: "x".repeat(10_241),
      }),
    ),
  NOT_INTERRUPTIBLE: ({ alice, bob }) => alice.say(request("t111", "NICKNAME", { ...between(alice, bob), flag: "+" })),
  RESPONSE_MALFORMED: ({ alice }) => alice.say("MSRP t111 200 OK\r\n-------t111$\r\n"),
  RESPONSE_UNKNOWN: ({ alice }) => alice.say(request("t111", "200", { to: [alice.lease], from: [alice.uri] })),
  NOT_FOR_US: sends({ to: [far] }),
  SESSION_UNKNOWN: ({ alice, bob }) =>
    alice.say(send("t111", between(alice, bob, { to: [unknown(alice.lease), far] }))),
  SESSION_EXPIRED: ({ bench, alice }) => {
    const brief = alice.authenticate({ expires: 60 });
    bench.advance(61_000);
    alice.say(send("t111", { to: [brief, alice.uri], from: [alice.uri] }));
  },
  SESSION_FOREIGN: ({ alice, bob }) => alice.say(send("t111", between(alice, bob, { to: [bob.lease, far] }))),
  METHOD_REFUSED: ({ alice }) => alice.say(request("t111", "NICKNAME", { to: [alice.lease], from: [alice.uri] })),
  NEXT_HOP_REFUSED: ({ alice, bob }) =>
    alice.say(send("t111", between(alice, bob, { to: [alice.lease, far.replace("msrps", "msrp")] }))),
  NEXT_HOP_LOST: ({ alice, bob }) =>
    alice.say(send("t111", between(alice, bob, { to: [alice.lease, far.replace("tcp", "ws")] }))),
  NEXT_HOP_SILENT: ({ bench, alice, bob }) => {
    alice.say(request("t111", "NICKNAME", between(alice, bob)));
    bench.advance(31_000);
  },
  AUTH_NOT_SECURE: ({ bench }) => {
    const eve = bench.connect("eve", "plain");
    eve.say(request("t111", "AUTH", { to: [authUri], from: [eve.uri] }));
  },
  AUTH_MALFORMED: authenticates({ authorization: "Basic QWxhZGRpbg==" }),
  AUTH_CHALLENGED: asksForChallenge,
  AUTH_STALE: ({ carol }) => {
    const challenge = carol.challenge() as Challenge;
    carol.say(carol.proof(challenge, { user: "carol" }));
    carol.say(carol.proof(challenge, { user: "carol" }));
  },
  AUTH_WRONG: authenticates({ password: "guess" }),
  AUTH_EXPIRED: (scene) => {
    scene.bench.accounts.set("carol", { password: "secret", expired: true });
    authenticates({})(scene);
  },
  AUTH_UNAVAILABLE: (scene) => {
    scene.bench.accounts.set("carol", "UNAVAILABLE");
    authenticates({})(scene);
  },
  AUTH_TOO_MANY_FAILURES: (scene) => {
    for (let i = 0; i < 3; i++) authenticates({ password: "guess" })(scene);
  },
  AUTH_TOO_MANY_PENDING: ({ bench, carol }) => {
    bench.storeAnswers = false;
    const challenge = carol.challenge() as Challenge;
    for (let i = 1; i <= 17; i++) carol.say(carol.proof(challenge, { user: "carol" }, i));
  },
  EXPIRES: authenticates({ expires: "soon" }),
  EXPIRES_TOO_SHORT: ({ carol }) => carol.say(carol.proof(carol.challenge() as Challenge, { expires: 1 })),
  EXPIRES_TOO_LONG: ({ carol }) => carol.say(carol.proof(carol.challenge() as Challenge, { expires: 1e9 })),
  DRAINING: (scene) => {
    scene.bench.relay.drain(true, scene.bench.now);
    asksForChallenge(scene);
  },
  AUTH_PAUSED: (scene) => {
    authenticates({ password: "guess" })(scene);
    authenticates({})(scene);
  },
  TOO_MANY_SESSIONS_OF_DOMAIN: authenticates({}),
  TOO_MANY_SESSIONS_IN_ALL: authenticates({}),
  TOO_MANY_SESSIONS: (scene) => {
    for (let i = 0; i < 51; i++) {
      scene.carol.heard();
      authenticates({})(scene);
    }
  },
  POLICY_SESSION: authenticates({}),
  POLICY_UNAVAILABLE: (scene) => {
    scene.bench.verdict = "UNAVAILABLE";
    authenticates({})(scene);
  },
  POLICY_PEER: ({ alice }) =>
    alice.say(send("t111", { to: [alice.lease, "msrps://far.example.net:1/x;tcp"], from: [alice.uri] })),
  POLICY_TYPE: sends({ body: "x" }),
  MESSAGE_TOO_LARGE: sends({ body: "x".repeat(1025) }),
  PROBATION: ({ bench }) => bench.advance(30_000),
  NEXT_HOP_FULL: ({ bench, alice, bob, carol }) => {
    // Two sessions of one connection: the one that stands still may not stop the other for ever.
    bob.stall();
    carol.say(send("c111", between(carol, alice, { failureReport: "no" })));
    carol.say(send("c112", between(carol, bob, { failureReport: "no", body: "x".repeat(300_000) })));
    bench.advance(11_000);
    carol.say(send("c113", between(carol, bob)));
  },
  STALLED: ({ bench, alice, bob }) => {
    bob.stall();
    alice.say(`${beginSend("t111", between(alice, bob, { failureReport: "no" }))}hello`);
    bench.advance(160_000);
  },
};

/** What the relay must be told for a code to come about. */
const configured: Partial<Record<Fault, Changes>> = {
  AUTH_PAUSED: { limits: { authFailuresPerUser: 1 } },
  POLICY_SESSION: { policy: { rules: [{ action: "deny", user: "carol" }] } },
  POLICY_UNAVAILABLE: { policy: { asks: true } },
  POLICY_PEER: { policy: { rules: [{ action: "deny", peer: "far.example.net" }] } },
  POLICY_TYPE: { policy: { rules: [{ action: "deny", contentType: "text/*" }] } },
  MESSAGE_TOO_LARGE: { limits: { messageBytes: 1024 } },
  TOO_MANY_SESSIONS_OF_DOMAIN: { limits: { sessionsPerDomain: 2 } },
  TOO_MANY_SESSIONS_IN_ALL: { limits: { sessions: 2 } },
};

/** How every AUTH begins: no fault of anybody, so it is neither told nor counted. */
const untold: ReadonlySet<Fault> = new Set(["AUTH_CHALLENGED"]);

describe("every fault", () => {
  test.each(Object.entries(causes))(
    "%s can happen, is told and counted, and has the consequence of its line",
    (code, cause) => {
      const fault = code as Fault;
      const bench = new RelayBench(configured[fault]);
      const alice = bench.client("alice");
      const bob = bench.client("bob");
      const carol = bench.connect("carol");
      // All but one of the codes concern carol when her probation is over, or before.
      if (code !== "PROBATION") carol.say(send("t000", between(carol, alice, { failureReport: "no" })));
      cause({ bench, alice, bob, carol });
      const { then, status } = consequence(fault);
      if (!untold.has(fault)) {
        expect(bench.relay.counters.faults[fault] ?? 0).toBeGreaterThan(0);
        expect(bench.faults).toContain(fault);
      }
      const closed = bench.happenings.flatMap((event) => (event.type === "connectionClosed" ? [event.why] : []));
      expect(closed).toEqual(then === "close" ? expect.arrayContaining([fault]) : []);
      if (then === "answer") {
        const answers = bench.peers.flatMap((peer) => peer.heard().map(({ what }) => what));
        expect(answers).toContain(String(status));
      }
      bench.expectNothingKept();
    },
  );
});

describe("the table", () => {
  test.each(Object.entries(faults))("says of %s what the README needs", (_, line) => {
    const { then, status, rfc, text } = line as ReturnType<typeof consequence>;
    expect(rfc).toMatch(/^\d{4} §\d+(\.\d+)*$/);
    expect(text).not.toBe("");
    expect(status === undefined).toBe(then !== "answer");
  });

  test("uses no status that RFC 4975 §10 and RFC 4976 §10.3 do not have, but 500 and the 503 of SIP", () => {
    const statuses = new Set(Object.values(faults).flatMap((line) => ("status" in line ? [line.status] : [])));
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([400, 401, 403, 408, 413, 415, 423, 481, 500, 501, 503]);
  });
});
