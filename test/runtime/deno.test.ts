import { describe } from "vitest";
import { makeGate } from "../../adapters/deno/gate.ts";
import { deno } from "../../adapters/deno/runtime.ts";
import { runtimeSuite } from "./suite.ts";

describe("Deno", () => {
  runtimeSuite(deno, {
    apis: { plain: "Deno.listen", one: "node:tls", many: "node:tls" },
    makeGate,
    cannotResume: "a client of Deno's node:tls is given no session",
  });
});
