/** What a command may do to the outside besides the network: so that tests can run it without a process. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths on the command line start from. */
  readonly cwd: string;
  /** How people call this program, for the lines we print for them to paste. */
  readonly self: string;
  /** The program and arguments that start it again, before a command; undefined where it cannot start others. */
  readonly again: readonly [program: string, ...args: string[]] | undefined;
  /** Is a person there to answer a question? */
  readonly interactive: boolean;
  /** Width of the terminal; undefined when standard error is none, and progress bars stay out of the way. */
  readonly columns: number | undefined;
  /** What was asked for, a line at a time. */
  out(line: string): void;
  /** Everything else: what went wrong, logs, progress. */
  err(line: string): void;
  /** As it is, without a line end: for progress bars. */
  draw(text: string): void;
  /** Asks a person without showing the answer, or takes a line of standard input. @throws Error when there is none */
  readSecret(prompt: string): Promise<string>;
  /** Hears SIGTERM and SIGINT until the answer is called. */
  onStop(call: () => void): () => void;
  /** Hears SIGHUP until the answer is called. */
  onHangup(call: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** The person asked for something that does not exist or cannot be: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** It was tried, and did not work; the message says what to do: exit code 1. */
export class Refusal extends Error {
  override readonly name: string = "Refusal";
}

/** It broke off for a reason that may pass, so another try may do. */
export class Break extends Refusal {
  override readonly name = "Break";
  /** 481: somebody on the way says that there is no such session. 0 where nobody has said anything. */
  readonly status: number;

  constructor(message: string, status = 0) {
    super(message);
    this.status = status;
  }
}
