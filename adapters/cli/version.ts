/** Kept equal to package.json by a test; the compiled program has no package.json to read. */
export const VERSION = "0.1.0";
