/**
 * PostgreSQL and MariaDB of our own: a fresh folder, an ephemeral port, TLS, and a test may stop and start them.
 *
 * Root may not run PostgreSQL, so then it runs as the user that Debian's package has made for it. MariaDB is told the
 * same.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type Need, whereIs } from "./present.ts";
import { Program } from "./program.ts";
import { freePort, pause } from "./wait.ts";

export interface DatabaseServer {
  readonly port: number;
  /** Runs statements as the administrator. */
  sql(statements: string): void;
  start(): Promise<void>;
  /** From its next start. */
  certify(pair: Pair): void;
  /** At once, whoever is connected. */
  stop(): Promise<void>;
  /** Stops it and removes its folder. */
  end(): Promise<void>;
}

/** Of the administrator, who is `parley` everywhere. Nobody but this machine can connect. */
export const PASSWORD = "s3cr:t/@%";

/** PEM texts. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

export const postgresNeed: Need = {
  what: "PostgreSQL (Debian: apt-get install postgresql)",
  found: postgresFolder() !== undefined,
};

export const mariadbNeed: Need = {
  what: "MariaDB (Debian: apt-get install mariadb-server)",
  found: whereIs("mariadbd") !== undefined && whereIs("mariadb-install-db") !== undefined,
};

export async function startPostgres({ cert, key }: Pair): Promise<DatabaseServer> {
  const programs = postgresFolder() ?? "";
  const folder = folderFor("postgres");
  const as = (command: string) => asUser("postgres", command);
  const run = (command: string, args: readonly string[]) => {
    const [program, ...before] = as(join(programs, command));
    execFileSync(program, [...before, ...args], { stdio: "pipe", cwd: folder });
  };
  const files = [put(folder, "pw", PASSWORD), put(folder, "cert.pem", cert), put(folder, "key.pem", key)] as const;
  for (const file of files) ownedBy("postgres", file);
  const data = join(folder, "data");
  const auth = ["-A", "scram-sha-256", "-U", "parley", `--pwfile=${files[0]}`];
  run("initdb", ["-D", data, ...auth, "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
    fsync: "off",
    ssl: "on",
    ssl_cert_file: files[1],
    ssl_key_file: files[2],
    max_connections: 40,
    shared_buffers: "16MB",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const psql = whereIs("psql") ?? join(programs, "psql");
  const where = ["-h", "127.0.0.1", "-p", String(port), "-U", "parley", "-d", "postgres"];
  const sql = (statements: string) => {
    const environment = { ...process.env, PGPASSWORD: PASSWORD };
    const args = ["-X", "-q", "-v", "ON_ERROR_STOP=1", ...where];
    execFileSync(psql, args, { input: statements, stdio: "pipe", env: environment });
  };
  let server: Program | undefined;
  const stop = async () => {
    if (server === undefined) return;
    run("pg_ctl", ["stop", "-D", data, "-m", "immediate", "-s"]);
    await server.stop();
    server = undefined;
  };
  const start = async () => {
    const [program, ...args] = as(join(programs, "postgres"));
    server = new Program(program, [...args, "-D", data, ...options]);
    await server.answersOn(port);
    await taken(() => sql("SELECT 1"));
  };
  await start();
  return {
    port,
    sql,
    start,
    certify: (pair) => {
      writeFileSync(files[1], pair.cert);
      writeFileSync(files[2], pair.key);
    },
    stop,
    end: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function startMariadb({ cert, key }: Pair): Promise<DatabaseServer> {
  const folder = folderFor("mysql");
  const data = join(folder, "data");
  const user = userInfo().uid === 0 ? ["--user=mysql"] : [];
  const files = [put(folder, "cert.pem", cert), put(folder, "key.pem", key)] as const;
  for (const file of files) ownedBy("mysql", file);
  const install = whereIs("mariadb-install-db") ?? "mariadb-install-db";
  execFileSync(
    install,
    ["--no-defaults", `--datadir=${data}`, ...user, "--auth-root-authentication-method=normal", "--skip-test-db"],
    { stdio: "pipe", cwd: folder },
  );
  const port = await freePort();
  const socket = join(folder, "socket");
  const args = [
    "--no-defaults",
    `--datadir=${data}`,
    ...user,
    `--port=${port}`,
    `--socket=${socket}`,
    "--bind-address=127.0.0.1",
    `--ssl-cert=${files[0]}`,
    `--ssl-key=${files[1]}`,
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=16M",
  ];
  const client = whereIs("mariadb") ?? "mariadb";
  const login = ["--no-defaults", `--socket=${socket}`, "-u", "root"];
  const sql = (statements: string) => void execFileSync(client, login, { input: statements, stdio: "pipe" });
  let server: Program | undefined;
  const stop = async () => {
    await server?.stop();
    server = undefined;
  };
  const start = async () => {
    server = new Program(whereIs("mariadbd") ?? "mariadbd", args);
    await server.answersOn(port);
    await taken(() => sql("SELECT 1"));
  };
  await start();
  sql(`CREATE USER parley IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO parley; CREATE DATABASE parley`);
  return {
    port,
    sql: (statements) => sql(`USE parley; ${statements}`),
    start,
    certify: (pair) => {
      writeFileSync(files[0], pair.cert);
      writeFileSync(files[1], pair.key);
    },
    stop,
    end: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Debian keeps the programs of each version in a folder that no PATH leads to. */
function postgresFolder(): string | undefined {
  const versions = "/usr/lib/postgresql";
  const folders = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, "bin")) : [];
  const onPath = whereIs("initdb");
  if (onPath !== undefined) folders.push(join(onPath, ".."));
  return folders.toReversed().find((folder) => existsSync(join(folder, "initdb")));
}

/** A folder that belongs to the user of that server. */
function folderFor(user: string): string {
  const folder = mkdtempSync(join(tmpdir(), `parley-${user}-`));
  chmodSync(folder, 0o755);
  ownedBy(user, folder);
  return folder;
}

function ownedBy(user: string, file: string): void {
  if (userInfo().uid === 0) execFileSync("chown", [user, file]);
}

function asUser(user: string, command: string): [string, ...string[]] {
  return userInfo().uid === 0 ? ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", command] : [command];
}

function put(folder: string, name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

/** A server that has just begun to listen may not take everybody yet. */
async function taken(work: () => void): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      work();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await pause(50);
    }
  }
}
