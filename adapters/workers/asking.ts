/** Questions to one worker that wait for their answers. A worker that is stuck leaves nobody waiting. */
import type { TracedFrame } from "../control/control.ts";
import { NotOffered } from "../control/not-offered.ts";
import type { Method, ToSupervisor, ToWorker } from "./messages.ts";

/** How long (ms) an answer may take. Taking a configuration over opens account stores, which may be far away. */
const PATIENCE_MS = 5000;
const PATIENCE_TO_APPLY_MS = 30_000;
/** More questions than this wait: it answers none, and is asked nothing more. */
const MOST_WAITING = 256;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Asking {
  readonly #send: (message: ToWorker) => boolean;
  readonly #waiting: Map<number, Waiting>;
  readonly #traces: Map<number, (frame: TracedFrame) => void>;
  #ids: number;

  constructor(send: (message: ToWorker) => boolean) {
    this.#send = send;
    this.#waiting = new Map();
    this.#traces = new Map();
    this.#ids = 0;
  }

  ask(method: Method, args: readonly unknown[]): Promise<unknown> {
    return this.#ask(++this.#ids, method, args);
  }

  /** As `Control.trace`. */
  async trace(session: string, seconds: number, sink: (frame: TracedFrame) => void): Promise<(() => void) | undefined> {
    const id = ++this.#ids;
    this.#traces.set(id, sink);
    const stop = () => {
      clearTimeout(timer);
      if (this.#traces.delete(id)) this.#send({ type: "enough", id });
    };
    const timer = setTimeout(stop, seconds * 1000);
    timer.unref();
    const begun = await this.#ask(id, "trace", [session, seconds]).catch(() => false);
    if (begun === true) return stop;
    clearTimeout(timer);
    this.#traces.delete(id);
    return undefined;
  }

  heard(message: ToSupervisor): void {
    if (message.type === "frame") this.#traces.get(message.id)?.(message.frame);
    else if (message.type === "answer") this.#take(message.id)?.resolve(message.value);
    else if (message.type === "refused") {
      const { id, name, text } = message;
      this.#take(id)?.reject(name === "NotOffered" ? new NotOffered(text) : new Error(text));
    }
  }

  /** The worker has ended. */
  end(): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(new Error("the worker has ended"));
    this.#traces.clear();
  }

  #ask(id: number, method: Method, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const patience = method === "apply" ? PATIENCE_TO_APPLY_MS : PATIENCE_MS;
      const late = () => this.#take(id)?.reject(new Error(`the worker did not answer in ${patience / 1000} s`));
      if (this.#waiting.size >= MOST_WAITING || !this.#send({ type: "ask", id, method, args })) {
        reject(new Error("the worker takes no questions"));
        return;
      }
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, patience) });
    });
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(id);
    return waiting;
  }
}
