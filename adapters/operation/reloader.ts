/**
 * Takes over what has changed in the files while sessions go on: the configuration when somebody asks (SIGHUP, the
 * API), certificates also by themselves.
 *
 * Nothing is half done: a configuration with an error changes nothing at all. A certificate that cannot be used stays
 * out and the one in use stays, whatever becomes of the others. One reload runs at a time.
 */
import { dirname, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Loaded, loadSettings, readWritten } from "../config/load.ts";
import { dotted, formatProblem, type Problem } from "../config/problem.ts";
import type { Environment } from "../config/references.ts";
import type { Written } from "../config/schema.ts";
import type { Settings } from "../config/settings.ts";
import type { Reloaded } from "../control/control.ts";
import { differences } from "./differences.ts";
import { FileWatch, LOOK_EVERY_MS } from "./file-watch.ts";

/** A configuration as written, and the text that its problems are about. */
export interface Made {
  readonly written: Written;
  readonly source: string;
}

/** What is reloaded: `RelayProgram`, and whoever stands for several of them. */
export interface Reloadable {
  /**
   * Takes over all of `settings` that differs from what runs, its certificates included.
   *
   * @param made  what they were made of
   * @throws Error with words for the operator; nothing has changed then
   */
  apply(settings: Settings, made: Made): Promise<void>;
}

/** One line of the log; `Log.write` is one. */
export type Tell = (
  level: "info" | "warning" | "error",
  event: string,
  text: string,
  fields?: Readonly<Record<string, string | number | boolean>>,
) => void;

export interface ReloaderOptions {
  /** The configuration, and what was read of it at the start. */
  readonly file: string;
  readonly environment: Environment;
  readonly loaded: Loaded;
  readonly program: Reloadable;
  readonly tell: Tell;
  /** How often certificates are looked at (ms). */
  readonly everyMs?: number;
}

export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #folder: string;
  readonly #watch: FileWatch;
  /** What runs. */
  #settings: Settings;
  #written: Written;
  /** The text that places in the file are about. */
  #source: string;
  /** Ends when the reload before has. */
  #last: Promise<unknown>;

  /** @param options  `loaded` without errors */
  constructor(options: ReloaderOptions) {
    const { settings, written, source } = options.loaded;
    if (settings === undefined || written === undefined) throw new RangeError("only what runs can be reloaded");
    this.#options = options;
    this.#folder = dirname(resolve(options.file));
    this.#settings = settings;
    this.#written = written;
    this.#source = source ?? "";
    this.#last = Promise.resolve();
    const changed = () => this.reloadCertificates().catch(() => {}); // which has been told
    this.#watch = new FileWatch(settings.certificateFiles, changed, options.everyMs ?? LOOK_EVERY_MS);
  }

  /** Begins to watch the certificates. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Reads the configuration again and takes over what can be. */
  reload(): Promise<Reloaded> {
    return this.#inTurn(() => this.#reload());
  }

  /** Reads the certificates of the configuration that runs again; the file may say something else by now. */
  reloadCertificates(): Promise<void> {
    return this.#inTurn(() => this.#reloadCertificates());
  }

  async #reload(): Promise<Reloaded> {
    const { file, environment, program } = this.#options;
    const loaded = loadSettings(file, environment);
    const { written, source = "" } = loaded;
    const inWords = (problem: Problem) => formatProblem(file, problem);
    if (written === undefined) return this.#refused(errorsOf(loaded.problems).map(inWords));
    const { applicable, needsRestart, next } = differences(this.#written, written);
    // With what is left as it runs, the rest may not make sense any more.
    const mixed = readWritten(next, source, this.#folder, Date.now());
    if (mixed.settings === undefined) {
      return this.#refused(errorsOf(mixed.problems).map((problem) => `until a restart: ${inWords(problem)}`));
    }
    const renewed = this.#renewed(mixed.settings);
    try {
      await program.apply(mixed.settings, { written: next, source });
    } catch (error) {
      return this.#refused([wordsOf(error)]);
    }
    this.#runs(mixed.settings, next, source);
    this.#tellRenewed(renewed);
    const applied = [...new Set([...applicable, ...renewed])];
    const restart = needsRestart.length === 0 ? "" : `; a restart is needed for ${needsRestart.join(", ")}`;
    const text = `configuration reloaded: ${applied.length === 0 ? "nothing to apply" : applied.join(", ")}${restart}`;
    this.#options.tell(needsRestart.length === 0 ? "info" : "warning", "configurationReloaded", text, {
      applied: applied.join(" "),
      needsRestart: needsRestart.join(" "),
    });
    return { ok: true, problems: loaded.problems.map(inWords), applied, needsRestart };
  }

  #refused(problems: readonly string[]): Reloaded {
    const { tell } = this.#options;
    for (const problem of problems)
      tell("error", "configurationRefused", `configuration refused: ${problem}`, { problem });
    return { ok: false, problems, applied: [], needsRestart: [] };
  }

  async #reloadCertificates(): Promise<void> {
    const { program, tell } = this.#options;
    const now = this.#settings;
    const read = readWritten(this.#written, this.#source, this.#folder, Date.now(), now.certificates);
    const { settings: next } = read;
    for (const { path, text } of next === undefined ? errorsOf(read.problems) : (read.forgiven ?? [])) {
      const about = dotted(path);
      tell("error", "certificateRefused", `${about}: ${text}; the one in use stays`, { key: about, why: text });
    }
    if (next === undefined) return;
    const settings = withCertificates(now, next);
    const renewed = this.#renewed(settings);
    const believed = !isDeepStrictEqual(settings.outgoing.tls.ca, now.outgoing.tls.ca);
    if (renewed.length === 0 && !believed) return;
    try {
      await program.apply(settings, { written: this.#written, source: this.#source });
    } catch (error) {
      const why = wordsOf(error);
      tell("error", "certificateRefused", `certificates refused: ${why}; those in use stay`, { why });
      return;
    }
    this.#runs(settings, this.#written, this.#source);
    this.#tellRenewed(renewed);
    const key = "outgoing.tls.ca";
    if (believed) tell("info", "certificateReloaded", `${key}: other authorities are believed from now on`, { key });
  }

  /** Keys of certificates that are others than those in use. */
  #renewed(settings: Settings): string[] {
    const { certificates } = this.#settings;
    return [...settings.certificates]
      .filter(([key, { cert }]) => certificates.has(key) && certificates.get(key)?.cert !== cert)
      .map(([key]) => key);
  }

  #tellRenewed(keys: readonly string[]): void {
    for (const key of keys) {
      const certificate = this.#settings.certificates.get(key)?.certificate;
      if (certificate === undefined) continue;
      const until = new Date(certificate.validTo).toISOString().slice(0, 10);
      const names = certificate.subjectAltName ?? "";
      const text = `${key}: new handshakes get the certificate for ${names}, valid until ${until}`;
      this.#options.tell("info", "certificateReloaded", text, { key, names, until });
    }
  }

  #runs(settings: Settings, written: Written, source: string): void {
    this.#settings = settings;
    this.#written = written;
    this.#source = source;
    this.#watch.watch(settings.certificateFiles);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch((bug: unknown) => this.#options.tell("error", "bug", `a bug of ours: ${String(bug)}`));
    return mine;
  }
}

function errorsOf(problems: readonly Problem[]): Problem[] {
  return problems.filter(({ severity }) => severity === "error");
}

/** What runs, with the certificates and authorities of another reading. */
function withCertificates(now: Settings, next: Settings): Settings {
  const { certificates, certificateFiles } = next;
  const listeners = now.listeners.map((listener, index) => {
    const tls = next.listeners[index]?.tls;
    return tls === undefined ? listener : { ...listener, tls };
  });
  const outgoing = { ...now.outgoing, tls: next.outgoing.tls };
  const admin = now.admin && { admin: { ...now.admin, ...(next.admin?.tls && { tls: next.admin.tls }) } };
  return { ...now, ...admin, listeners, outgoing, certificates, certificateFiles };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
