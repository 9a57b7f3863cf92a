/** A worker's answers to what it is asked of its relay. */
import type { Control } from "../control/control.ts";
import type { Configuration, ToSupervisor, ToWorker } from "./messages.ts";

export interface Asked {
  readonly control: Control;
  apply(configuration: Configuration): Promise<void>;
  /** Resolves when a drain has come to its end. */
  readonly drained: Promise<void>;
}

type Ask = Extract<ToWorker, { type: "ask" }>;

export class Answering {
  readonly #asked: Asked;
  readonly #send: (message: ToSupervisor) => void;
  /** What ends a trace, by its question. */
  readonly #traces: Map<number, () => void>;

  constructor(asked: Asked, send: (message: ToSupervisor) => void) {
    this.#asked = asked;
    this.#send = send;
    this.#traces = new Map();
    void asked.drained.then(() => send({ type: "drained" }));
    asked.control.events(0, (occurrence) => send({ type: "occurred", occurrence }));
  }

  async ask(ask: Ask): Promise<void> {
    const { id } = ask;
    try {
      this.#send({ type: "answer", id, value: await this.#find(ask) });
    } catch (error) {
      const { name, message: text } = error instanceof Error ? error : new Error(String(error));
      this.#send({ type: "refused", id, name, text });
    }
  }

  enough(id: number): void {
    this.#traces.get(id)?.();
    this.#traces.delete(id);
  }

  /** The supervisor is this same program: it asks what Control has. */
  #find({ id, method, args }: Ask): Promise<unknown> {
    const { control } = this.#asked;
    if (method === "apply") return this.#asked.apply(args[0] as Configuration);
    if (method === "trace") return this.#trace(id, args[0] as string, args[1] as number);
    const answer = control[method].bind(control) as (...args: unknown[]) => Promise<unknown>;
    return answer(...args);
  }

  async #trace(id: number, session: string, seconds: number): Promise<boolean> {
    const stop = await this.#asked.control.trace(session, seconds, (frame) => this.#send({ type: "frame", id, frame }));
    if (stop !== undefined) this.#traces.set(id, stop);
    return stop !== undefined;
  }
}
