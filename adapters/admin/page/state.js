/**
 * What the page knows, asked for again and again: one place, so that views come and go and lose nothing.
 */
import { get, stream, text } from "./api.js";
import { changes, History, Reading } from "./metrics.js";

/**
 * @typedef {import("../../control/control.ts").Info} Info
 * @typedef {import("../../control/control.ts").Occurrence} Occurrence
 */

const EVERY_MS = 2000;
const EVENTS_KEPT = 500;
/** What is rare is counted over so many readings. */
const READINGS = 6;
/** Pauses between tries to follow events again. */
const AGAIN_MS = 3000;

export class State {
  /** @param {(what: "info" | "metrics" | "events" | "reachable") => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.history = new History();
    /** @type {Info | undefined} */
    this.info = undefined;
    /** @type {Occurrence[]} the latest first */
    this.events = [];
    this.reachable = true;
    this.why = "";
    /** @type {Reading[]} the last few, the oldest first */
    this.readings = [];
    this.stopped = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.telling = undefined;
  }

  start() {
    void this.read();
    void this.follow();
  }

  stop() {
    this.stopped.abort();
  }

  /** Reads all there is to read now, and then again for ever. */
  async read() {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      // Nobody looks: a browser would slow us down anyway, and the relay has better things to do.
      if (!document.hidden) await this.readOnce();
      await pause(EVERY_MS, signal);
    }
  }

  async readOnce() {
    try {
      const [info, metrics] = await Promise.all([/** @type {Promise<Info>} */ (get("/v1/info")), text("/metrics")]);
      if (this.stopped.signal.aborted) return;
      this.reach(true, "");
      this.info = info;
      this.changed("info");
      const reading = new Reading(metrics);
      const [before, earlier] = [this.readings.at(-1), this.readings[0]];
      if (before && earlier) this.history.add(reading.at, changes(reading, before, earlier));
      this.readings.push(reading);
      if (this.readings.length > READINGS) this.readings.shift();
      this.changed("metrics");
    } catch (error) {
      this.reach(false, error instanceof Error ? error.message : String(error));
    }
  }

  /** Follows what happens; after a break nothing is missed. */
  async follow() {
    const { signal } = this.stopped;
    // What is remembered comes first.
    let last = "0";
    while (!signal.aborted) {
      try {
        await stream(
          "/v1/events",
          ({ data, event, id }) => {
            last = id ?? last;
            if (event !== "missed") this.happened(JSON.parse(data));
          },
          signal,
          last,
        );
      } catch {
        // `read` says so when nobody answers.
      }
      await pause(AGAIN_MS, signal);
    }
  }

  /** @param {Occurrence} one */
  happened(one) {
    this.events.unshift(one);
    if (this.events.length > EVENTS_KEPT) this.events.pop();
    // Many may come at once: they are shown together.
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      if (!this.stopped.signal.aborted) this.changed("events");
    });
  }

  /** @param {boolean} reachable @param {string} why */
  reach(reachable, why) {
    if (this.reachable === reachable && this.why === why) return;
    [this.reachable, this.why] = [reachable, why];
    this.changed("reachable");
  }
}

/** @param {number} milliseconds @param {AbortSignal} signal @returns {Promise<void>} */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
