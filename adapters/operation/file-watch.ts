/**
 * Says when files have changed, however they are changed: written over, renamed into place, or behind a symbolic link
 * that now leads elsewhere, as certbot and Kubernetes do it.
 *
 * It looks every few seconds instead of asking the system to be told: that needs no more than `stat`, works on network
 * file systems, follows links, and is the same on every runtime. A change is told once it has stood still from one look
 * to the next, since a certificate and its key are rarely changed in the same moment.
 */
import { stat } from "node:fs/promises";
import { clearTimeout, setTimeout } from "node:timers";

/** Long enough to cost nothing, short enough to be waited for. */
export const LOOK_EVERY_MS = 2000;

export class FileWatch {
  readonly #everyMs: number;
  readonly #changed: () => unknown;
  #files: readonly string[];
  /** What was told last, what was seen last; undefined before the first look. */
  #told: string | undefined;
  #seen: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over: boolean;

  /** @param changed  called after each change of one or more of the files */
  constructor(files: readonly string[], changed: () => unknown, everyMs = LOOK_EVERY_MS) {
    this.#everyMs = everyMs;
    this.#changed = changed;
    this.#files = files;
    this.#told = undefined;
    this.#seen = undefined;
    this.#timer = undefined;
    this.#over = false;
  }

  /** Resolves when it knows the files as they are now. */
  async start(): Promise<void> {
    await this.#look();
  }

  /** Watches other files from now on; those are taken as they are. */
  watch(files: readonly string[]): void {
    if (files.length === this.#files.length && files.every((file, index) => file === this.#files[index])) return;
    this.#files = files;
    this.#told = undefined;
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const files = this.#files;
    const picture = (await Promise.all(files.map(pictureOf))).join("\n");
    if (this.#over) return;
    const still = picture === this.#seen;
    this.#seen = picture;
    if (this.#told === undefined || files !== this.#files) this.#told = files === this.#files ? picture : undefined;
    else if (still && picture !== this.#told) {
      this.#told = picture;
      this.#changed();
    }
    this.#timer = setTimeout(() => void this.#look(), this.#everyMs);
    this.#timer.unref?.();
  }
}

/** Another one whenever the content may be another one; empty for a file that is not there. */
async function pictureOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch {
    return "";
  }
}
