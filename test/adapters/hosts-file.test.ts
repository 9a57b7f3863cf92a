import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HostsFile, parseHosts } from "../../adapters/shared/hosts-file.ts";

let folder: string;
let time: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parley-hosts-"));
  time = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("gives each name its addresses", () => {
  const text = `# a comment
127.0.0.1 localhost
::1\tlocalhost ip6-localhost   # and another
192.0.2.1 Relay.Example.com relay.example.com. \r
fe80::1%lo0 localhost
300.1.1.1 wrong
192.0.2.2
`;
  expect(Object.fromEntries(parseHosts(text))).toEqual({
    localhost: ["127.0.0.1", "::1", "fe80::1%lo0"],
    "ip6-localhost": ["::1"],
    "relay.example.com": ["192.0.2.1", "192.0.2.1"],
  });
});

it("is read again when it has changed, within five seconds", async () => {
  const path = join(folder, "hosts");
  writeFileSync(path, "192.0.2.1 relay.example.com\n");
  const hosts = new HostsFile(path, () => time);
  expect(await hosts.find("relay.example.com")).toEqual(["192.0.2.1"]);
  expect(await hosts.find("other.example.com")).toEqual([]);
  writeFileSync(path, "192.0.2.10 relay.example.com\n");
  time = 4999;
  expect(await hosts.find("relay.example.com")).toEqual(["192.0.2.1"]);
  time = 5000;
  expect(await hosts.find("relay.example.com")).toEqual(["192.0.2.10"]);
  rmSync(path);
  time = 10_000;
  expect(await hosts.find("relay.example.com")).toEqual([]);
});

it("says that it does not know when it cannot be read", async () => {
  const hosts = new HostsFile(folder, () => time);
  expect(await hosts.find("relay.example.com")).toBeUndefined();
});
