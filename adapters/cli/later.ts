/** A promise whose end somebody else brings about. */
export class Later<T> {
  readonly promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;

  constructor() {
    this.resolve = () => {};
    this.reject = () => {};
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // It may fail before anybody waits for it; whoever waits still hears of it.
    this.promise.catch(() => {});
  }
}
