/** The records of sessions that a relay has told of: what must be true of them, whatever happened. */
import type { Happening } from "../../../core/mod.ts";

/** Every session that began has one record, which does not begin before it or end before it was used. */
export function wrongRecords(happenings: readonly Happening[]): string[] {
  const open = new Set<number>();
  const wrong: string[] = [];
  for (const happening of happenings) {
    if (happening.type === "sessionStarted") open.add(happening.session);
    if (happening.type !== "sessionEnded") continue;
    const { session, startedAt, usedAt } = happening;
    if (!open.delete(session)) wrong.push(`session ${session} ended, and was not there`);
    if (usedAt < startedAt) wrong.push(`session ${session} was used before it began`);
  }
  for (const session of open) wrong.push(`session ${session} never ended`);
  return wrong;
}

/** The records of a user's sessions. */
export function recordsOf(
  happenings: readonly Happening[],
  user: string,
): Extract<Happening, { type: "sessionEnded" }>[] {
  return happenings.filter((happening) => happening.type === "sessionEnded").filter((record) => record.user === user);
}
