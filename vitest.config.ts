import { configDefaults, defineConfig } from "vitest/config";

const here = process.versions.bun !== undefined ? "bun" : process.versions.deno !== undefined ? "deno" : "node";

/** An adapter is tested on its own runtime, by the file of that name: elsewhere it has nothing to stand on. */
const others = ["node", "bun", "deno"].filter((name) => name !== here).map((name) => `test/runtime/${name}.test.ts`);

/**
 * These start programs, of ours and of other people, and the programs are what they test: relays on all three runtimes
 * among them. Who starts them makes no difference, so it is Node that does.
 */
const starters = [
  "test/bench/generator.test.ts",
  "test/cli/!(file-name).test.ts",
  "test/interop/**",
  "test/page/browser.test.ts",
  "test/runtime/{relay,chain}-*.test.ts",
];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...others, ...(here === "node" ? [] : starters)],
    // Bun cannot start vitest's forked workers; Deno cannot stop its threads.
    pool: here === "bun" ? "threads" : "forks",
    // Some tests start program after program, on machines with two busy cores; what hangs is still found.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
