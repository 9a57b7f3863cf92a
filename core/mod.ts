/** The only door adapters come in by. */
export * from "./ports.ts";
export { type Consequence, consequence, type Fault, faults } from "./faults.ts";
export { Relay } from "./relay.ts";
export type { Counters } from "./forwarding/state.ts";
