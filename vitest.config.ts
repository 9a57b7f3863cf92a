import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Bun cannot start vitest's forked workers; Deno cannot stop its threads.
    pool: process.versions.bun ? "threads" : "forks",
    // Some tests start programs and wait for real sockets, three runtimes share two cores in `.ci/run`.
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
