import { describe } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import { runtimeSuite } from "./suite.ts";

// Bun and Deno have a Node in them too; their own adapters are tested by their own files.
describe.skipIf(process.versions.bun !== undefined || process.versions.deno !== undefined)("Node", () => {
  runtimeSuite(node, { apis: { plain: "node:net", one: "node:tls", many: "node:tls" } });
});
