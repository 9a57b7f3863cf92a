/** Messages that the operator does not want: too large (RFC 4975 §10.4), of a type (§10.5), between those two (§10.3). */
import { describe, expect, test } from "vitest";
import type { PolicyRule } from "../../../core/ports.ts";
import { beginSend, request, send } from "../../support/frames.ts";
import { between, cuts, RelayBench } from "../../support/relay-bench.ts";

describe.each(cuts)("%s", (cut) => {
  function scene(limits: Record<string, number>, rules: PolicyRule[] = []) {
    const bench = new RelayBench({ cut, limits, policy: { rules } });
    const [alice, bob] = [bench.client("alice"), bench.client("bob")];
    return { bench, alice, bob };
  }

  describe("limits.messageBytes", () => {
    test("lets a message of that size through, and answers 413 to a larger one at its first octet", () => {
      const { bench, alice, bob } = scene({ messageBytes: 2000 });
      alice.say(send("t111", between(alice, bob, { body: "x".repeat(2000) })));
      expect(alice.briefs()).toEqual(["t111 200"]);
      expect(bob.only().body?.length).toBe(2000);
      alice.say(send("t222", between(alice, bob, { body: "x".repeat(500), range: "1-500/2001", flag: "+" })));
      expect(alice.arrived).toContain("MSRP t222 413 Stop Sending (MESSAGE_TOO_LARGE)\r\n");
      expect(alice.briefs()).toEqual(["t222 413"]);
      expect(bob.heard()).toEqual([]);
      expect(bench.faults).toEqual(["MESSAGE_TOO_LARGE"]);
    });

    test("counts what has come where the sender does not say how much it will be", () => {
      const { alice, bob } = scene({ messageBytes: 2000 });
      alice.say(send("t111", between(alice, bob, { body: "x".repeat(1500), range: "1-*/*", flag: "+" })));
      alice.say(send("t222", between(alice, bob, { body: "x".repeat(501), range: "1501-*/*" })));
      expect(alice.briefs()).toEqual(["t111 200", "t222 413"]);
    });

    test("ends a chunk in the middle when it becomes too large, whatever its Byte-Range says; what has gone on is aborted", () => {
      const { alice, bob } = scene({ messageBytes: 2000 });
      alice.say(beginSend("t111", between(alice, bob, { range: "1-*/10" })));
      for (let i = 0; i < 5; i++) alice.say("x".repeat(1000));
      expect(alice.briefs()).toEqual(["t111 413"]);
      const [first] = bob.heard();
      expect(first?.flag).toBe("#");
      expect(first?.body?.length ?? 0).toBeLessThanOrEqual(2000);
      alice.say("\r\n-------t111$\r\n");
      alice.say(send("t222", between(alice, bob)));
      expect(alice.briefs()).toEqual(["t222 200"]);
    });

    test("says nothing to a sender that wants to hear nothing", () => {
      const { alice, bob } = scene({ messageBytes: 2000 });
      alice.say(send("t111", between(alice, bob, { body: "x".repeat(2001), failureReport: "no" })));
      expect(alice.briefs()).toEqual([]);
      expect(bob.heard().map(({ flag }) => flag)).toEqual(cut === "whole" ? [] : ["#"]);
    });
  });

  test("limits.fileBytes holds for files and for nothing else", () => {
    const { alice, bob } = scene({ fileBytes: 1500 });
    const body = "x".repeat(2000);
    const said = (id: string, type: string) =>
      request(id, "SEND", {
        ...between(alice, bob),
        headers: ["Message-ID: m1", "Byte-Range: 1-2000/2000", `Content-Type: ${type}`],
        body,
      });
    alice.say(said("t111", "text/plain"));
    alice.say(said("t222", "image/png"));
    expect(alice.briefs()).toEqual(["t111 200", "t222 413"]);
  });

  describe("policy.rules", () => {
    test("answer 403 to messages between those who may not talk, also the other way, and lets REPORTs pass", () => {
      const { alice, bob } = scene({}, [{ action: "deny", user: "bob", peer: "example.com" }]);
      alice.say(send("t111", between(alice, bob)));
      expect(alice.arrived).toContain("MSRP t111 403 Forbidden (POLICY_PEER)\r\n");
      bob.say(send("t222", between(bob, alice)));
      expect(bob.briefs()).toEqual(["t222 403"]);
      bob.say(request("t333", "NICKNAME", between(bob, alice)));
      expect(bob.briefs()).toEqual(["t333 403"]);
      expect(alice.heard().map(({ what }) => what)).toEqual(["403"]);
    });

    test("answer 415 to types that are not wanted, of one domain", () => {
      const { alice, bob } = scene({}, [{ action: "deny", domain: "example.com", contentType: "application/*" }]);
      const said = (id: string, type: string) =>
        request(id, "SEND", {
          ...between(alice, bob),
          headers: ["Message-ID: m1", `Content-Type: ${type};a=b`],
          body: "x",
        });
      alice.say(said("t111", "Application/zip"));
      alice.say(said("t222", "text/plain"));
      expect(alice.arrived).toContain("MSRP t111 415 Unsupported Media Type (POLICY_TYPE)\r\n");
      expect(alice.briefs()).toEqual(["t111 415", "t222 200"]);
    });

    test("hold from now on when the configuration changes, also for those who talk already", () => {
      const { bench, alice, bob } = scene({});
      alice.say(send("t111", between(alice, bob)));
      const { config } = bench.relay.state;
      const rules: PolicyRule[] = [{ action: "deny", user: "alice", peer: "*" }];
      bench.relay.reconfigure({ ...config, policy: { ...config.policy, rules } }, bench.now);
      alice.say(send("t222", between(alice, bob)));
      expect(alice.briefs()).toEqual(["t111 200", "t222 403"]);
    });
  });
});

describe("a Host that decides which sessions start", () => {
  test("is asked when the client has authenticated, and the client waits", () => {
    const bench = new RelayBench({ policy: { asks: true } });
    bench.verdict = undefined;
    const alice = bench.connect("alice");
    alice.authenticate();
    expect(bench.wanted).toMatchObject([
      { user: "alice", domain: "example.com", listener: "public", peer: { address: "192.0.2.1" } },
    ]);
    expect(alice.heard()).toEqual([]);
    bench.verdict = "ALLOW";
    bench.settle();
    expect(alice.only().what).toBe("200");
  });

  test.each([
    ["DENY", "403", "POLICY_SESSION"],
    ["UNAVAILABLE", "500", "POLICY_UNAVAILABLE"],
  ] as const)("may say %s: %s", (verdict, status, fault) => {
    const bench = new RelayBench({ policy: { asks: true } });
    bench.verdict = verdict;
    const alice = bench.connect("alice");
    expect(alice.authenticate()).toBe("");
    expect(alice.only().what).toBe(status);
    expect(bench.faults).toEqual([fault]);
  });

  test("is not asked about whom the rules deny, nor about a wrong password", () => {
    const bench = new RelayBench({ policy: { asks: true, rules: [{ action: "deny", user: "alice" }] } });
    bench.verdict = undefined;
    bench.connect("alice").authenticate();
    bench.connect("bob").authenticate({ user: "bob", password: "guess" });
    expect(bench.wanted).toEqual([]);
  });

  test("may answer when the client has gone", () => {
    const bench = new RelayBench({ policy: { asks: true } });
    bench.verdict = undefined;
    const alice = bench.connect("alice");
    alice.authenticate();
    expect(bench.relay.census.pendingAuths).toBe(1);
    alice.end();
    bench.verdict = "ALLOW";
    bench.settle();
    expect(bench.last("sessionStarted")).toBeUndefined();
    bench.expectNothingKept();
  });
});
