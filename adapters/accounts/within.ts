import { clearTimeout, setTimeout } from "node:timers";

/**
 * Rejects when an answer takes longer than that.
 *
 * @param late  takes the answer that comes all the same
 */
export function within<T>(seconds: number, answer: Promise<T>, late: (answer: T) => void = () => {}): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = false;
    const patience = setTimeout(() => {
      over = true;
      reject(new TooLateError(`no answer in ${seconds} s`));
    }, seconds * 1000);
    patience.unref(); // a relay that stops waits for nobody
    answer.then((value) => (over ? late(value) : resolve(value)), reject).finally(() => clearTimeout(patience));
  });
}

export class TooLateError extends Error {}
