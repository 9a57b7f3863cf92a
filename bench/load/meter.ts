/** What was used between two moments: time, the relay's CPU, our own. */
import { performance } from "node:perf_hooks";
import { type Cpu, cpuSeconds, family, memoryOctets } from "./processes.ts";
import type { Order } from "./order.ts";

export class Meter {
  readonly #pids: readonly number[];
  readonly #memoryBefore: number;
  #at: number;
  #relay: Cpu;
  #load: NodeJS.CpuUsage;

  /** Made before there are connections, for the memory. */
  constructor({ pids }: Order) {
    this.#pids = pids.flatMap(family);
    this.#memoryBefore = memoryOctets(this.#pids);
    this.#at = 0;
    this.#relay = { user: 0, system: 0 };
    this.#load = process.cpuUsage();
    this.start();
  }

  /** CPU seconds of the relay since `start`. */
  get relayCpu(): number {
    const { user, system } = cpuSeconds(this.#pids);
    return user + system - this.#relay.user - this.#relay.system;
  }

  start(): void {
    this.#relay = cpuSeconds(this.#pids);
    this.#load = process.cpuUsage();
    this.#at = performance.now();
  }

  stop() {
    const seconds = (performance.now() - this.#at) / 1000;
    const now = cpuSeconds(this.#pids);
    const relaySystem = now.system - this.#relay.system;
    const relayCpu = now.user - this.#relay.user + relaySystem;
    const { user, system } = process.cpuUsage(this.#load);
    const memoryAfter = memoryOctets(this.#pids);
    const loadCpu = (user + system) / 1e6;
    return { seconds, relayCpu, relaySystem, loadCpu, memoryBefore: this.#memoryBefore, memoryAfter };
  }
}
