/** Passwords: made by us, or given by whoever runs the command. */
import { randomInt } from "node:crypto";
import type { Given } from "./command.ts";
import { Refusal, type Terminal, UsageError } from "./terminal.ts";

/** Nothing that looks like something else, and nothing a shell minds. 32 letters: 5 bits each. */
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789";

/** 100 bits, in groups that can be read out. */
export function makePassword(): string {
  const groups = Array.from({ length: 4 }, () =>
    Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join(""),
  );
  return groups.join("-");
}

export interface GivenPassword {
  readonly password: string;
  /** Made by us, so somebody has to be told. */
  readonly generated: boolean;
}

/** From --password, --generate, a question, or standard input. */
export async function givenPassword(given: Given, terminal: Terminal): Promise<GivenPassword> {
  const written = given.text("password");
  if (written !== undefined && given.on("generate"))
    throw new UsageError("--password and --generate exclude each other");
  if (given.on("generate")) return { password: makePassword(), generated: true };
  const password = written ?? (await terminal.readSecret("Password: "));
  if (written === undefined && terminal.interactive && (await terminal.readSecret("Once more: ")) !== password) {
    throw new Refusal("the two differ; nothing was changed");
  }
  if (password === "") throw new Refusal("an empty password is none");
  return { password, generated: false };
}
