/** How far a file has come, on one line of standard error that is drawn over and over; nothing where no person looks. */
import { performance } from "node:perf_hooks";
import type { Terminal } from "./terminal.ts";

const REDRAW_MS = 100;

export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #name: string;
  readonly #began: number;
  #drawn: number;

  constructor(name: string, terminal: Terminal) {
    this.#terminal = terminal;
    this.#name = name;
    this.#began = performance.now();
    this.#drawn = Number.NEGATIVE_INFINITY;
  }

  /** @param total  -1 when nobody has said */
  show(octets: number, total: number): void {
    const now = performance.now();
    if (this.#terminal.columns === undefined || now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    this.#terminal.draw(`\r${this.#line(octets, total, this.#terminal.columns)}`);
  }

  /** Clears the line. */
  end(): void {
    if (this.#terminal.columns !== undefined) this.#terminal.draw(`\r${" ".repeat(this.#terminal.columns - 1)}\r`);
  }

  /** `in 1.2 s, 310 MB/s` */
  summary(octets: number): string {
    const seconds = this.#seconds();
    return `in ${seconds.toFixed(1)} s, ${size(octets / seconds)}/s`;
  }

  #line(octets: number, total: number, columns: number): string {
    const rate = octets / this.#seconds();
    const left = total < 0 || rate === 0 ? "" : ` ${clock((total - octets) / rate)} left`;
    const of = total < 0 ? size(octets) : `${size(octets)} of ${size(total)}`;
    const tail = ` ${of} ${size(rate)}/s${left}`;
    const share = total <= 0 ? 0 : octets / total;
    const percent = total <= 0 ? "" : `${Math.floor(share * 100)} %`.padStart(6);
    const width = Math.min(40, columns - tail.length - percent.length - this.#name.length - 6);
    if (width < 5) return `${percent}${tail}`.slice(0, columns - 1).padEnd(columns - 1);
    const full = Math.round(share * width);
    const bar = `[${"#".repeat(full)}${".".repeat(width - full)}]`;
    return `${this.#name} ${percent} ${bar}${tail}`.slice(0, columns - 1).padEnd(columns - 1);
  }

  #seconds(): number {
    return Math.max(0.001, (performance.now() - this.#began) / 1000);
  }
}

/** `1.4 GB` */
export function size(octets: number): string {
  const units = ["octets", "kB", "MB", "GB", "TB"];
  let [value, unit] = [octets, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
