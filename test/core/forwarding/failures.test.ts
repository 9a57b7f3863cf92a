/**
 * What the sender is told when a SEND does not arrive: RFC 4976 §6.4.1 and §6.4.3, RFC 4975 §7.1.4.
 *
 * The rows are what happens; the columns what Failure-Report says. A cell is what the sender hears after the SEND: the
 * response, and REPORTs with the range they cover.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { beginSend, end, type SendSaid, send } from "../../support/frames.ts";
import { type BenchPeer, RelayBench } from "../../support/relay-bench.ts";

const uri = "msrps://far.example.net:2855/f00;tcp";

let bench: RelayBench;
let alice: BenchPeer;

function begin(): void {
  bench = new RelayBench();
  alice = bench.client("alice");
}

function toFar(said: Partial<SendSaid> = {}): SendSaid {
  return { to: [alice.lease, uri], from: [alice.uri], ...said };
}

/** Far is there already, from an earlier message that is over. */
function farIsThere(): BenchPeer {
  alice.say(send("t000", toFar({ failureReport: "no" })));
  const far = bench.dialed("far");
  far.heard();
  return far;
}

interface Case {
  readonly name: string;
  readonly yes: string[];
  readonly partial: string[];
  readonly no: string[];
  /** Sends the message whole, with this Failure-Report, and lets it fail. */
  readonly run: (failureReport: string) => void;
}

const whole = (failureReport: string) => send("t111", toFar({ failureReport, body: "hello", range: "1-5/5" }));

const cases: Case[] = [
  {
    name: "the URI is not one of ours",
    yes: ["t111 481"],
    partial: ["t111 481"],
    no: [],
    run: (failureReport) => {
      const to = [alice.lease.replace(/\w{26}/, "a".repeat(26)), uri];
      alice.say(send("t111", toFar({ to, failureReport, body: "hello" })));
    },
  },
  {
    name: "the next hop is refused by configuration",
    yes: ["t111 403"],
    partial: ["t111 403"],
    no: [],
    run: (failureReport) => {
      const to = [alice.lease, uri.replace("msrps", "msrp")];
      alice.say(send("t111", toFar({ to, failureReport, body: "hello" })));
    },
  },
  {
    name: "the next hop's address turns out to be refused",
    yes: ["t111 200", "REPORT m111 1-5/5 403"],
    partial: ["REPORT m111 1-5/5 403"],
    no: [],
    run: (failureReport) => {
      alice.say(whole(failureReport));
      bench.dialFailed("POLICY");
    },
  },
  ...(["UNRESOLVED", "UNREACHABLE", "CERTIFICATE", "TIMEOUT"] as const).map((why) => ({
    name: `the next hop cannot be dialed: ${why}`,
    yes: ["t111 200", "REPORT m111 1-5/5 408"],
    partial: ["REPORT m111 1-5/5 408"],
    no: [],
    run: (failureReport: string) => {
      alice.say(whole(failureReport));
      bench.dialFailed(why);
    },
  })),
  {
    name: "the next hop answers with an error",
    yes: ["t111 200", "REPORT m111 1-5/5 415"],
    partial: ["REPORT m111 1-5/5 415"],
    no: [],
    run: (failureReport) => {
      const far = farIsThere();
      alice.say(whole(failureReport));
      far.answer(far.only(), 415);
    },
  },
  {
    name: "the next hop answers with 200",
    yes: ["t111 200"],
    partial: [],
    no: [],
    run: (failureReport) => {
      const far = farIsThere();
      alice.say(whole(failureReport));
      far.answer(far.only(), 200);
      bench.advance(120_000);
    },
  },
  {
    name: "the next hop says nothing for 30 seconds",
    yes: ["t111 200", "REPORT m111 1-5/5 408"],
    partial: [],
    no: [],
    run: (failureReport) => {
      farIsThere();
      alice.say(whole(failureReport));
      bench.advance(31_000);
    },
  },
  {
    name: "the next hop answers with an error, but after 30 seconds",
    yes: ["t111 200", "REPORT m111 1-5/5 408"],
    partial: [],
    no: [],
    run: (failureReport) => {
      const far = farIsThere();
      alice.say(whole(failureReport));
      bench.advance(31_000);
      far.answer(far.only(), 415);
    },
  },
  {
    name: "the next hop is lost before it has answered",
    yes: ["t111 200", "REPORT m111 1-5/5 408"],
    partial: [],
    no: [],
    run: (failureReport) => {
      const far = farIsThere();
      alice.say(whole(failureReport));
      far.end();
    },
  },
  {
    name: "the next hop is lost with the message still in our backlog",
    yes: ["t111 200", "REPORT m111 1-5/5 408"],
    partial: ["REPORT m111 1-5/5 408"],
    no: [],
    run: (failureReport) => {
      const far = farIsThere();
      far.stall();
      alice.say(whole(failureReport));
      far.end();
    },
  },
  {
    name: "the next hop is lost with the last octet of the message still in our backlog",
    yes: ["t111 200", "REPORT m111 1-5/5 408"],
    partial: ["REPORT m111 1-5/5 408"],
    no: [],
    run: (failureReport) => {
      const far = farIsThere();
      far.stall();
      alice.say(whole(failureReport));
      far.take(far.backlog - 1);
      far.end();
    },
  },
  {
    name: "the client it was for is lost",
    yes: ["t111 200", "REPORT m111 1-5/5 481"],
    partial: [],
    no: [],
    run: (failureReport) => {
      const bob = bench.client("bob");
      const to = [alice.lease, bob.lease, bob.uri];
      alice.say(send("t111", toFar({ to, failureReport, body: "hello", range: "1-5/5" })));
      bob.end();
    },
  },
  {
    name: "the client it was for is lost with the message still in our backlog",
    yes: ["t111 200", "REPORT m111 1-5/5 481"],
    partial: ["REPORT m111 1-5/5 481"],
    no: [],
    run: (failureReport) => {
      const bob = bench.client("bob");
      bob.stall();
      const to = [alice.lease, bob.lease, bob.uri];
      alice.say(send("t111", toFar({ to, failureReport, body: "hello", range: "1-5/5" })));
      bob.end();
    },
  },
];

describe.each(["yes", "partial", "no"] as const)("with Failure-Report: %s", (failureReport) => {
  beforeEach(() => begin());

  test.each(cases)("when $name", ({ run, ...cell }) => {
    run(failureReport);
    expect(alice.briefs()).toEqual(cell[failureReport]);
    bench.advance(120_000);
    expect(alice.briefs()).toEqual([]);
    bench.expectNothingKept();
  });
});

describe("absent Failure-Report means yes (RFC 4975 §7.1.1), in any case of letters", () => {
  test.each([undefined, "yes", "YES", "Yes"])("%s", (failureReport) => {
    begin();
    farIsThere();
    alice.say(send("t111", toFar({ failureReport, body: "hello" })));
    bench.advance(31_000);
    expect(alice.briefs()).toEqual(["t111 200", "REPORT m111 1-5/5 408"]);
  });
});

describe("while the chunk is still coming in, its sender gets an error response instead of the 200", () => {
  beforeEach(() => begin());

  const failures: [string, string, (far: BenchPeer) => void][] = [
    ["the next hop answers 413: stop sending", "413", (far) => far.answer(far.hearing ?? far.only(), 413)],
    ["the next hop answers 415", "415", (far) => far.answer(far.hearing ?? far.only(), 415)],
    ["the next hop is lost", "408", (far) => far.end()],
  ];

  test.each(failures)("when %s", (_, status, fail) => {
    for (const failureReport of ["yes", "partial", "no"]) {
      const far = farIsThere();
      alice.say(`${beginSend("t111", toFar({ failureReport, range: "1-*/100" }))}0123456789`);
      const aborted = far.hearing;
      expect(aborted?.body).toBe("012345678");
      fail(far);
      const told = failureReport === "no" ? [] : [`t111 ${status}`];
      expect(alice.briefs()).toEqual(told);
      // The rest of the chunk is read past, and the next one is a new affair.
      alice.say(`more${end("t111")}`);
      expect(alice.briefs()).toEqual([]);
      if (!far.ended && failureReport !== "no") expect(far.heard().at(-1)?.flag).toBe("#");
      far.end();
      alice.heard();
    }
    bench.expectNothingKept();
  });

  test("when the client it was for is lost: 481", () => {
    const bob = bench.client("bob");
    alice.say(`${beginSend("t111", toFar({ to: [alice.lease, bob.lease, bob.uri] }))}0123456789`);
    bob.end();
    expect(alice.briefs()).toEqual(["t111 481"]);
    bench.expectNothingKept();
  });

  test("when the dial fails", () => {
    alice.say(`${beginSend("t111", toFar())}0123456789`);
    bench.dialFailed("UNREACHABLE");
    expect(alice.briefs()).toEqual(["t111 408"]);
    alice.say(end("t111"));
    expect(alice.briefs()).toEqual([]);
    bench.expectNothingKept();
  });

  test("when a part of it that was sent before times out", () => {
    const far = farIsThere();
    alice.say(`${beginSend("t111", toFar({ range: "1-*/100" }))}0123456789`);
    // Our own frame in between interrupts the chunk.
    alice.say("");
    far.say(send("t777", { to: [alice.lease, alice.uri], from: [uri], body: "hi" }));
    expect(far.briefs()).toEqual(["SEND 1-*/100 012345678+", "t777 200"]);
    bench.advance(31_000);
    expect(alice.briefs().filter((brief) => !brief.startsWith("SEND"))).toEqual(["t111 408"]);
  });
});

test("a chunk that is open when the next hop is lost does not make the one before it look delivered", () => {
  begin();
  const bob = bench.client("bob");
  const far = farIsThere();
  far.stall();
  alice.say(send("t111", toFar({ failureReport: "partial", body: "hello" })));
  far.take(far.backlog - 5);
  bob.say(`${beginSend("t222", toFar({ to: [bob.lease, uri], from: [bob.uri] }))}0123456789`);
  far.end();
  expect(alice.briefs()).toEqual(["REPORT m111 1-5/5 408"]);
  bench.expectNothingKept();
});

test("a client that says it has finished still gets what it is owed", () => {
  begin();
  const bob = bench.client("bob");
  bob.stall();
  alice.say(send("t111", toFar({ to: [alice.lease, bob.lease, bob.uri], body: "hello" })));
  bob.finish();
  bob.take();
  expect(bob.briefs()).toEqual(["SEND - hello$"]);
});

describe("a failure REPORT", () => {
  beforeEach(() => begin());

  test("goes back along the whole From-Path, from our URI, with the range that was taken", () => {
    const far = farIsThere();
    const hidden = "msrps://behind.example.com:1/b;tcp";
    alice.say(
      send("t111", {
        to: [alice.lease, uri, "msrps://end.example.net/e;tcp"],
        from: [alice.uri, hidden],
        body: "hello",
        range: "101-*/*",
        flag: "+",
        messageId: "Odd.Id-7",
      }),
    );
    far.answer(far.only(), 415, ["X-Why: none"]);
    const report = alice.heard()[1];
    expect(report?.to).toEqual([alice.uri, hidden]);
    expect(report?.from).toEqual([alice.lease]);
    expect(report?.others).toEqual([
      "Message-ID: Odd.Id-7",
      "Byte-Range: 101-105/*",
      "Status: 000 415 Unsupported Media Type",
    ]);
    expect(report?.body).toBeUndefined();
    expect(report?.flag).toBe("$");
  });

  test.each([
    ["no Byte-Range", undefined, "hello", "1-5/5"],
    ["a Byte-Range that promises more than came", "1-900/1000", "hello", "1-5/1000"],
    ["an empty message", "1-0/0", undefined, "1-0/0"],
    ["an empty message as FreeSWITCH counts it", "0-0/0", undefined, "1-0/0"],
    ["an empty message without a range", undefined, undefined, "1-0/0"],
    ["an empty body", "1-*/*", "", "1-0/*"],
  ])("never says * for its end: %s", (_, range, body, expected) => {
    farIsThere();
    alice.say(send("t111", toFar({ body, range })));
    bench.advance(31_000);
    expect(alice.briefs()).toEqual(["t111 200", `REPORT m111 ${expected} 408`]);
  });

  test("covers just the part that failed when the chunk went on in several", () => {
    bench = new RelayBench({ forwarding: { chunkBytes: 4 } });
    alice = bench.client("alice");
    const far = farIsThere();
    alice.say(send("t111", toFar({ body: "0123456789", range: "1-10/10" })));
    const parts = far.heard();
    expect(parts.map(({ brief }) => brief)).toEqual(["SEND 1-*/10 0123+", "SEND 5-*/10 4567+", "SEND 9-*/10 89$"]);
    far.answer(parts[0] as never, 200);
    far.answer(parts[1] as never, 415);
    bench.advance(31_000);
    expect(alice.briefs()).toEqual(["t111 200", "REPORT m111 5-8/10 415", "REPORT m111 9-10/10 408"]);
    bench.expectNothingKept();
  });

  test("is written with the three digits of a status that nobody knows", () => {
    for (const status of ["099", "000", "699"]) {
      const far = farIsThere();
      alice.say(whole("yes"));
      far.answer(far.only(), status);
      expect(alice.heard().at(-1)?.header("Status")).toBe(`000 ${status}`);
      alice.say(`${beginSend("t222", toFar())}0123456789`);
      far.answer(far.hearing as never, status);
      expect(alice.heard().at(-1)?.what).toBe(status);
      alice.say(end("t222"));
      far.end();
    }
  });

  test("whose sender has gone is dropped and counted", () => {
    const far = farIsThere();
    alice.say(whole("yes"));
    alice.end();
    far.answer(far.only(), 415);
    expect(bench.relay.counters.reportsLost).toBe(1);
    expect(bench.relay.counters.reportsMade).toBe(0);
  });
});

describe("the 30 seconds", () => {
  beforeEach(() => begin());

  test("begin when the kernel has taken the last octet, and not before", () => {
    const far = farIsThere();
    far.stall();
    alice.say(whole("yes"));
    bench.advance(29_900);
    far.take(far.backlog - 1);
    bench.advance(60_000);
    expect(alice.briefs()).toEqual(["t111 200"]);
    far.take();
    bench.advance(29_900);
    expect(alice.briefs()).toEqual([]);
    bench.advance(1_100);
    expect(alice.briefs()).toEqual(["REPORT m111 1-5/5 408"]);
  });

  test("are not cut short when the kernel takes it at the last moment", () => {
    const far = farIsThere();
    far.stall();
    alice.say(whole("yes"));
    bench.advance(29_900);
    far.take();
    bench.advance(29_000);
    expect(alice.briefs()).toEqual(["t111 200"]);
    far.answer(far.only(), 200);
    bench.advance(60_000);
    expect(alice.briefs()).toEqual([]);
  });

  test("do not pass while we dial", () => {
    alice.say(whole("yes"));
    bench.advance(45_000);
    const far = bench.dialed("far");
    bench.advance(29_000);
    expect(alice.briefs()).toEqual(["t111 200"]);
    expect(far.heard()).toHaveLength(1);
    bench.advance(2_000);
    expect(alice.briefs()).toEqual(["REPORT m111 1-5/5 408"]);
  });

  test("are not restarted by what is written later", () => {
    farIsThere();
    alice.say(whole("yes"));
    for (let i = 0; i < 31; i++) {
      bench.advance(1_000);
      alice.say(send("t222", toFar({ failureReport: "no", body: "other" })));
    }
    expect(alice.briefs()).toEqual(["t111 200", "REPORT m111 1-5/5 408"]);
  });

  test("hold for every chunk by itself", () => {
    farIsThere();
    for (let i = 1; i <= 3; i++) {
      alice.say(send("t111", toFar({ messageId: `m${i}`, body: "hello" })));
      bench.advance(9_900);
    }
    alice.heard();
    bench.advance(600);
    expect(alice.briefs()).toEqual(["REPORT m1 1-5/5 408"]);
    bench.advance(9_900);
    expect(alice.briefs()).toEqual(["REPORT m2 1-5/5 408"]);
    bench.advance(9_900);
    expect(alice.briefs()).toEqual(["REPORT m3 1-5/5 408"]);
  });
});
