/** What was used between two moments: time, the relay's CPU, our own. */
import { performance } from "node:perf_hooks";
import { cpuSeconds, family, memoryOctets } from "./processes.ts";
import type { Order } from "./order.ts";

export class Meter {
  readonly #pids: readonly number[];
  readonly #memoryBefore: number;
  #at: number;
  #relay: number;
  #load: NodeJS.CpuUsage;

  /** Made before there are connections, for the memory. */
  constructor({ pid }: Order) {
    this.#pids = pid === 0 ? [] : family(pid);
    this.#memoryBefore = memoryOctets(this.#pids);
    this.#at = 0;
    this.#relay = 0;
    this.#load = process.cpuUsage();
    this.start();
  }

  start(): void {
    this.#relay = cpuSeconds(this.#pids);
    this.#load = process.cpuUsage();
    this.#at = performance.now();
  }

  stop() {
    const seconds = (performance.now() - this.#at) / 1000;
    const relayCpu = cpuSeconds(this.#pids) - this.#relay;
    const { user, system } = process.cpuUsage(this.#load);
    const memoryAfter = memoryOctets(this.#pids);
    return { seconds, relayCpu, loadCpu: (user + system) / 1e6, memoryBefore: this.#memoryBefore, memoryAfter };
  }
}
