/** The only door adapters come in by. */
export * from "./ports.ts";
export { type Consequence, consequence, type Fault, faults } from "./faults.ts";
