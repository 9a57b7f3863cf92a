import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { Mask, maskKey } from "../../adapters/cli/log-mask.ts";
import { categories, categoryOf } from "../../adapters/config/log-categories.ts";
import type { LogSettings } from "../../adapters/config/settings.ts";
import type { Happening } from "../../core/mod.ts";
import { emptyFolder } from "./run-parley.ts";
import { terminalOf } from "./in-process.ts";

const usual: LogSettings = {
  level: "info",
  format: "json",
  levels: new Map(),
  hash: { addresses: false, users: false },
};
const holder = {
  session: 7,
  connection: 3,
  user: "alice",
  domain: "example.com",
  peer: { address: "192.0.2.7", port: 4711, secure: true, names: [] },
  listener: "public",
};
const started: Happening = { type: "sessionStarted", ...holder, expiresSeconds: 60 };
const ended: Happening = {
  type: "sessionEnded",
  ...holder,
  why: "CONNECTION",
  fault: "STALLED",
  startedAt: 1000,
  usedAt: 2000,
  peers: ["msrps://bob.example.net"],
  traffic: {
    bytesIn: 1,
    bytesOut: 2,
    messagesIn: 3,
    messagesOut: 4,
    filesIn: 5,
    filesOut: 6,
    reportsIn: 7,
    reportsOut: 8,
  },
};

/** A log, and what it has written. */
function logOf(settings: Partial<LogSettings> = {}, data = "") {
  const terminal = terminalOf("/nowhere");
  const log = new Log({ ...usual, ...settings }, terminal, { data });
  const lines = () => terminal.written.err.split("\n").filter((line) => line !== "");
  return { log, lines, records: () => lines().map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("a session", () => {
  test("has one line when it starts and one with its sums when it ends", () => {
    const { log, records } = logOf();
    log.happening(started, 1000);
    log.happening(ended, 63_000);
    const [first, last] = records();
    expect(first).toMatchObject({
      logger: "parley.session",
      event: "sessionStarted",
      user: "alice",
      domain: "example.com",
      peer: "192.0.2.7:4711",
      listener: "public",
      message: "session 7 of alice@example.com started for 60 s",
    });
    expect(last).toMatchObject({
      event: "sessionEnded",
      why: "CONNECTION",
      fault: "STALLED",
      seconds: 62,
      message:
        "session 7 of alice@example.com ended: CONNECTION (STALLED) after 62 s, sent 4 messages of 2 octets, received 3 of 1",
      bytesIn: 1,
      bytesOut: 2,
      messagesIn: 3,
      messagesOut: 4,
      filesIn: 5,
      filesOut: 6,
      reportsIn: 7,
      reportsOut: 8,
    });
  });
});

describe("levels", () => {
  test("may differ by category, in both directions", () => {
    const { log, lines } = logOf({
      levels: new Map([
        ["session", "error"],
        ["dial", "debug"],
      ]),
    });
    log.happening(started, 0);
    log.write("debug", "dialing", "a dial");
    log.write("debug", "connectionOpened", "a connection");
    log.write("info", "adminAction", "an action");
    expect(lines().map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(["a dial", "an action"]);
  });

  test("change while it runs, until it is configured again", () => {
    const { log, lines } = logOf();
    log.write("debug", "connectionOpened", "before");
    expect(log.setLevel("parley.connection", "debug")).toBe(true);
    expect(log.levels).toEqual({ parley: "info", "parley.connection": "debug" });
    log.write("debug", "connectionOpened", "after");
    log.write("debug", "dialing", "something else");
    expect(log.setLevel("parley", "error")).toBe(true);
    log.write("warning", "fault", "a warning");
    log.configure(usual);
    log.write("debug", "connectionOpened", "too late");
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain("after");
  });

  test("of what does not exist change nothing", () => {
    const { log } = logOf();
    expect([log.setLevel("parley.nonsense", "debug"), log.setLevel("session", "loud")]).toEqual([false, false]);
    expect(log.levels).toEqual({ parley: "info" });
  });

  test("have a category for every event, but for bugs", () => {
    for (const [event, category] of [
      ["sessionEnded", "session"],
      ["connectionDialed", "dial"],
      ["connectionRefused", "connection"],
      ["authRefused", "auth"],
      ["dialFailed", "dial"],
      ["fault", "fault"],
      ["accountsDown", "accounts"],
      ["certificateReloaded", "operation"],
      ["drainStarted", "operation"],
      ["recordsLost", "records"],
      ["adminAction", "admin"],
      ["bug", undefined],
    ] as const) {
      expect([event, categoryOf(event)]).toEqual([event, category]);
    }
    expect(categories).toContain("records");
  });
});

describe("with log.hash", () => {
  const hash = { addresses: true, users: true };

  test("no line of a session has its address or its user, and its lines belong together, after a restart too", () => {
    const data = emptyFolder();
    const first = logOf({ hash }, data);
    first.log.happening(started, 0);
    first.log.happening(ended, 1000);
    const again = logOf({ hash }, data);
    again.log.happening(started, 0);
    const all = [...first.records(), ...again.records()];
    for (const line of [...first.lines(), ...again.lines()]) {
      expect(line).not.toMatch(/alice|192\.0\.2\.7/);
      expect(line).toContain("example.com");
    }
    expect(new Set(all.map(({ user }) => user)).size).toBe(1);
    expect(new Set(all.map(({ peer }) => peer)).size).toBe(1);
    expect(all[0]?.user).toMatch(/^user-[0-9a-f]{15}$/);
    expect(all[0]?.peer).toMatch(/^ip-[0-9a-f]{15}:4711$/);
    expect((statSync(join(data, "log.key")).mode & 0o777).toString(8)).toBe("600");
  });

  test("another data folder gives other names", () => {
    const names = [emptyFolder(), emptyFolder()].map((data) => {
      const { log, records } = logOf({ hash }, data);
      log.happening(started, 0);
      return records()[0]?.user;
    });
    expect(names[0]).not.toBe(names[1]);
  });

  test("what operators do is written as it is", () => {
    const { log, lines } = logOf({ hash }, emptyFolder());
    log.write("info", "adminAction", "admin: root from 192.0.2.9: DELETE /v1/sessions/1.7", { address: "192.0.2.9" });
    expect(lines()[0]).toContain("192.0.2.9");
  });

  test("says so when there is no folder for its key", () => {
    expect(() => logOf({ hash }, "/dev/null/nowhere")).toThrow();
  });
});

describe("a mask", () => {
  const mask = new Mask({ addresses: true, users: true }, new Uint8Array(32));
  const [ip, user] = [mask.apply("192.0.2.1", ""), mask.apply("bob", "bob")];

  test.each([
    ["from 192.0.2.1:2855 on", `from ${ip}:2855 on`],
    ["it is 192.0.2.1.", `it is ${ip}.`],
    ["at [2001:db8::1]:2855", /^at \[ip-[0-9a-f]{15}\]:2855$/],
    ["::1 refused", /^ip-[0-9a-f]{15} refused$/],
    ["12:30:45 and 1.2.3 and msrps: and ... and ::", /^12:30:45 and 1\.2\.3 and msrps: and \.\.\. and ip-/],
    ["bob@example.com, bobby@example.com and bob", `${user}@example.com, bobby@example.com and ${user}`],
    ["bob.example.com is a host", "bob.example.com is a host"],
    ["msrps://bob@example.com", `msrps://${user}@example.com`],
  ])("%s", (text, expected) => {
    expect(mask.apply(text, "bob")).toEqual(expected instanceof RegExp ? expect.stringMatching(expected) : expected);
  });

  test("takes a user's name as it is, whatever letters it has", () => {
    expect(mask.apply("a session of (.*)@x and of $&@x", "(.*)")).toMatch(/^a session of user-\w+@x and of \$&@x$/);
    expect(mask.apply("of jürgen@x", "jürgen")).toMatch(/^of user-\w+@x$/);
  });

  test("keeps its key", () => {
    const data = emptyFolder();
    const key = maskKey(data);
    expect(key).toHaveLength(32);
    expect([...maskKey(data)]).toEqual([...readFileSync(join(data, "log.key"))]);
  });
});
