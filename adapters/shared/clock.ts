/** The time of the process: monotonic, and with timers that keep the process alive. */
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { Clock } from "./driver.ts";

/** The longest a timer of the runtimes can be set for; the driver then looks again. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  // Rounded up, because a timer that fires early has to be set once more.
  setTimer: (call, delay) => setTimeout(call, Math.min(Math.ceil(delay), LONGEST_MS)),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  soon: (call) => void setImmediate(call),
};
