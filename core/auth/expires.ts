/**
 * How long a client may keep its URI (RFC 4976 §4.6, §5.1, §6.3).
 *
 * §6.3 answers 423 when the request is out of bounds, where §5.1 would let the relay shorten it: we never change what
 * was asked for in silence. Zero is too short like any other small number, not a way to give a URI back.
 */
import type { ExpiresBounds } from "../ports.ts";

export type ExpiresFault = "EXPIRES" | "EXPIRES_TOO_SHORT" | "EXPIRES_TOO_LONG";

/**
 * Reads an Expires value.
 *
 * @param value  undefined when the request has no such header
 * @returns seconds, or the fault
 */
export function readExpires(value: string | undefined, bounds: ExpiresBounds): number | ExpiresFault {
  if (value === undefined) return bounds.defaultSeconds;
  const digits = /^[ \t]*([0-9]+)[ \t]*$/.exec(value)?.[1];
  const seconds = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(seconds)) return "EXPIRES";
  if (seconds === 0 || seconds < bounds.minSeconds) return "EXPIRES_TOO_SHORT";
  if (seconds > bounds.maxSeconds) return "EXPIRES_TOO_LONG";
  return seconds;
}

/** The header that a 423 must carry (§6.3): which bound was missed, and where it lies. */
export function boundHeader(
  fault: Exclude<ExpiresFault, "EXPIRES">,
  bounds: ExpiresBounds,
): { readonly name: "Min-Expires" | "Max-Expires"; readonly value: string } {
  return fault === "EXPIRES_TOO_SHORT"
    ? { name: "Min-Expires", value: String(Math.max(1, bounds.minSeconds)) }
    : { name: "Max-Expires", value: String(bounds.maxSeconds) };
}
