/** Collects what is wrong with one file while its parts are looked at. */
import type { Path, Places } from "./locate.ts";
import type { Problem } from "./problem.ts";

export class Complaints {
  readonly problems: Problem[] = [];
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  /** About the value of that path. */
  error(path: Path, text: string): void {
    this.problems.push({ severity: "error", place: this.#places.value(path), path, text });
  }

  /** About a key that should not be there, or about one that is missing from the key above it. */
  keyError(path: Path, text: string): void {
    this.problems.push({ severity: "error", place: this.#places.key(path), path, text });
  }

  warning(path: Path, text: string): void {
    this.problems.push({ severity: "warning", place: this.#places.value(path), path, text });
  }

  get failed(): boolean {
    return this.problems.some(({ severity }) => severity === "error");
  }
}

/** What every part of a configuration needs to be built. */
export interface Context {
  /** What relative paths start from. */
  readonly folder: string;
  readonly now: number;
  readonly complaints: Complaints;
}
