/** Collects what is wrong with one file while its parts are looked at. */
import type { Pairs } from "./certificates.ts";
import type { Path, Places } from "./locate.ts";
import type { Problem } from "./problem.ts";

export class Complaints {
  readonly problems: Problem[] = [];
  /** Of what stays as it is in use; see `CertificateReader`. */
  readonly forgiven: Problem[] = [];
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

  /** Takes back what was said from the `since`th problem on; the errors among it are forgiven. */
  forgive(since: number): void {
    this.forgiven.push(...this.problems.splice(since).filter(({ severity }) => severity === "error"));
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
  /** Certificates in use, which stay when their files cannot be used; see `CertificateReader`. */
  readonly kept?: Pairs;
}
