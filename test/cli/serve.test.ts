import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect as connectPlain, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { SqliteAccounts } from "../../adapters/accounts/sqlite.ts";
import { emptyFolder, Parley, parley } from "./run-parley.ts";

const anyPorts = ["--port", "0", "--admin-port", "0"];

/** Names, modes and contents of everything in a folder. */
function pictureOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).toSorted();
  const picture = names.map((name) => {
    const { mode } = statSync(join(folder, name));
    const hash = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
    return [name, `${(mode & 0o777).toString(8)} ${hash}`];
  });
  return Object.fromEntries(picture) as Record<string, string>;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}

/** Connects as a client that believes the authority in the data folder and nobody else. */
function connectTo(parleyData: string, port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(join(parleyData, "ca.crt"));
    const socket = connectTls({ host: "127.0.0.1", port, servername: "localhost", ca }, () => resolve(socket));
    socket.on("error", reject);
  });
}

describe("the embedded default", () => {
  test("listens at once, with a certificate for localhost and two users", async () => {
    const folder = emptyFolder();
    const server = new Parley(folder, ["serve", ...anyPorts]);
    const [, port = ""] = await server.says(/public +msrps:\/\/\S+:(\d+), giving out msrps:\/\/localhost:\d+\n/);
    const [, admin = ""] = await server.says(/admin +(http:\/\/127\.0\.0\.1:\d+\/)\n/);
    await server.says(/To try it, in another terminal:\n.*\n\n/);

    const data = join(folder, "parley-data");
    expect((statSync(data).mode & 0o777).toString(8)).toBe("700");
    const modes = Object.entries(pictureOf(data)).map(([name, picture]) => [name, picture.slice(0, 3)]);
    expect(Object.fromEntries(modes)).toMatchObject({
      "admin.token": "600",
      "ca.crt": "644",
      "ca.key": "600",
      "parley.yaml": "600",
      "relay.crt": "644",
      "relay.key": "600",
      "users.db": "600",
    });

    const socket = await connectTo(data, Number(port));
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subjectaltname).toContain("DNS:localhost");
    socket.end();
    await closed(socket);
    const health = await fetch(`${admin}healthz`);
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    const nothing = await fetch(`${admin}nothing`);
    expect([nothing.status, nothing.headers.get("content-type")]).toEqual([404, "application/problem+json"]);

    const users = [...server.out.matchAll(/^ {2}(alice|bob) +(\S+)$/gm)].map(([, name, password]) => [name, password]);
    expect(users.map(([name]) => name)).toEqual(["alice", "bob"]);
    const store = new SqliteAccounts(join(data, "users.db"));
    for (const [name = "", password = ""] of users) {
      const md5 = createHash("md5").update(`${name}:localhost:${password}`).digest("hex");
      expect((await store.find(name, "localhost"))?.ha1?.MD5).toBe(md5);
    }
    store.close();
    const ping = `ping 'msrps://localhost:${port};tcp' --user alice --password ${users[0]?.[1]} --ca parley-data/ca.crt`;
    expect(server.out).toContain(ping);

    server.signal("SIGTERM");
    expect(await server.end()).toMatchObject({ code: 0, err: "" });
  });

  test("changes nothing when it is started again, and says how to set a password", async () => {
    const folder = emptyFolder();
    const first = new Parley(folder, ["serve", ...anyPorts]);
    await first.says(/To try it/);
    first.signal("SIGTERM");
    await first.end();
    const before = pictureOf(join(folder, "parley-data"));

    const second = new Parley(folder, ["serve"]);
    await second.says(/To try it/);
    second.signal("SIGINT");
    const { code, out } = await second.end();
    expect(code).toBe(0);
    expect(pictureOf(join(folder, "parley-data"))).toEqual(before);
    expect(out).toMatch(/user passwd alice --generate\n/);
    expect(out).toMatch(
      /ping 'msrps:\/\/localhost:\d+;tcp' --user alice --password PASSWORD --ca parley-data\/ca\.crt\n/,
    );
  });

  test("is a configuration that check takes, and whose users can be changed while it runs", async () => {
    const folder = emptyFolder();
    const server = new Parley(folder, ["serve", "--data", "my data", ...anyPorts]);
    await server.says(/--ca 'my data\/ca\.crt'\n/);
    expect((await parley(folder, ["check", "my data/parley.yaml"])).code).toBe(0);
    const added = await parley(folder, ["user", "add", "carol", "--generate", "--data", "my data"]);
    expect(added.out).toMatch(/^added carol@localhost, password /);
  });

  test("leaves a folder alone that holds something else", async () => {
    const folder = emptyFolder();
    mkdirSync(join(folder, "parley-data"));
    writeFileSync(join(folder, "parley-data", "holiday.jpg"), "");
    const { code, err } = await parley(folder, ["serve", ...anyPorts]);
    expect(err).toMatch(
      /^parley: \S+ has no parley\.yaml and is not empty: name another folder with --data, or empty it\n$/,
    );
    expect(code).toBe(1);
    expect(readdirSync(join(folder, "parley-data"))).toEqual(["holiday.jpg"]);
  });
});

/** A folder with a plain relay for tests, on any port. */
function plainRelay(more = ""): string {
  const folder = emptyFolder();
  writeFileSync(
    join(folder, "parley.yaml"),
    `hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: hunter2 } } } }
${more}`,
  );
  return folder;
}

async function started(folder: string): Promise<{ readonly server: Parley; readonly port: number }> {
  const server = new Parley(folder, ["serve", "--config", "parley.yaml"]);
  const [, port] = await server.says(/lab +msrp:\/\/127\.0\.0\.1:(\d+), giving out msrp:\/\/localhost:\1\n/);
  return { server, port: Number(port) };
}

describe("serve", () => {
  test("says who has the port when it is taken", async () => {
    const { server, port } = await started(plainRelay());
    const folder = plainRelay();
    const file = join(folder, "parley.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("127.0.0.1:0", `127.0.0.1:${port}`));
    const { code, err } = await parley(folder, ["serve", "--config", "parley.yaml"]);
    expect(err).toMatch(new RegExp(`^parley: .*127\\.0\\.0\\.1:${port}: another program has it`));
    expect(code).toBe(1);
    server.signal("SIGTERM");
    expect((await server.end()).code).toBe(0);
  });

  test("logs a peer that speaks no MSRP as one JSON line with the fault's code", async () => {
    const { server, port } = await started(plainRelay());
    const socket = connectPlain(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await closed(socket);
    await server.says(/\n/, "err");
    const [line = ""] = server.err.split("\n");
    expect(JSON.parse(line)).toMatchObject({
      level: "WARN",
      event: "fault",
      fault: "START_LINE",
      // oxlint-disable-next-line unicorn/no-thenable
      then: "close",
      rfc: "4975 §9",
      connection: 1,
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
  });

  test("shows control characters that a stranger sent, in lines for people, and does not obey them", async () => {
    const { server, port } = await started(plainRelay("log: { format: pretty }\n"));
    const socket = connectPlain(port, "127.0.0.1");
    socket.write("\u001b[2J\u0007 evil\r\n\r\n");
    await closed(socket);
    await server.says(/WARNING START_LINE on connection 1 with 127\.0\.0\.1:\d+: not an MSRP start line.*\n/i, "err");
    expect(server.err).not.toMatch(/[^\P{Cc}\n]/u);
  });

  test("ends open connections when it is told to stop, and exits with 0", async () => {
    const { server, port } = await started(plainRelay());
    const socket = connectPlain(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const end = closed(socket);
    server.signal("SIGTERM");
    await end;
    expect((await server.end()).code).toBe(0);
  });
});
