/**
 * What is behind `Link.write`: the octets core has written and the kernel has not taken.
 *
 * During a turn small writes are copied one behind the other into a page; after it the driver flushes, and all goes to
 * the channel in one call. While the channel is still busy with the last lot, writes gather here, so a slow reader
 * costs pages and not thousands of little buffers.
 *
 * Where the runtime never uses a read buffer twice, a long write out of the one just received is passed on without a copy:
 * core has no business writing into it. What is kept that way has a bound of its own, because a view of a tenth of a
 * buffer keeps all of it.
 */
import type { Driver, Flushable, Owner } from "./driver.ts";

/** A backlog above this is large: stop whoever fills it. */
export const HIGH_MARK = 256 * 1024;
/** `Feed.writable` comes when a backlog that was above this has fallen below it. */
export const LOW_MARK = 64 * 1024;

/** Writes of at least this length are worth passing on without a copy; shorter ones make one piece with what is around them. */
const LONG = 32 * 1024;
/** The most that views may keep alive of the buffers they look into, while a connection has a backlog. */
const KEPT = 512 * 1024;
/** The first page of a backlog is small, since most backlogs are and slow readers keep theirs; those behind it are not. */
const PAGE = 16 * 1024;
const LARGE_PAGE = 64 * 1024;
/**
 * What to offer at once to a channel that says what was taken only when all of it was: core judges by that whether a slow
 * peer still moves.
 */
export const LOT = 64 * 1024;
/** Pages of each size kept for the next turn; idle connections hold none. */
const SPARE_PAGES = 64;

/** The runtime's end of a connection. */
export interface Channel {
  /** The most it is to be offered at once. */
  readonly lot: number;
  /**
   * Offers pieces, `octets` long in all, and answers how many octets were taken at once. When that is not all, the
   * pieces stay where they are until `Connection.taken` says how many more went; the rest is then offered again.
   * Never calls back before it returns.
   */
  write(pieces: readonly Uint8Array[], octets: number): number;
  setReading(on: boolean): void;
  /** Says that nothing more will be written (FIN). Called once, when everything has been taken. */
  finish(): void;
  /** Drops the connection; `Connection.gone` may follow. */
  destroy(): void;
}

/** What a connection wants to know about its outbox. */
export interface OutboxOwner extends Owner {
  /** The backlog has fallen below the low mark. */
  backlogFell(): void;
  /** The backlog is empty. */
  backlogGone(): void;
}

export class Outbox implements Flushable {
  /** Octets accepted and not taken by the kernel. */
  backlog: number;
  readonly owner: OutboxOwner;
  readonly #driver: Driver;
  readonly #channel: Channel;
  /** What comes before `#page`, oldest first. */
  #pieces: Uint8Array[];
  /** Where small writes go; page[#start, #end) is not among the pieces yet. */
  #page: Uint8Array | undefined;
  #start: number;
  #end: number;
  /** Pages that pieces look into and that are full, oldest first. */
  readonly #full: Uint8Array[];
  /** The buffer that was last passed on without a copy, and the octets of all of them since there was no backlog. */
  #kept: ArrayBufferLike | undefined;
  #keptOctets: number;
  /** Octets the channel was offered and has not taken; nothing is offered meanwhile. */
  #offered: number;
  /** The backlog was above the low mark, so it will have fallen below it. */
  #owesFell: boolean;
  /** The driver knows that we have something to send. */
  #touched: boolean;
  /** The connection has gone; nothing will be taken any more. */
  #abandoned: boolean;

  constructor(driver: Driver, channel: Channel, owner: OutboxOwner) {
    this.backlog = 0;
    this.owner = owner;
    this.#driver = driver;
    this.#channel = channel;
    this.#pieces = [];
    this.#page = undefined;
    this.#start = 0;
    this.#end = 0;
    this.#full = [];
    this.#kept = undefined;
    this.#keptOctets = 0;
    this.#offered = 0;
    this.#owesFell = false;
    this.#touched = false;
    this.#abandoned = false;
  }

  /** Accepts source[start, end). */
  write(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= 0 || this.#abandoned) return;
    if (!this.#touched) {
      this.#driver.touch(this);
      this.#touched = true;
    }
    this.backlog += length;
    if (this.backlog > LOW_MARK) this.#owesFell = true;
    if (length >= LONG && this.#mayKeep(source)) {
      this.#seal();
      this.#pieces.push(source.subarray(start, end));
    } else {
      this.#copy(source, start, end);
    }
  }

  /** Sends what there is. Called by the driver after a turn. */
  flush(): void {
    this.#touched = false;
    this.#seal();
    while (!this.#abandoned && this.#offered === 0 && this.backlog > 0) {
      const octets = Math.min(this.backlog, this.#channel.lot);
      this.#offered = octets;
      const taken = this.#channel.write(octets === this.backlog ? this.#pieces : this.#first(octets), octets);
      if (taken > 0) this.#drop(taken);
      if (taken < octets) return;
      this.#offered = 0;
    }
  }

  /** The first `octets` of the pieces. */
  #first(octets: number): Uint8Array[] {
    const lot: Uint8Array[] = [];
    let left = octets;
    for (const piece of this.#pieces) {
      if (left === 0) break;
      lot.push(piece.length > left ? piece.subarray(0, left) : piece);
      left -= Math.min(left, piece.length);
    }
    return lot;
  }

  /** The kernel took `octets` more of what the channel was offered. Called in a turn, so that the rest is flushed. */
  taken(octets: number): void {
    if (this.#abandoned) return;
    this.#offered = 0;
    if (octets > 0) this.#drop(octets);
    if (this.backlog === 0 || this.#touched) return;
    this.#driver.touch(this);
    this.#touched = true;
  }

  /** Frees the memory. The backlog stays readable: it is what was lost. */
  abandon(): void {
    this.#abandoned = true;
    this.#pieces = [];
    this.#page = undefined;
    this.#full.length = 0; // the kernel may still be reading them
    this.#kept = undefined;
  }

  /** May `source` be kept without a copy, and without keeping more memory alive than is good? Counts it if so. */
  #mayKeep(source: Uint8Array): boolean {
    if (source !== this.#driver.lent) return false;
    if (source.buffer === this.#kept) return true;
    const octets = this.#keptOctets + source.buffer.byteLength;
    if (octets > KEPT) return false;
    this.#kept = source.buffer;
    this.#keptOctets = octets;
    return true;
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      let page = this.#page;
      if (page === undefined || this.#end === page.length) {
        this.#seal();
        if (page === undefined) {
          page = sparePages.pop() ?? new Uint8Array(PAGE);
        } else {
          this.#full.push(page);
          page = spareLarge.pop() ?? new Uint8Array(LARGE_PAGE);
        }
        this.#page = page;
        this.#start = 0;
        this.#end = 0;
      }
      const upTo = Math.min(end, at + page.length - this.#end);
      if (upTo - at < SHORT) {
        for (let i = at; i < upTo; i++) page[this.#end++] = source[i] as number;
      } else {
        copy.call(source, page, this.#end, at, upTo);
        this.#end += upTo - at;
      }
      at = upTo;
    }
  }

  /** Puts what is in the page among the pieces. */
  #seal(): void {
    if (this.#page === undefined || this.#start === this.#end) return;
    this.#pieces.push(this.#page.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** Forgets the first octets of the pieces. */
  #drop(octets: number): void {
    this.backlog -= octets;
    if (this.backlog === 0) {
      this.#pieces.length = 0;
      // Nobody looks at the pages any more.
      while (this.#full.length > 0) spare(this.#full.pop());
      spare(this.#page);
      this.#page = undefined;
      this.#kept = undefined;
      this.#keptOctets = 0;
    } else {
      this.#dropWhole(octets);
    }
    if (this.#owesFell && this.backlog < LOW_MARK) {
      this.#owesFell = false;
      this.owner.backlogFell();
    }
    if (this.backlog === 0) this.owner.backlogGone();
  }

  #dropWhole(octets: number): void {
    let whole = 0;
    let left = octets;
    while (left > 0) {
      const piece = this.#pieces[whole] as Uint8Array;
      if (piece.length > left) {
        this.#pieces[whole] = piece.subarray(left);
        break;
      }
      left -= piece.length;
      whole++;
      // The end of a page is its last piece.
      const oldest = this.#full[0];
      if (piece.buffer === oldest?.buffer && piece.byteOffset + piece.length === oldest.length)
        spare(this.#full.shift());
    }
    this.#pieces.splice(0, whole);
  }
}

/** Copying fewer octets than this one by one is quicker than a call. */
const SHORT = 32;

/** Unlike `set` it wants no view of the source, and views are what Bun's collector is busy with. */
const { copy } = Buffer.prototype;

const sparePages: Uint8Array[] = [];
const spareLarge: Uint8Array[] = [];

function spare(page: Uint8Array | undefined): void {
  if (page === undefined) return;
  const spares = page.length === PAGE ? sparePages : spareLarge;
  if (spares.length < SPARE_PAGES) spares.push(page);
}
