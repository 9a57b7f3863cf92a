/**
 * Tries addresses in order, each a head start after the one before it, and takes the first that succeeds
 * (RFC 8305 §5). One that fails lets the next begin at once; the winner ends all others.
 */

/** RFC 8305 §5, "Connection Attempt Delay". */
const HEAD_START_MS = 250;

/**
 * @param attempt  rejects with the reason, and ends when its signal is aborted
 * @param signal  ends everything; `race` then rejects with the signal's reason
 * @returns the winner; rejects with an AggregateError of all reasons, in the order of `targets`
 */
export function race<Target, Winner>(
  targets: readonly Target[],
  attempt: (target: Target, signal: AbortSignal) => Promise<Winner>,
  signal: AbortSignal,
): Promise<Winner> {
  return new Promise((resolve, reject) => {
    const reasons: unknown[] = [];
    const running = new Set<AbortController>();
    let next = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const end = () => {
      next = targets.length;
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      for (const other of running) other.abort();
    };
    const giveUp = () => {
      end();
      reject(signal.reason);
    };
    const begin = () => {
      clearTimeout(timer);
      if (next >= targets.length) return;
      const index = next++;
      const own = new AbortController();
      running.add(own);
      if (next < targets.length) timer = setTimeout(begin, HEAD_START_MS);
      attempt(targets[index] as Target, own.signal).then(
        (winner) => {
          running.delete(own);
          end();
          resolve(winner);
        },
        (reason: unknown) => {
          running.delete(own);
          reasons[index] = reason;
          begin();
          if (running.size === 0 && next >= targets.length) {
            end();
            reject(new AggregateError(reasons, "every address failed"));
          }
        },
      );
    };

    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp);
    begin();
    if (targets.length === 0) reject(new AggregateError([], "no address"));
  });
}
