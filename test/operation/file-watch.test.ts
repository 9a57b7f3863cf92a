import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileWatch } from "../../adapters/operation/file-watch.ts";
import { pause, until } from "../support/wait.ts";

const EVERY_MS = 15;

describe("a watch of files", () => {
  let folder: string;
  let watch: FileWatch | undefined;
  let told: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "parley-watch-"));
    told = 0;
  });
  afterEach(() => {
    watch?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const watching = async (...names: string[]) => {
    watch = new FileWatch(
      names.map((name) => join(folder, name)),
      () => told++,
      EVERY_MS,
    );
    await watch.start();
    return watch;
  };
  /** Long enough for it to have looked several times. */
  const looks = () => pause(8 * EVERY_MS);
  const tells = async (times: number) => {
    await until(() => told >= times, `change ${times}`);
    await looks();
    expect(told).toBe(times);
  };

  it("tells of a file that was written over, once", async () => {
    put("relay.crt", "one");
    await watching("relay.crt");
    await looks();
    expect(told).toBe(0);
    put("relay.crt", "two");
    await tells(1);
    put("relay.crt", "three");
    await tells(2);
  });

  it("tells of a file that another was renamed over", async () => {
    put("relay.crt", "one");
    await watching("relay.crt");
    put("new", "two");
    renameSync(join(folder, "new"), join(folder, "relay.crt"));
    await tells(1);
  });

  it("tells of a link that leads elsewhere, as certbot's live folder does", async () => {
    put("relay1.crt", "one");
    put("relay2.crt", "two");
    symlinkSync("relay1.crt", join(folder, "relay.crt"));
    await watching("relay.crt");
    symlinkSync("relay2.crt", join(folder, "new"));
    renameSync(join(folder, "new"), join(folder, "relay.crt"));
    await tells(1);
  });

  it("tells of a folder that is swapped above the files, as Kubernetes does with ..data", async () => {
    for (const version of ["v1", "v2"]) {
      mkdirSync(join(folder, version));
      put(join(version, "tls.crt"), version);
      put(join(version, "tls.key"), version);
    }
    symlinkSync("v1", join(folder, "..data"));
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(folder, name));
    await watching("tls.crt", "tls.key");
    symlinkSync("v2", join(folder, "..new"));
    renameSync(join(folder, "..new"), join(folder, "..data"));
    rmSync(join(folder, "v1"), { recursive: true });
    await tells(1);
  });

  it("waits until nothing moves any more, and then tells once", async () => {
    put("relay.crt", "0");
    put("relay.key", "0");
    await watching("relay.crt", "relay.key");
    for (let i = 1; i < 40; i++) {
      put(i % 2 === 0 ? "relay.crt" : "relay.key", "x".repeat(i));
      await pause(2);
    }
    await tells(1);
  });

  it("tells of a file that goes and of one that comes", async () => {
    put("relay.crt", "one");
    await watching("relay.crt");
    unlinkSync(join(folder, "relay.crt"));
    await tells(1);
    put("relay.crt", "one");
    await tells(2);
  });

  it("takes other files as they are when it is given them", async () => {
    put("a", "one");
    put("b", "one");
    const files = await watching("a");
    files.watch([join(folder, "b")]);
    await looks();
    put("a", "two");
    await looks();
    expect(told).toBe(0);
    put("b", "two");
    await tells(1);
  });

  it("says nothing once it was stopped", async () => {
    put("a", "one");
    const files = await watching("a");
    files.stop();
    put("a", "two");
    await looks();
    expect(told).toBe(0);
  });
});
