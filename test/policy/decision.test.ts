/** `policy.decision`: an HTTP service says whether a session may start; what a whole relay makes of it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Log } from "../../adapters/cli/log.ts";
import { RelayProgram } from "../../adapters/cli/relay-program.ts";
import { readSettings } from "../../adapters/config/load.ts";
import { node } from "../../adapters/node/runtime.ts";
import { Decision, type DecisionNews } from "../../adapters/policy/decision.ts";
import { terminalOf } from "../cli/in-process.ts";
import { until } from "../support/wait.ts";
import { WireClient } from "../support/wire-client.ts";

let service: Server;
let url: string;
let asked: Record<string, unknown>[];
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  asked = [];
  answer = says({ allow: true });
  service = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      asked.push(body);
      answer(response);
    });
  });
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/decide`;
});

afterEach(async () => {
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
});

function says(body: unknown, status = 200) {
  return (response: ServerResponse) => void response.writeHead(status).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const octets of request) text += String(octets);
  return JSON.parse(text) as Record<string, unknown>;
}

const wanted = {
  user: "alice",
  domain: "example.com",
  peer: { address: "192.0.2.1", port: 4711, secure: true, names: [] },
  listener: "public",
};

describe("a decision", () => {
  const open: Decision[] = [];
  const news: DecisionNews[] = [];
  const outcomes: string[] = [];
  function decision(otherwise: "allow" | "deny" = "deny"): Decision {
    const events = {
      tell: (line: DecisionNews) => void news.push(line),
      count: (outcome: string) => void outcomes.push(outcome),
    };
    const made = new Decision({ url, token: "t0ken", seconds: 1, otherwise }, events);
    open.push(made);
    return made;
  }
  afterEach(() => {
    for (const made of open.splice(0)) made.close();
    news.length = outcomes.length = 0;
  });

  test("is asked for with all that is known", async () => {
    expect(await decision().decide(wanted)).toBe("ALLOW");
    expect(asked).toEqual([
      { username: "alice", domain: "example.com", address: "192.0.2.1", port: 4711, secure: true, listener: "public" },
    ]);
  });

  test("may be no", async () => {
    answer = says({ allow: false });
    expect(await decision().decide(wanted)).toBe("DENY");
    expect(outcomes).toEqual(["denied"]);
  });

  test.each<[string, () => void]>([
    ["the service says something else", () => (answer = says({ ok: true }))],
    ["the service fails", () => (answer = says({}, 500))],
    ["the service says nothing in time", () => (answer = () => {})],
  ])("is the configuration's when %s", async (_, happen) => {
    happen();
    expect(await decision("deny").decide(wanted)).toBe("UNAVAILABLE");
    expect(await decision("allow").decide(wanted)).toBe("ALLOW");
    expect(news.map(({ event }) => event)).toEqual(["policyUnavailable", "policyUnavailable"]);
    expect(outcomes).toEqual(["failed", "failed"]);
  });
});

describe("failures of the service", () => {
  test("are told once in a while, whatever happens, and then how many they were", async () => {
    answer = says({}, 500);
    const news: string[] = [];
    const made = new Decision(
      { url, seconds: 1, otherwise: "deny" },
      { tell: ({ event }) => void news.push(event), count: () => {} },
    );
    for (let i = 0; i < 20; i++) await made.decide(wanted);
    made.close();
    expect(news).toEqual(["policyUnavailable", "policyDown"]);
  });
});

describe("a relay that asks before a session starts", () => {
  let program: RelayProgram | undefined;
  const clients: WireClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end();
    await program?.stop(0);
  });

  async function client(otherwise: string) {
    const source = `
hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: a }, bob: { password: b } } } }
policy: { decision: { url: "${url}", seconds: 2, otherwise: ${otherwise} } }
`;
    if (program === undefined) {
      const { settings, problems } = readSettings(source, tmpdir(), {}, Date.now());
      if (settings === undefined) throw new Error(JSON.stringify(problems));
      program = await RelayProgram.start(node, settings, new Log(settings.log, terminalOf(tmpdir())));
    }
    const opened = await WireClient.open({ port: Number(program.listening[0]?.url.split(":").at(-1)) });
    clients.push(opened);
    return opened;
  }

  test("does what the service says, says so to the client, and lets nobody else wait", async () => {
    program = undefined;
    const authenticate = (who: WireClient, user: string) =>
      who.authenticate("msrp://localhost;tcp", `msrp://${user}.invalid:1/${user};tcp`, user, user.slice(0, 1));
    const alice = await client("deny");
    expect((await authenticate(alice, "alice")).status).toBe(200);
    answer = says({ allow: false });
    const denied = await authenticate(await client("deny"), "bob");
    expect(denied.lines[0]).toMatch(/ 403 Forbidden \(POLICY_SESSION\)$/);
    answer = () => {};
    const bob = await client("deny");
    const waiting = authenticate(bob, "bob");
    await until(() => asked.length === 3, "the third question");
    // Somebody with a wrong password is answered meanwhile.
    const eve = await client("deny");
    expect((await eve.authenticate("msrp://localhost;tcp", "msrp://e.invalid:1/e;tcp", "alice", "x")).status).toBe(401);
    const refused = await waiting;
    expect(refused.lines[0]).toMatch(/ 500 Server Error \(POLICY_UNAVAILABLE\)$/);
  });
});
