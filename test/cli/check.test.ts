import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { emptyFolder, parley } from "./run-parley.ts";

const good = `hostname: localhost
listeners: [{ name: lab, url: "msrp://127.0.0.1:2858", auth: insecure }]
domains: [{ name: localhost, accounts: main }]
accounts: { main: { type: static, users: { alice: { password: "\${SECRET}" } } } }
`;

test("check says that a configuration is fine", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "parley.yaml"), good.replace("${SECRET}", "secret"));
  const { code, out, err } = await parley(folder, ["check", "parley.yaml"]);
  expect([code, out, err]).toEqual([0, "parley.yaml is fine\n", ""]);
});

test("check prints every problem on a line with its place, and exits with 1", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "parley.yaml"), `${good}limits:\n  idleSecond: 5\n`);
  const { code, out, err } = await parley(folder, ["check", "parley.yaml"]);
  expect(err.split("\n")).toEqual([
    "parley.yaml:4:63  accounts.main.users.alice.password: environment variable SECRET is not set",
    "parley.yaml:6:3  limits.idleSecond: unknown key, did you mean idleSeconds?",
    "",
  ]);
  expect([code, out]).toEqual([1, ""]);
});

test("check says when there is no such file", async () => {
  const { code, err } = await parley(emptyFolder(), ["check", "nowhere.yaml"]);
  expect([code, err]).toEqual([1, "nowhere.yaml  cannot read it: no such file\n"]);
});

test("serve refuses what check refuses, in the same words", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "parley.yaml"), good.replace("hostname", "hostnam").replace("${SECRET}", "secret"));
  const { code, err } = await parley(folder, ["serve", "--config", "parley.yaml"]);
  expect(err).toBe(
    "parley.yaml:1:1  hostname: missing\nparley.yaml:1:1  hostnam: unknown key, did you mean hostname?\nparley: parley.yaml has errors\n",
  );
  expect(code).toBe(1);
});
