import { describe } from "vitest";
import { bun } from "../../adapters/bun/runtime.ts";
import { runtimeSuite } from "./suite.ts";

describe("Bun", () => {
  runtimeSuite(bun, { apis: { plain: "Bun.listen", one: "Bun.listen", many: "node:tls" } });
});
