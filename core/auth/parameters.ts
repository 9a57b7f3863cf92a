/**
 * The syntax that WWW-Authenticate, Authorization and Authentication-Info share: `Digest name=value, name="value"`
 * (RFC 4976 §7, RFC 7235 §2.1). What the parameters mean is said in the file of each header.
 *
 * Looser than §7 in three places. Any parameter may be quoted or bare: python3-msrplib quotes `qop` and `nc`, which
 * §9.1 forbids. White space may stand around `=` and `,` as in every HTTP grammar. One line may hold several
 * challenges, because some intermediaries join headers of one name. Otherwise the grammar is kept, and a parameter
 * given twice is a fault rather than a choice: two readers must never see two different values.
 */
import { MisuseError } from "../ports.ts";

/** Bounds, so that a stranger cannot make us carry much: the whole value, and parameters of one challenge. */
export const MAX_VALUE = 4096;
export const MAX_PARAMETERS = 32;

export interface Parameters {
  /** Lower case; empty when the header has no scheme, as Authentication-Info. */
  readonly scheme: string;
  /** Lower-case name → value without quotes and escapes. */
  readonly values: ReadonlyMap<string, string>;
}

// None of these can match one text in two ways, so each reads in linear time whatever the peer sends.
const SPACE = /[ \t]*/y;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const QUOTED = /"((?:[\t\x20!\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*)"/y;

/**
 * Reads a header value.
 *
 * @param value  an octet string
 * @returns one entry for each scheme in the order of the header, or undefined when malformed
 */
export function readParameters(value: string): Parameters[] | undefined {
  if (value.length > MAX_VALUE) return undefined;
  const found: { scheme: string; values: Map<string, string> }[] = [];
  const cursor = new Cursor(value);
  cursor.take(SPACE);
  while (true) {
    let word = cursor.take(TOKEN);
    if (word === undefined) return undefined;
    const space = cursor.take(SPACE);
    if (!cursor.skip("=")) {
      // A word that no `=` follows is a scheme; its first parameter stands behind it without a comma.
      if (space === "") return undefined;
      found.push({ scheme: word.toLowerCase(), values: new Map() });
      word = cursor.take(TOKEN);
      if (word === undefined) return undefined;
      cursor.take(SPACE);
      if (!cursor.skip("=")) return undefined;
    } else if (found.length === 0) {
      found.push({ scheme: "", values: new Map() });
    }
    cursor.take(SPACE);
    const text = cursor.take(QUOTED)?.slice(1, -1).replace(/\\(.)/g, "$1") ?? cursor.take(TOKEN);
    const values = found.at(-1)?.values;
    const name = word.toLowerCase();
    if (text === undefined || values === undefined || values.has(name) || values.size === MAX_PARAMETERS) {
      return undefined;
    }
    values.set(name, text);
    cursor.take(SPACE);
    if (cursor.atEnd) return found;
    if (!cursor.skip(",")) return undefined;
    cursor.take(SPACE);
  }
}

/**
 * Writes a quoted-string. Old clients look for the next quote and know no escapes (python3-msrplib, crocodile-msrp), so
 * what we invent ourselves never needs one; a username or cnonce may.
 */
export function quoted(octetString: string): string {
  // What came over the wire cannot hold these, so it is our own text: a line break would start a header of its own.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(octetString)) throw new MisuseError("control character in a quoted-string");
  return `"${octetString.replace(/["\\]/g, "\\$&")}"`;
}

/** A place in a text, and what stands there. */
class Cursor {
  readonly #text: string;
  #at: number; // everything before it has been read

  constructor(text: string) {
    this.#text = text;
    this.#at = 0;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** What the sticky pattern matches here, and steps over it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
