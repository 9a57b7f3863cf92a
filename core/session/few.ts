/**
 * A set that is empty most of the time, and else small: what a connection is tied to. There are several for each of ten
 * thousand connections, and an empty `Set` is not small.
 */

/** From so many on looking them through takes longer than asking a Set. */
const MANY = 8;

export class Few<T> implements Iterable<T> {
  #members: T[] | Set<T> | undefined;

  constructor() {
    this.#members = undefined;
  }

  get size(): number {
    const members = this.#members;
    if (members === undefined) return 0;
    return Array.isArray(members) ? members.length : members.size;
  }

  has(member: T): boolean {
    const members = this.#members;
    if (members === undefined) return false;
    return Array.isArray(members) ? members.includes(member) : members.has(member);
  }

  add(member: T): void {
    const members = this.#members;
    if (members === undefined) this.#members = [member];
    else if (!Array.isArray(members)) members.add(member);
    else if (!members.includes(member)) {
      members.push(member);
      if (members.length === MANY) this.#members = new Set(members);
    }
  }

  delete(member: T): boolean {
    const members = this.#members;
    if (members === undefined) return false;
    if (!Array.isArray(members)) return members.delete(member);
    const at = members.indexOf(member);
    if (at < 0) return false;
    if (members.length === 1) this.#members = undefined;
    else members.splice(at, 1);
    return true;
  }

  clear(): void {
    this.#members = undefined;
  }

  /** In the order in which they came. Whoever changes it meanwhile walks over a copy. */
  [Symbol.iterator](): IterableIterator<T> {
    return (this.#members ?? nobody).values() as IterableIterator<T>;
  }
}

const nobody: readonly never[] = [];
