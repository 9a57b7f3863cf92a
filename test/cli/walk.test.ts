/** README's walk for operators, run as it is written, but for free ports, a folder and a PostgreSQL of the test's own. */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testAuthority } from "../support/certificates.ts";
import { PASSWORD, postgresNeed, startPostgres } from "../support/databases.ts";
import { describeWith, program } from "../support/present.ts";
import { freePort } from "../support/wait.ts";

const root = new URL("../..", import.meta.url).pathname;
/** Milliseconds. The transfer alone takes twelve seconds. */
const PATIENCE = 150_000;

function walk(): string {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const section = /\n## A walk for operators\n(.*?)\n## /s.exec(readme)?.[1] ?? "";
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, commands]) => commands).join("\n");
}

/** Ends whatever the commands have left behind, too. */
async function bash(commands: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn("bash", ["-c", `exec 2>&1\n${commands}`], { cwd: root, env, detached: true });
  let output = "";
  child.stdout.on("data", (text) => (output += String(text)));
  const group = -(child.pid as number);
  const enough = setTimeout(() => process.kill(group, "SIGKILL"), PATIENCE);
  await new Promise((resolve) => child.on("exit", resolve));
  clearTimeout(enough);
  try {
    process.kill(group, "SIGKILL");
  } catch {
    // Nothing was left.
  }
  return output;
}

const needs = [
  postgresNeed,
  program("openssl", "openssl"),
  program("prometheus", "prometheus"),
  program("curl", "curl"),
];

describeWith(needs, "README's walk for operators", () => {
  test("goes as written, and nothing is lost", { timeout: PATIENCE + 30_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-walk-"));
    const database = await startPostgres(await (await testAuthority()).issue("127.0.0.1"));
    try {
      cpSync(join(root, "examples/operator"), folder, { recursive: true });
      const [relay, admin, prometheus] = [await freePort(), await freePort(), await freePort()];
      const here = (text: string) =>
        text
          .replaceAll(/\boperator\//g, `${folder}/`)
          .replaceAll(/:2855\b/g, `:${relay}`)
          .replaceAll(/:8080\b/g, `:${admin}`)
          .replaceAll(/:9090\b/g, `:${prometheus}`)
          .replaceAll("@127.0.0.1/", `@127.0.0.1:${database.port}/`)
          .replaceAll("../packaging/", `${root}packaging/`);
      for (const name of ["relay.yaml", "prometheus.yaml"]) {
        writeFileSync(join(folder, name), here(readFileSync(join(folder, name), "utf8")));
      }
      const commands = here(walk())
        .replace("npm ci && cp -r examples/operator operator\n", "")
        .replace("sudo -u postgres psql", `psql -X -q -h 127.0.0.1 -p ${database.port} -U parley -d postgres`)
        .replace("200000000", "120000000");
      const said = await bash(commands, { ...process.env, PGPASSWORD: PASSWORD });
      expect(said).toMatch(/certificate .*DNS:alpha\.localhost/);
      expect(said).toMatch(/certificate .*DNS:beta\.localhost/);
      expect(said.match(/SEND back .*the same octets came back/g)).toHaveLength(2);
      expect(said).toMatch(/"domain":"alpha\.localhost".*"outcome":"OK"/);
      // The certificate that was made last, and the one that whoever connects then gets.
      const serials = said.match(/(?<=serial=)\w+/g) ?? [];
      expect(serials.slice(-2)).toEqual([serials[3], serials[3]]);
      expect(said).toContain("nothing was lost\nthe relay has ended with 0");
    } finally {
      await database.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
