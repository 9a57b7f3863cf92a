import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Bun cannot start vitest's forked workers; Deno cannot stop its threads.
    pool: process.versions.bun ? "threads" : "forks",
    // Some tests start program after program, on machines with two busy cores; what hangs is still found.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
