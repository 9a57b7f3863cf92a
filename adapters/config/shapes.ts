/**
 * The few valibot shapes our schema is made of, with messages for the person who wrote the file.
 *
 * Everything that can be wrong is reported at once, so nothing here aborts early; and no message of a secret's shape
 * repeats what was written.
 */
import * as v from "valibot";
import { suggestion } from "./nearest.ts";

type Entries = v.ObjectEntries;

/**
 * A map with these keys and no others.
 *
 * Valibot's own strict object stops at the first unknown key; people want to see all of them.
 */
export function table<const E extends Entries>(entries: E) {
  const known = Object.keys(entries);
  // looseObject keeps what it does not know, so that the check can see it; trusted code never looks at those keys.
  const loose = v.looseObject(entries, (issue) =>
    issue.expected?.startsWith('"') === true ? "missing" : `must be a map of keys, ${found(issue.input)}`,
  );
  // To valibot a list is an object too.
  const map = {
    ...loose,
    "~run": ((dataset, config) => {
      if (!Array.isArray(dataset.value)) return loose["~run"](dataset, config);
      v._addIssue(loose as unknown as v.LooseObjectSchema<Entries, undefined>, "type", dataset, config);
      return dataset;
    }) as (typeof loose)["~run"],
  } as unknown as v.ObjectSchema<E, undefined>;
  return v.pipe(
    map,
    v.rawCheck(({ dataset, addIssue }) => {
      const input: unknown = dataset.value;
      if (typeof input !== "object" || input === null || Array.isArray(input)) return;
      for (const [key, value] of Object.entries(input)) {
        if (known.includes(key)) continue;
        const path: [v.ObjectPathItem] = [{ type: "object", origin: "key", input: { ...input }, key, value }];
        addIssue({ message: `unknown key${suggestion(key, known)}`, path });
      }
    }),
  );
}

/** The same, for a map that may be left out: its keys' own defaults then hold. */
export function section<const E extends Entries>(entries: E) {
  return v.optional(table(entries), {} as never);
}

export function listOf<const S extends v.GenericSchema>(item: S, atLeast = 0) {
  const list = v.array(item, (issue) => `must be a list, ${found(issue.input)}`);
  return v.pipe(list, v.minLength(atLeast, "must have at least one entry"));
}

/** A map whose keys are names people choose. */
export function named<const S extends v.GenericSchema>(value: S) {
  const name = v.pipe(v.string(), v.nonEmpty("an empty name"));
  return v.record(name, value, (issue) => `must be a map of names, ${found(issue.input)}`);
}

export function text() {
  const string = v.string((issue) => `must be text, ${found(issue.input)}`);
  return v.pipe(string, v.nonEmpty("must not be empty"));
}

/** Text that no message repeats. */
export function secret() {
  const hint = (input: unknown) => (typeof input === "number" ? "; put digits in quotes" : "");
  return v.pipe(
    v.string((issue) => `must be text${hint(issue.input)}`),
    v.nonEmpty("must not be empty"),
  );
}

export function matching(pattern: RegExp, meaning: string) {
  const fits = v.regex(pattern, (issue) => `must be ${meaning}, ${found(issue.input)}`);
  return v.pipe(
    v.string((issue) => `must be ${meaning}, ${found(issue.input)}`),
    fits,
  );
}

export function whole(least: number, most: number) {
  const message = (issue: v.BaseIssue<unknown>) =>
    `must be a whole number from ${least} to ${most}, ${found(issue.input)}`;
  return v.pipe(
    v.number(message),
    v.check((value) => Number.isInteger(value) && value >= least && value <= most, message),
  );
}

/** A limit that 0 takes away. */
export function zeroOr(least: number, most: number) {
  return v.union([v.literal(0), whole(least, most)], `must be 0 or a whole number from ${least}`);
}

export function yesNo() {
  return v.boolean((issue) => `must be true or false, ${found(issue.input)}`);
}

export function oneOf<const Choice extends string>(...choices: Choice[]) {
  return v.picklist(choices, (issue) => {
    const guess = typeof issue.input === "string" ? suggestion(issue.input, choices) : "";
    return `must be ${alternatives(choices)}, ${found(issue.input)}${guess}`;
  });
}

/** `a, b or c` */
export function alternatives(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join() : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

/** What stands there instead, as YAML would show it. */
export function found(input: unknown): string {
  if (input === undefined || input === null) return "found nothing";
  if (Array.isArray(input)) return "found a list";
  if (typeof input === "object") return "found a map";
  const shown = JSON.stringify(input) ?? typeof input;
  return `found ${shown.length > 60 ? `${shown.slice(0, 57)}…"` : shown}`;
}
