import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { race } from "../../adapters/shared/race.ts";

/** Attempts that a test decides. */
class Attempts {
  readonly begun: string[] = [];
  readonly aborted: string[] = [];
  readonly #decide = new Map<string, { win: (value: string) => void; fail: (reason: unknown) => void }>();

  readonly attempt = (target: string, signal: AbortSignal): Promise<string> => {
    this.begun.push(target);
    signal.addEventListener("abort", () => this.aborted.push(target));
    return new Promise((win, fail) => this.#decide.set(target, { win, fail }));
  };

  win(target: string): void {
    this.#decide.get(target)?.win(`connected to ${target}`);
  }

  fail(target: string): void {
    this.#decide.get(target)?.fail(`${target} failed`);
  }
}

describe("a race of addresses (RFC 8305 §5)", () => {
  let attempts: Attempts;
  let whole: AbortController;
  const start = (...targets: string[]) => race(targets, attempts.attempt, whole.signal);

  beforeEach(() => {
    vi.useFakeTimers();
    attempts = new Attempts();
    whole = new AbortController();
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("gives each a head start of 250 ms", async () => {
    const result = start("a", "b", "c");
    await vi.advanceTimersByTimeAsync(249);
    expect(attempts.begun).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempts.begun).toEqual(["a", "b"]);
    await vi.advanceTimersByTimeAsync(250);
    expect(attempts.begun).toEqual(["a", "b", "c"]);
    attempts.win("b");
    expect(await result).toBe("connected to b");
    expect(attempts.aborted).toEqual(["a", "c"]);
  });

  it("does not wait when one fails", async () => {
    const result = start("a", "b");
    attempts.fail("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(attempts.begun).toEqual(["a", "b"]);
    attempts.win("b");
    expect(await result).toBe("connected to b");
  });

  it("begins no others once one has won", async () => {
    const result = start("a", "b");
    attempts.win("a");
    await result;
    await vi.advanceTimersByTimeAsync(1000);
    expect(attempts.begun).toEqual(["a"]);
    expect(attempts.aborted).toEqual([]);
  });

  it("ends a second winner", async () => {
    const result = start("a", "b");
    await vi.advanceTimersByTimeAsync(250);
    attempts.win("a");
    attempts.win("b");
    expect(await result).toBe("connected to a");
    expect(attempts.aborted).toEqual(["b"]);
  });

  it("fails with every reason when all have failed", async () => {
    const result = start("a", "b");
    const failed = expect(result).rejects.toMatchObject({ errors: ["a failed", "b failed"] });
    await vi.advanceTimersByTimeAsync(250);
    attempts.fail("b");
    attempts.fail("a");
    await failed;
  });

  it("is given up as a whole", async () => {
    const result = start("a", "b");
    const failed = expect(result).rejects.toThrow("enough");
    whole.abort(new Error("enough"));
    await failed;
    expect(attempts.aborted).toEqual(["a"]);
    await expect(start("c")).rejects.toThrow("enough");
    expect(attempts.begun).toEqual(["a"]);
  });

  it("fails at once without addresses", async () => {
    await expect(start()).rejects.toMatchObject({ errors: [] });
  });
});
