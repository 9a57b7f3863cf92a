/**
 * The metrics of several workers as those of one parley.
 *
 * A counter never goes back. So what a worker has counted is kept when it dies: as far as it was known, which is when
 * metrics were last asked for.
 */
import { AggregatorRegistry } from "prom-client";
import type { MetricFamily } from "../control/control.ts";

type Families = readonly MetricFamily[];

export class Together {
  /** By worker, while it lives. */
  readonly #last: Map<number, Families>;
  /** The counts of those that have died. */
  #past: readonly Families[];

  constructor() {
    this.#last = new Map();
    this.#past = [];
  }

  /** A worker was asked. */
  heard(worker: number, families: Families): void {
    this.#last.set(worker, families);
  }

  died(worker: number): void {
    const counts = this.#last.get(worker)?.filter(({ type }) => type !== "gauge") ?? [];
    this.#last.delete(worker);
    this.#past = [...this.#past, counts];
  }

  /** @param more  of the supervisor itself */
  async all(more: Families): Promise<Families> {
    if (this.#past.length > 1) this.#past = [await addUp(this.#past)];
    return addUp([...this.#last.values(), ...this.#past, more]);
  }
}

async function addUp(all: readonly Families[]): Promise<Families> {
  return (await AggregatorRegistry.aggregate(all as unknown as object[]).getMetricsAsJSON()) as unknown as Families;
}
