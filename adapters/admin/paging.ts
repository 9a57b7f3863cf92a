/**
 * A page of a list: what comes after the cursor, in an order that is the same for every page.
 *
 * A cursor names the last item seen by what it was sorted by and by its id, so items that come or go in between move
 * nobody else onto another page. It is opaque: base64url of that pair.
 */
import { Buffer } from "node:buffer";
import { Problem } from "./problems.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Paging {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What an item is sorted by, and its id. */
export type Place = readonly [value: number | string, id: string];

/**
 * @param valueOf     what to sort by; ids decide among equals
 * @param descending  the largest first
 */
export function pageOf<T>(
  items: readonly T[],
  placeOf: (item: T) => Place,
  descending: boolean,
  { limit, cursor }: Paging,
): Page<T> {
  const sign = descending ? -1 : 1;
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  const sorted = items
    .map((item) => ({ item, place: placeOf(item) }))
    .filter(({ place }) => after === undefined || compare(place, after) * sign > 0)
    .sort((one, other) => compare(one.place, other.place) * sign);
  const page = sorted.slice(0, limit);
  const last = sorted.length > limit ? page.at(-1) : undefined;
  return { items: page.map(({ item }) => item), next: last === undefined ? null : writeCursor(last.place) };
}

function compare([value, id]: Place, [otherValue, otherId]: Place): number {
  if (value !== otherValue) return value < otherValue ? -1 : 1;
  // `1.9` before `1.10`.
  return id.length === otherId.length ? (id < otherId ? -1 : id > otherId ? 1 : 0) : id.length - otherId.length;
}

export function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place), "utf8").toString("base64url");
}

/** @throws Problem 400 */
export function parseCursor(text: string): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    if (Array.isArray(place) && place.length === 2) {
      const [value, id] = place as unknown[];
      if ((typeof value === "number" || typeof value === "string") && typeof id === "string") return [value, id];
    }
  } catch {
    // said below
  }
  const detail = "is not what a page before called next";
  throw new Problem(400, `cursor ${detail}`, { errors: [{ in: "query", name: "cursor", detail }] });
}
