/** The configurations that README tells people to run are sound. */
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { firstStart } from "../../adapters/cli/first-start.ts";
import { inProcess } from "./in-process.ts";
import { emptyFolder } from "./run-parley.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));

test.each(readdirSync(join(examples, "chain")))("examples/chain/%s, with what npm start has made", async (name) => {
  const folder = emptyFolder();
  await firstStart(join(folder, "parley-data"), { port: 2855, adminPort: 8080 });
  cpSync(examples, join(folder, "examples"), { recursive: true });
  const { code, out, err } = await inProcess(folder, ["check", `examples/chain/${name}`]);
  expect([code, out, err]).toEqual([0, `examples/chain/${name} is fine\n`, ""]);
});
