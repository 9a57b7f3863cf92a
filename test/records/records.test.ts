/** Session records in every kind of place, and through disks and databases that come and go. */
import { execFileSync, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readSettings } from "../../adapters/config/load.ts";
import type { RecordSettings } from "../../adapters/config/settings.ts";
import { columns, type SessionEnded } from "../../adapters/records/record.ts";
import { createTable, MOST_CHARACTERS, type TableKind } from "../../adapters/records/record-table.ts";
import { Records } from "../../adapters/records/records.ts";
import { testAuthority } from "../support/certificates.ts";
import {
  type DatabaseServer,
  mariadbNeed,
  PASSWORD,
  postgresNeed,
  startMariadb,
  startPostgres,
} from "../support/databases.ts";
import { describeEverywhereWith, describeWith } from "../support/present.ts";
import { until } from "../support/wait.ts";

const ended: SessionEnded = {
  type: "sessionEnded",
  session: 7,
  connection: 3,
  user: "alice",
  domain: "example.com",
  peer: { address: "192.0.2.7", port: 4711, secure: true, names: [] },
  listener: "public",
  why: "CONNECTION",
  fault: "STALLED",
  startedAt: 1000,
  usedAt: 2000,
  peers: ["bob.example.net:2855", "relay.example.org:2855 carol.example.org:9"],
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
const NOW = 61_000;
/** The columns of such a row whose value is known, as text. */
const row = {
  session: "1.7",
  username: "alice",
  domain: "example.com",
  address: "192.0.2.7",
  port: "4711",
  listener: "public",
  relay: "",
  peers: "bob.example.net:2855,relay.example.org:2855 carol.example.org:9",
  bytes_in: "1",
  bytes_out: "2",
  messages_in: "3",
  messages_out: "4",
  files_in: "5",
  files_out: "6",
  reports_in: "7",
  reports_out: "8",
  why: "CONNECTION",
  fault: "STALLED",
};

let folder: string;
let told: string[];
const open: Records[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-records-"));
  told = [];
});
afterEach(async () => {
  for (const records of open.splice(0)) await records.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The settings of what was written under `records`. */
function settingsOf(written: string): readonly RecordSettings[] {
  const source = `hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:0", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: {} } }
records: ${written}
`;
  const { settings, problems } = readSettings(source, folder, {}, Date.now());
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return settings?.records ?? [];
}

async function recordsOf(written: string, share = { worker: 1, of: 1 }): Promise<Records> {
  const tell = (level: string, event: string, text: string) => told.push(`${level} ${event}: ${text}`);
  const records = await Records.open(settingsOf(written), { data: folder, share, tell });
  open.push(records);
  return records;
}

const texts = (found: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(found).map(([name, value]) => [name, String(value)]));

test("a file has whoever it was, when, how much, and no URI", async () => {
  const records = await recordsOf("[{ type: file, path: sessions.jsonl }]");
  records.ended(ended, NOW);
  await records.close();
  const text = readFileSync(join(folder, "sessions.jsonl"), "utf8");
  const found = JSON.parse(text) as Record<string, string>;
  expect(texts(found)).toMatchObject(row);
  expect(Object.keys(found)).toEqual(Object.keys(columns));
  expect(found.id).toMatch(/^[0-9a-f-]{36}$/);
  const [started, used, over] = [found.started_at, found.used_at, found.ended_at].map((at) => Date.parse(at ?? ""));
  expect([(used as number) - (started as number), (over as number) - (started as number)]).toEqual([1000, 60_000]);
  expect(text).not.toContain("msrp");
});

test("an SQLite file is made with its table", async () => {
  const records = await recordsOf("[{ type: sqlite, path: records.db, table: calls }]");
  for (let i = 0; i < 500; i++) records.ended({ ...ended, session: i }, NOW);
  await records.close();
  const database = new DatabaseSync(join(folder, "records.db"));
  const rows = database.prepare("SELECT * FROM calls ORDER BY CAST(substr(session, 3) AS INTEGER)").all();
  database.close();
  expect(rows).toHaveLength(500);
  expect(texts(rows[7] ?? {})).toMatchObject(row);
  expect(told).toEqual([]);
});

test("a webhook is given each, signed", async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += String(part)));
    request.on("end", () => {
      bodies.push(`${request.headers["webhook-signature"] === undefined ? "unsigned" : "signed"} ${body}`);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const records = await recordsOf(
    `[{ type: webhook, name: billing, url: "http://127.0.0.1:${port}/", secret: 0123456789abcdef0 }]`,
  );
  records.ended(ended, NOW);
  await until(() => bodies.length === 1, "the delivery");
  server.closeAllConnections();
  server.close();
  await until(() => records.views[0]?.waiting === 0, "an empty queue");
  expect(records.views).toEqual([{ name: "billing", written: 1, lost: 0, waiting: 0 }]);
  expect(bodies[0]).toMatch(/^signed \{"type":"sessionRecord"/);
  const { data } = JSON.parse((bodies[0] ?? "").slice("signed ".length)) as {
    data: { fields: Record<string, unknown> };
  };
  expect(texts(data.fields)).toMatchObject(row);
});

test("several places are told, and one that is full keeps nobody else back", async () => {
  const records = await recordsOf(
    "[{ type: file, name: full, path: /dev/full }, { type: file, path: sessions.jsonl }]",
  );
  for (let i = 0; i < 100; i++) records.ended(ended, NOW);
  await until(() => told.length === 1, "the failure");
  expect(told[0]).toMatch(/^warning recordsDelayed: records full: cannot be written: (ENOSPC|No space).*; they wait$/);
  await until(() => records.views[1]?.waiting === 0, "the file");
  expect(records.views).toEqual([
    { name: "full", written: 0, lost: 0, waiting: 100 },
    { name: "file", written: 100, lost: 0, waiting: 0 },
  ]);
  await records.close();
  expect(told.at(-1)).toBe("warning recordsWaiting: records full: 100 wait on the disk for the next start");
  expect(readFileSync(join(folder, "sessions.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(100);
});

test("of workers, each takes over what waits from its own number, and the first what nobody else will", async () => {
  const nowhere = "{ type: file, path: /dev/full }";
  const kept = async (written: string, worker: number, of: number) => {
    const records = await Records.open(settingsOf(`[${written}]`), {
      data: folder,
      share: { worker, of },
      tell: () => {},
    });
    records.ended({ ...ended, session: 10 * of }, NOW);
    await records.close();
  };
  // A folder is no database.
  const third = `{ type: sqlite, name: third, path: ${folder} }`;
  for (const worker of [1, 2, 3]) await kept(third, worker, 3);
  await kept(nowhere.replace("file,", "file, name: third-2,"), 1, 1); // another place, whatever it is called
  const written = "[{ type: file, name: third, path: sessions.jsonl }]";
  const both = [await recordsOf(written, { worker: 2, of: 2 }), await recordsOf(written, { worker: 1, of: 2 })];
  for (const records of both) await records.close();
  const sessions = (file: string) =>
    readFileSync(join(folder, file), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { session: string }).session)
      .toSorted();
  expect(sessions("sessions.jsonl-2")).toEqual(["2.30"]);
  expect(sessions("sessions.jsonl")).toEqual(["1.30", "3.30"]);
});

interface Kind {
  readonly type: Exclude<TableKind, "sqlite">;
  readonly need: typeof postgresNeed;
  readonly start: typeof startPostgres;
  readonly database: string;
}

const kinds: readonly Kind[] = [
  { type: "postgres", need: postgresNeed, start: startPostgres, database: "postgres" },
  { type: "mysql", need: mariadbNeed, start: startMariadb, database: "parley" },
];

describe.each(kinds)("$type", ({ type, need, start, database }) => {
  describeEverywhereWith([need], `records in ${type}`, () => {
    let server: DatabaseServer;

    beforeAll(async () => {
      server = await start(await (await testAuthority()).issue("localhost"));
      server.sql(createTable(type, "parley_sessions"));
    });
    afterAll(() => server.end());

    const written = () => {
      const url = `${type}://parley:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${database}`;
      return `[{ type: ${type}, url: "${url}", tls: false }]`;
    };
    /** Fails until the statement, which asks whether something is so, is true. */
    const becomes = async (condition: string) => {
      const check =
        type === "postgres"
          ? `DO $$ BEGIN IF NOT (${condition}) THEN RAISE EXCEPTION 'no'; END IF; END $$;`
          : `SELECT CASE WHEN (${condition}) THEN 1 ELSE (SELECT 1 UNION SELECT 2) END;`;
      const holds = () => {
        try {
          server.sql(check);
          return true;
        } catch {
          return false;
        }
      };
      await until(holds, condition, 20_000);
    };
    const count = (where: string) => `(SELECT COUNT(*) FROM parley_sessions WHERE ${where})`;

    test("each is a row of the table that the reference makes, whatever a client calls itself", async () => {
      const records = await recordsOf(written());
      records.ended(ended, NOW);
      records.ended({ ...ended, session: 8, user: `${"ä".repeat(300)}\0'"` }, NOW);
      const all = Object.entries(row).map(([name, value]) => `${name} = '${value}'`);
      await becomes(`${count(all.join(" AND "))} = 1`);
      await becomes(`${count(`session = '1.8' AND username = '${"ä".repeat(MOST_CHARACTERS)}'`)} = 1`);
      await records.close();
      expect(told.filter((line) => line.includes("recordsLost"))).toEqual([]);
    });

    test("they wait while the server is gone, and none is lost or there twice", async () => {
      const records = await recordsOf(written());
      for (let i = 100; i < 150; i++) records.ended({ ...ended, session: i, domain: "gone.example" }, NOW);
      await becomes(`${count("domain = 'gone.example'")} = 50`);
      await server.stop();
      for (let i = 150; i < 200; i++) records.ended({ ...ended, session: i, domain: "gone.example" }, NOW);
      await until(() => told.length === 1, "the failure");
      expect(told[0]).toMatch(
        new RegExp(`^warning recordsDelayed: records ${type}: cannot be written: .*; they wait$`),
      );
      // A program that ends meanwhile leaves them to the next one.
      await records.close();
      expect(told.at(-1)).toBe(`warning recordsWaiting: records ${type}: 50 wait on the disk for the next start`);
      await server.start();
      await recordsOf(written());
      await becomes(`${count("domain = 'gone.example'")} = 100`);
    });
  });
});

const unshare = process.getuid?.() === 0 ? ["-m"] : ["-rm"];
const inNamespace = `mount -t tmpfs -o size=200k none "$1" && shift && exec "$@"`;
const smallDisk = {
  what: "mount namespaces",
  found: spawnSync("unshare", [...unshare, "sh", "-c", inNamespace, "sh", tmpdir(), "true"]).status === 0,
};

describeWith([smallDisk], "a disk that is full", () => {
  test("takes up where it left when there is room again: no line is cut, lost or there twice", () => {
    const program = new URL("full-disk-program.ts", import.meta.url).pathname;
    const command = ["sh", "-c", inNamespace, "sh", folder, process.execPath, program, folder];
    const said = execFileSync("unshare", [...unshare, ...command], { encoding: "utf8", timeout: 30_000 });
    expect(JSON.parse(said)).toEqual({ refused: 3, whole: true, count: 500 });
  });
});

test("the reference has the statements that make the tables", () => {
  const reference = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
  for (const kind of ["postgres", "mysql"] as const) expect(reference).toContain(createTable(kind, "parley_sessions"));
});
