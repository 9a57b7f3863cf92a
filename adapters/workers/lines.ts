/** Lines of JSON over a pair of pipes, which every runtime has: how the supervisor and a worker talk. */
import type { Readable, Writable } from "node:stream";

/** The longest line: all sessions and connections of a worker that is full. */
const MOST_IN_LINE = 64 << 20;
/** Octets that wait for a reader who has stopped reading; what comes then is not sent. */
const MOST_WAITING = 64 << 20;

export class Lines<In, Out> {
  readonly #output: Writable;

  /** @param ended  called once: the other end has gone, or what it sends is not for us */
  constructor(input: Readable, output: Writable, received: (message: In) => void, ended: () => void) {
    this.#output = output;
    const parts: string[] = [];
    let length = 0;
    let open = true;
    const end = () => {
      if (open) ended();
      open = false;
    };
    input.setEncoding("utf8");
    input.on("data", (text: string) => {
      const [first = "", ...rest] = text.split("\n");
      parts.push(first);
      length += first.length;
      for (const next of rest) {
        const line = parts.splice(0).join("");
        parts.push(next);
        length = next.length;
        if (!open) return;
        try {
          received(JSON.parse(line) as In);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          end();
        }
      }
      if (length > MOST_IN_LINE) end();
    });
    for (const event of ["end", "close", "error"]) input.on(event, end);
    output.on("error", end);
  }

  /** False when it was not sent, because the other end does not read. */
  send(message: Out): boolean {
    if (this.#output.writableLength > MOST_WAITING || !this.#output.writable) return false;
    this.#output.write(`${JSON.stringify(message)}\n`);
    return true;
  }
}
