/**
 * Where in a YAML source a key or value stands, so that every complaint about it has a line and a column.
 *
 * The parser has accepted the source already, so this is no second parser: it follows indentation, brackets and
 * quotes just far enough to know which path each key and item has (YAML 1.2 §7 flow style, §8 block style), and skips
 * what scalars say. Where it loses its way (a `?` key, say) it stops, and whoever asks is given the nearest place
 * above. One file, since block and flow style call each other.
 */
export type Path = readonly (string | number)[];

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

interface Mark {
  /** Offset of the key; a list item, which has none, is known by its value. */
  key: number;
  /** Offset of the value; that of the key when there is none. */
  value: number;
}

/** Finds the places of all keys and values of a source that parses. */
export function locate(source: string): Places {
  const marks = new Map<string, Mark>([["[]", { key: 0, value: 0 }]]);
  try {
    new Walk(source, marks).document();
  } catch (error) {
    if (!(error instanceof Lost)) throw error;
  }
  return new Places(source, marks);
}

export class Places {
  readonly #source: string;
  readonly #marks: ReadonlyMap<string, Mark>;

  constructor(source: string, marks: ReadonlyMap<string, Mark>) {
    this.#source = source;
    this.#marks = marks;
  }

  /** Where the key (or list item) of that path begins, or else the nearest key above it. */
  key(path: Path): Place {
    return this.#place(this.#nearest(path).key);
  }

  /** Where the value of that path begins, or else the nearest value above it. */
  value(path: Path): Place {
    return this.#place(this.#nearest(path).value);
  }

  #nearest(path: Path): Mark {
    for (let length = path.length; length > 0; length -= 1) {
      const mark = this.#marks.get(name(path.slice(0, length)));
      if (mark !== undefined) return mark;
    }
    return this.#marks.get("[]") ?? { key: 0, value: 0 };
  }

  #place(offset: number): Place {
    const before = this.#source.slice(0, offset);
    const lineStart = before.lastIndexOf("\n") + 1;
    return { line: before.split("\n").length, column: offset - lineStart + 1 };
  }
}

/** Paths hold numbers for list items, and YAML keys are text to us, whatever they looked like. */
function name(path: Path): string {
  return JSON.stringify(path);
}

class Lost extends Error {}

class Walk {
  readonly #source: string;
  readonly #marks: Map<string, Mark>;
  #at = 0;

  constructor(source: string, marks: Map<string, Mark>) {
    this.#source = source;
    this.#marks = marks;
  }

  document(): void {
    this.#skipSpace();
    while (this.#peek() === "%") this.#skipLine();
    if (this.#looking(/---(?=\s|$)/y)) this.#at += 3;
    this.#blockNode(-1, []);
  }

  /** A node inside one that is indented by `parent`. `listsToo`: a list may stand as far left as its key (§8.2.1). */
  #blockNode(parent: number, path: Path, listsToo = false): void {
    for (;;) {
      this.#skipSpace();
      const column = this.#column();
      const list = this.#looking(/-(?=\s|$)/y);
      if (this.#at >= this.#source.length || this.#looking(/(?:---|\.\.\.)(?=\s|$)/y)) return;
      if (column < parent || (column === parent && !(listsToo && list))) return;
      this.#markValue(path);
      if (list) return this.#blockList(column, path);
      if (this.#looking(/[&!]/y))
        this.#skip(/[^\s]+/y); // an anchor or a tag; what it belongs to follows
      else break;
    }
    const column = this.#column();
    if (this.#looking(/\?(?=\s|$)/y)) throw new Lost();
    if (this.#looking(/[|>]/y)) return this.#skipIndented(parent);
    if (this.#looking(/[[{]/y) && !this.#isKey()) return this.#flowNode(path);
    if (this.#isKey()) return this.#blockMap(column, path);
    if (this.#looking(/["']/y)) this.#quoted();
    else this.#skipIndented(parent);
  }

  #blockList(column: number, path: Path): void {
    for (let index = 0; this.#column() === column && this.#looking(/-(?=\s|$)/y); index += 1) {
      this.#markKey([...path, index]);
      this.#at += 1;
      this.#blockNode(column, [...path, index]);
      this.#skipSpace();
    }
  }

  #blockMap(column: number, path: Path): void {
    while (this.#column() === column && this.#isKey()) {
      const start = this.#at;
      const inner = [...path, this.#key(/(?:[^:\n]|:(?=\S))*(?=:)/y)];
      this.#markKey(inner, start);
      this.#skip(/\s*:/y);
      this.#blockNode(column, inner, true);
      this.#skipSpace();
    }
  }

  /** Is there a key here: something on one line with a colon behind it? */
  #isKey(): boolean {
    return this.#looking(
      /(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|[^\s"'#&*!|>%@`[\]{},](?:[^:#\n]|:(?=\S)|(?<=\S)#)*)[ \t]*:(?=\s|$)/y,
    );
  }

  #key(plain: RegExp): string {
    if (this.#looking(/["']/y)) return this.#quoted();
    return this.#skip(plain).trim();
  }

  #flowNode(path: Path): void {
    this.#skipSpace();
    while (this.#looking(/[&!]/y)) {
      this.#skip(/[^\s,[\]{}]+/y);
      this.#skipSpace();
    }
    this.#markValue(path);
    if (this.#looking(/\{/y)) this.#flowMap(path);
    else if (this.#looking(/\[/y)) this.#flowList(path);
    else this.#key(flowPlain);
  }

  #flowMap(path: Path): void {
    this.#at += 1;
    for (;;) {
      this.#skip(/,?/y);
      this.#skipSpace();
      if (this.#end("}")) return;
      this.#flowPair(path);
      this.#skipSpace();
    }
  }

  #flowPair(path: Path): void {
    if (this.#looking(/[[{?]/y)) throw new Lost();
    const start = this.#at;
    const inner = [...path, this.#key(flowPlain)];
    this.#markKey(inner, start);
    this.#skipSpace();
    if (this.#peek() !== ":") return;
    this.#at += 1;
    this.#skipSpace();
    if (!this.#looking(/[,}\]]/y)) this.#flowNode(inner);
  }

  #flowList(path: Path): void {
    this.#at += 1;
    for (let index = 0; ; index += 1) {
      this.#skip(/,?/y);
      this.#skipSpace();
      if (this.#end("]")) return;
      const item = [...path, index];
      const start = this.#at;
      this.#markKey(item);
      this.#flowNode(item);
      this.#skipSpace();
      if (this.#peek() === ":") {
        this.#at = start; // `[name: x]` is a list of one-pair maps (§7.4.2)
        this.#flowPair(item);
        this.#skipSpace();
      }
    }
  }

  #end(bracket: string): boolean {
    if (this.#at >= this.#source.length) throw new Lost();
    if (this.#peek() !== bracket) return false;
    this.#at += 1;
    return true;
  }

  #quoted(): string {
    const text = this.#skip(/"(?:[^"\\]|\\[\s\S])*"|'(?:[^']|'')*'/y);
    if (text === "") throw new Lost();
    if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
    try {
      return JSON.parse(text) as string;
    } catch {
      return text.slice(1, -1);
    }
  }

  /** The rest of this line, and the lines below that are indented further than `parent`: a scalar's continuation. */
  #skipIndented(parent: number): void {
    this.#skipLine();
    while (this.#at < this.#source.length) {
      const [indent = ""] = this.#match(/[ \t]*/y) ?? [];
      const blank = /^[\r\n]/.test(this.#source.slice(this.#at + indent.length));
      if (!blank && indent.length <= parent) return;
      if (!blank && parent < 0 && this.#looking(/(?:---|\.\.\.)(?=\s|$)/y)) return;
      this.#skipLine();
    }
  }

  #skipLine(): void {
    this.#skip(/[^\n]*\n?/y);
  }

  #skipSpace(): void {
    this.#skip(/(?:\s+|(?<![^\s])#[^\n]*)*/y);
  }

  #markKey(path: Path, offset = this.#at): void {
    this.#marks.set(name(path), { key: offset, value: offset });
  }

  #markValue(path: Path): void {
    const mark = this.#marks.get(name(path));
    if (mark === undefined) return;
    mark.value = this.#at;
    if (typeof path.at(-1) === "number") mark.key = this.#at;
  }

  #column(): number {
    return this.#at - (this.#source.lastIndexOf("\n", this.#at - 1) + 1);
  }

  #peek(): string {
    return this.#source[this.#at] ?? "";
  }

  #match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    return sticky.exec(this.#source);
  }

  #looking(sticky: RegExp): boolean {
    return this.#match(sticky) !== null;
  }

  #skip(sticky: RegExp): string {
    const [found = ""] = this.#match(sticky) ?? [];
    this.#at += found.length;
    return found;
  }
}

/** A plain scalar in flow style ends at an indicator, or at a colon with white space or an indicator behind it. */
const flowPlain = /(?:[^:,[\]{}#\n]|:(?![\s,[\]{}]|$)|(?<=\S)#)*/y;
