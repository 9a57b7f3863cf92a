/** Prometheus's text format, read; and what has been read over time. */

/** @typedef {{ readonly labels: Readonly<Record<string, string>>, readonly value: number }} Sample */

export class Reading {
  /** @param {string} text */
  constructor(text) {
    this.at = Date.now();
    /** @type {Map<string, Sample[]>} */
    this.samples = new Map();
    for (const line of text.split("\n")) {
      const [, name, labels = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      if (name === undefined) continue;
      const list = this.samples.get(name) ?? [];
      list.push({ labels: readLabels(labels), value: value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value) });
      this.samples.set(name, list);
    }
  }

  /**
   * The sum of those samples that fit.
   *
   * @param {string} name
   * @param {Readonly<Record<string, string>>} [labels]
   */
  sum(name, labels = {}) {
    let sum = 0;
    for (const sample of this.samples.get(name) ?? []) {
      if (Object.entries(labels).every(([label, value]) => sample.labels[label] === value)) sum += sample.value;
    }
    return sum;
  }

  /**
   * Sums by the value of a label.
   *
   * @param {string} name
   * @param {string} label
   * @returns {Map<string, number>}
   */
  by(name, label) {
    const sums = new Map();
    for (const { labels, value } of this.samples.get(name) ?? []) {
      const key = labels[label] ?? "";
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return sums;
  }

  /**
   * The quantile of a histogram for what was observed since `earlier`; undefined when there was nothing.
   *
   * @param {string} name
   * @param {number} share
   * @param {Reading} earlier
   */
  quantile(name, share, earlier) {
    const now = this.by(`${name}_bucket`, "le");
    const before = earlier.by(`${name}_bucket`, "le");
    const buckets = [...now]
      .map(([le, count]) => ({
        le: le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le),
        count: count - (before.get(le) ?? 0),
      }))
      .sort((one, other) => one.le - other.le);
    const all = buckets.at(-1)?.count ?? 0;
    if (all <= 0) return undefined;
    let below = 0;
    let low = 0;
    for (const { le, count } of buckets) {
      if (count >= share * all) {
        if (!Number.isFinite(le)) return low;
        return low + ((le - low) * (share * all - below)) / Math.max(1, count - below);
      }
      [below, low] = [count, le];
    }
    return low;
  }
}

/** @param {string} text */
function readLabels(text) {
  /** @type {Record<string, string>} */
  const labels = {};
  for (const [, name = "", value = ""] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[name] = value.replace(/\\n/g, "\n").replace(/\\(.)/g, "$1");
  }
  return labels;
}

/** An hour of readings at one in two seconds. */
const KEPT = 1800;

/** What charts draw: times, and by name the values at these times. */
export class History {
  constructor() {
    /** @type {number[]} */
    this.times = [];
    /** @type {Map<string, (number | undefined)[]>} */
    this.values = new Map();
  }

  /**
   * @param {number} at
   * @param {Readonly<Record<string, number | undefined>>} values
   */
  add(at, values) {
    this.times.push(at);
    for (const name of Object.keys(values)) {
      if (!this.values.has(name)) this.values.set(name, Array.from({ length: this.times.length - 1 }));
    }
    for (const [name, list] of this.values) list.push(values[name]);
    if (this.times.length <= KEPT) return;
    this.times.shift();
    for (const list of this.values.values()) list.shift();
  }

  /** @param {string} name */
  last(name) {
    return this.values.get(name)?.at(-1);
  }

  /** @param {string} prefix */
  names(prefix) {
    return [...this.values.keys()].filter((name) => name.startsWith(prefix));
  }
}

/**
 * What happened between two readings, for the charts.
 *
 * @param {Reading} now
 * @param {Reading} before
 * @param {Reading} earlier  for what is too rare to be told from one reading to the next
 * @returns {Record<string, number | undefined>}
 */
export function changes(now, before, earlier) {
  // A counter that has become smaller belongs to a program that was started again.
  const since = (/** @type {Reading} */ { at }) => {
    const seconds = Math.max(0.001, (now.at - at) / 1000);
    return (/** @type {number} */ later, /** @type {number} */ sooner) => Math.max(0, later - sooner) / seconds;
  };
  const perSecond = since(before);
  /** @type {Record<string, number | undefined>} */
  const values = {
    sessions: now.sum("parley_sessions"),
    connections: now.sum("parley_connections"),
    in: perSecond(
      now.sum("parley_bytes_total", { direction: "in" }),
      before.sum("parley_bytes_total", { direction: "in" }),
    ),
    out: perSecond(
      now.sum("parley_bytes_total", { direction: "out" }),
      before.sum("parley_bytes_total", { direction: "out" }),
    ),
    resident: now.sum("parley_process_resident_memory_bytes"),
    heap: now.sum("parley_process_heap_bytes"),
    queue: now.sum("parley_queue_bytes"),
    held: now.sum("parley_connections_held"),
    cpu: 100 * perSecond(now.sum("parley_process_cpu_seconds_total"), before.sum("parley_process_cpu_seconds_total")),
    median: now.quantile("parley_event_loop_delay_seconds", 0.5, earlier),
    p99: now.quantile("parley_event_loop_delay_seconds", 0.99, earlier),
  };
  for (const [prefix, name, label] of [
    ["auth ", "parley_auths_total", "outcome"],
    ["fault ", "parley_faults_total", "code"],
  ]) {
    const then = earlier.by(name ?? "", label ?? "");
    for (const [key, value] of now.by(name ?? "", label ?? "")) {
      values[`${prefix}${key}`] = 60 * since(earlier)(value, then.get(key) ?? 0);
    }
  }
  return values;
}
