import { describe } from "vitest";
import { node } from "../../adapters/node/runtime.ts";
import { runtimeSuite } from "./suite.ts";

describe("Node", () => {
  runtimeSuite(node, { apis: { plain: "node:net", one: "node:tls", many: "node:tls" } });
});
