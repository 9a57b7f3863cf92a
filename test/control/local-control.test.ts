/** LocalControl over a whole relay on loopback, with clients that do what people's clients do. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { RelayProgram } from "../../adapters/cli/relay-program.ts";
import { readSettings } from "../../adapters/config/load.ts";
import type { Occurrence, TracedFrame } from "../../adapters/control/control.ts";
import { NotOffered } from "../../adapters/control/not-offered.ts";
import { node } from "../../adapters/node/runtime.ts";
import { terminalOf } from "../cli/in-process.ts";
import { until } from "../support/wait.ts";
import { WireClient } from "../support/wire-client.ts";

const configuration = `
hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }, { name: inside, url: "msrp://127.0.0.1:0" }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 }, bob: { password: hunter3 } } } }
outgoing: { plain: true, allow: [public] }
`;

let program: RelayProgram;
const clients: WireClient[] = [];

beforeEach(async () => {
  const { settings, problems } = readSettings(configuration, "/nowhere", {}, Date.now());
  if (settings === undefined) throw new Error(JSON.stringify(problems));
  program = await RelayProgram.start(node, settings, new Log(settings.log, terminalOf("/nowhere")));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  await program.stop(0);
});

async function connect(listener = 0): Promise<WireClient> {
  const client = await WireClient.open({ port: Number(program.listening[listener]?.url.split(":").at(-1)) });
  clients.push(client);
  return client;
}

const uri = () => `${program.listening[0]?.advertised};tcp`;
const own = (name: string) => `msrp://${name}.invalid:2855/${name};tcp`;

async function join(name: string, password: string): Promise<{ client: WireClient; path: string }> {
  const client = (await connect()).answering();
  return { client, path: await client.join(uri(), own(name), name, password) };
}

/** The same as `until`, for what has to be asked for. */
async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  let so = false;
  let asking = false;
  await until(() => {
    if (!asking && !so) {
      asking = true;
      void condition().then((answer) => {
        so = answer;
        asking = false;
      });
    }
    return so;
  }, what);
}

const codes = async (of: { user?: string; address?: string }) =>
  (await program.control.explain(of)).map(({ code }) => code);

describe("sessions and connections", () => {
  test("are listed with what went through them, and without the URI that was handed out", async () => {
    const alice = await join("alice", "hunter2");
    const bob = await join("bob", "hunter3");
    alice.client.request(
      "SEND",
      [
        `To-Path: ${alice.path} ${bob.path} ${own("bob")}`,
        `From-Path: ${own("alice")}`,
        "Message-ID: m1",
        "Byte-Range: 1-5/5",
        "Content-Type: text/plain",
      ],
      "hello",
    );
    await bob.client.requested("SEND");
    await alice.client.response();
    const sessions = await program.control.sessions();
    expect(sessions.map(({ id, user, connection }) => [id, user, connection])).toEqual([
      ["1.1", "alice", "1.1"],
      ["1.2", "bob", "1.2"],
    ]);
    expect(sessions[0]).toMatchObject({ domain: "localhost", listener: "lab", address: "127.0.0.1", secure: false });
    expect(sessions[0]?.traffic).toMatchObject({ bytesOut: 5, messagesOut: 1 });
    expect(sessions[1]?.traffic).toMatchObject({ bytesIn: 5, messagesIn: 1 });
    expect(Math.abs((sessions[0]?.startedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    expect((sessions[0]?.expiresAt ?? 0) - (sessions[0]?.startedAt ?? 0)).toBe(86_400_000);

    const connections = await program.control.connections();
    expect(connections.map(({ id, direction, listener, sessions: held }) => [id, direction, listener, held])).toEqual([
      ["1.1", "accepted", "lab", 1],
      ["1.2", "accepted", "lab", 1],
    ]);
    const secret = /\/([^/;]+);/.exec(alice.path)?.[1] as string;
    expect(JSON.stringify([sessions, connections, await program.control.info()])).not.toContain(secret);
    expect(await program.control.info()).toMatchObject({
      sessions: 2,
      connections: 2,
      workers: 1,
      domains: ["localhost"],
    });
  });

  test("that an operator ends are over for their client as well", async () => {
    const { client } = await join("alice", "hunter2");
    expect(await program.control.endSession("1.1")).toBe(true);
    await until(() => client.closed, "the end of alice's connection");
    expect(await program.control.sessions()).toEqual([]);
    expect(await program.control.endSession("1.1")).toBe(false);

    const other = await connect();
    await eventually(async () => (await program.control.connections()).length > 0, "the connection");
    expect(await program.control.endConnection("1.2")).toBe(true);
    await until(() => other.closed, "the end of the connection");
  });

  test.each(["", "1", "2.1", "1.x", "1.1.1", "1.99999999999999999999"])("%j names nothing here", async (id) => {
    await join("alice", "hunter2");
    expect(await program.control.endSession(id)).toBe(false);
    expect(await program.control.endConnection(id)).toBe(false);
    expect(await program.control.trace(id, 1, () => {})).toBeUndefined();
    expect(await program.control.sessions()).toHaveLength(1);
  });
});

describe("explain", () => {
  test("a client that connects and says nothing has sent no AUTH", async () => {
    await connect();
    await eventually(async () => (await codes({ address: "127.0.0.1" })).length > 0, "an attempt");
    const [found] = await program.control.explain({ address: "127.0.0.1" });
    expect(found?.code).toBe("CONNECTED");
    expect(found?.text).toBe("connected to listener lab and has not authenticated");
  });

  test("one that hangs up before it has a session is told apart", async () => {
    (await connect()).end();
    await eventually(async () => (await codes({ address: "127.0.0.1" })).includes("HUNG_UP"), "the end");
    expect(await codes({ address: "127.0.0.1" })).toEqual(["HUNG_UP"]);
  });

  test("a wrong password is told of the user and of the address, and then the right one", async () => {
    const client = await connect();
    await client.authenticate(uri(), own("alice"), "alice", "wrong");
    for (const of of [{ user: "alice" }, { user: "alice@localhost" }, { address: "127.0.0.1" }]) {
      const [found] = await program.control.explain(of);
      expect(found).toMatchObject({ code: "AUTH_WRONG", user: "alice", domain: "localhost", address: "127.0.0.1" });
      expect(found?.advice).toContain("parley user passwd");
    }
    await client.authenticate(uri(), own("alice"), "alice", "hunter2");
    expect(await codes({ user: "alice" })).toEqual(["OK", "AUTH_WRONG"]);
  });

  test("AUTH for a domain of somebody else", async () => {
    const client = await connect();
    client.request("AUTH", ["To-Path: msrp://elsewhere.example:2855;tcp", `From-Path: ${own("alice")}`]);
    await until(() => client.closed, "the end of the connection");
    const [found] = await program.control.explain({ address: "127.0.0.1" });
    expect([found?.code, found?.text]).toEqual(["NOT_FOR_US", expect.stringContaining("elsewhere.example")]);
    expect(found?.advice).toContain("hostname and domains");
  });

  test("AUTH without TLS where TLS is needed", async () => {
    const client = await connect(1);
    await client.authenticate(uri(), own("alice"), "alice", "hunter2");
    const [found] = await program.control.explain({ address: "127.0.0.1" });
    expect([found?.code, found?.advice]).toEqual(["AUTH_NOT_SECURE", expect.stringContaining("msrps://")]);
  });

  test("Expires out of bounds", async () => {
    const client = await connect();
    client.request("AUTH", [`To-Path: ${uri()}`, `From-Path: ${own("alice")}`, "Expires: soon"]);
    expect((await client.response()).status).toBe(400);
    expect(await codes({ address: "127.0.0.1" })).toEqual(["EXPIRES"]);
  });

  test("a next hop that outgoing does not allow is told to the sender's user, with the hop", async () => {
    const alice = await join("alice", "hunter2");
    const far = "msrp://127.0.0.1:9/bob;tcp";
    alice.client.request(
      "SEND",
      [
        `To-Path: ${alice.path} ${far}`,
        `From-Path: ${own("alice")}`,
        "Message-ID: m1",
        "Byte-Range: 1-5/5",
        "Content-Type: text/plain",
      ],
      "hello",
    );
    expect((await alice.client.requested("REPORT")).lines).toContainEqual(expect.stringMatching(/^Status: 000 403/));
    await eventually(async () => (await codes({ user: "alice" })).includes("POLICY"), "the reason");
    const found = (await program.control.explain({ user: "alice" })).find(({ code }) => code === "POLICY");
    expect(found?.address).toBe("127.0.0.1:9");
    expect(found?.text).toContain("outgoing does not allow this next hop: 127.0.0.1:9");
    expect(found?.advice).toContain("outgoing.allow");
    // Also when alice has gone.
    alice.client.end();
    await eventually(async () => (await program.control.sessions()).length === 0, "the end of the session");
    expect(await codes({ user: "alice" })).toEqual(expect.arrayContaining(["CONNECTION", "POLICY", "OK"]));
  });

  test("a URI that leads nowhere (481)", async () => {
    const { client, path } = await join("alice", "hunter2");
    const foreign = path.replace(/\/[^/;]+;/, "/abcdefghijklmnopqrstuvwxyz;");
    client.request(
      "SEND",
      [
        `To-Path: ${foreign} ${own("bob")}`,
        `From-Path: ${own("alice")}`,
        "Message-ID: m1",
        "Byte-Range: 1-1/1",
        "Content-Type: text/plain",
      ],
      "x",
    );
    expect((await client.response()).status).toBe(481);
    const [found] = await program.control.explain({ user: "alice" });
    expect(found?.code).toBe("SESSION_UNKNOWN");
  });
});

describe("events", () => {
  test("tell of sessions and faults with the ids that the API knows, and not of every connection", async () => {
    const seen: Occurrence[] = [];
    const stop = program.control.events(undefined, (one) => void seen.push(one));
    const { client } = await join("alice", "hunter2");
    client.end();
    await until(() => seen.some(({ type }) => type === "sessionEnded"), "the end of the session");
    stop();
    expect(seen.map(({ type }) => type)).toEqual(["sessionStarted", "sessionEnded"]);
    expect(seen[0]?.fields).toMatchObject({ session: "1.1", connection: "1.1", user: "alice" });
    expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
  });
});

describe("a trace", () => {
  test("shows heads to all who follow, never a body or the session's URI, and ends when nobody does", async () => {
    const { client, path } = await join("alice", "hunter2");
    const [one, two]: [TracedFrame[], TracedFrame[]] = [[], []];
    const stopOne = await program.control.trace("1.1", 10, (frame) => void one.push(frame));
    const stopTwo = await program.control.trace("1.1", 10, (frame) => void two.push(frame));
    const send = () =>
      client.request(
        "SEND",
        [
          `To-Path: ${path}`,
          `From-Path: ${own("alice")}`,
          "Message-ID: m1",
          "Byte-Range: 1-6/6",
          "Content-Type: text/plain",
        ],
        "secret",
      );
    send();
    await client.response();
    expect(one.length).toBeGreaterThan(0);
    expect(two).toEqual(one);
    expect(one[0]).toMatchObject({ session: "1.1", direction: "in", connection: "1.1", bodyBytes: 6 });
    const told = JSON.stringify(one);
    expect(told).toContain("Message-ID: m1");
    expect(told).not.toContain("secret");
    expect(told).not.toContain(/\/([^/;]+);/.exec(path)?.[1]);
    stopOne?.();
    send();
    await client.response();
    expect(two.length).toBeGreaterThan(one.length);
    stopTwo?.();
    const before = two.length;
    send();
    await client.response();
    expect(two).toHaveLength(before);
  });
});

test("a drain is seen by whoever asks, until it is taken back", async () => {
  const begun = await program.control.drain(600);
  expect(begun.deadline - begun.since).toBe(600_000);
  expect((await program.control.info()).drain).toEqual(begun);
  await program.control.undrain();
  expect((await program.control.info()).drain).toBeUndefined();
});

test("what the program around it cannot do is refused", async () => {
  await expect(program.control.reload()).rejects.toBeInstanceOf(NotOffered);
});
