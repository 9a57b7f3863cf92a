/**
 * Transactions: the requests we have sent to a next hop and may still hear of (RFC 4976 §6.4.1, §6.4.3).
 *
 * Our transact-ids name the slot of a table (4 letters) and prove it with 65 random bits (13 letters), so a response
 * finds its transaction without a map and nobody can guess the next id. All timers last the same 30 s, so the open
 * transactions of the whole relay form one list in the order in which they end, and no heap is needed.
 *
 * A timer starts when the last octet of its request has been sent (§6.4.1), which is when the kernel has taken it. Nobody
 * tells us that, so we look: requests wait in the order in which they were written to their connection, and as long as
 * any waits anywhere, four times a second those that have gone out are let on to the list of timers.
 */
import { octetString } from "../bytes/octets.ts";
import type { RandomPool } from "../bytes/random.ts";
import type { Millis } from "../ports.ts";
import type { Connection } from "./connection.ts";
import type { Lease } from "./lease.ts";

export const TRANSACTION_TIMEOUT: Millis = 30_000;
/** How often we look whether the kernel has taken a request. */
const LOOK_EVERY: Millis = 250;

const NOTHING = new Uint8Array(0);

const SLOT_LETTERS = 4;
const RANDOM_LETTERS = 13;
export const TRANSACT_ID_LENGTH = SLOT_LETTERS + RANDOM_LETTERS;
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

/** Failure-Report as RFC 4975 §7.1.1 defines it; absent means yes. */
export const REPORT_YES = 0;
export const REPORT_PARTIAL = 1;
export const REPORT_NO = 2;
export type FailureReport = typeof REPORT_YES | typeof REPORT_PARTIAL | typeof REPORT_NO;

/** Where a SEND came from: all that a REPORT about it needs. Shared by the chunks it is forwarded in. */
export interface Origin {
  readonly source: Connection;
  /** The From-Path it came with: the way back to its sender. */
  readonly fromPath: Uint8Array;
  /** Our URI, as it stood first in its To-Path. */
  readonly ownUri: Uint8Array;
  /** Our URI, as it stands first in the From-Path that we send: responses begin with it. */
  readonly ownUriOut: Uint8Array;
  readonly messageId: Uint8Array;
  readonly failureReport: FailureReport;
  /** The sessions whose holder has sent it. */
  readonly givers: readonly Lease[];
  /** The incoming chunk while its end-line has not come yet: then it can still be answered with an error. */
  open: { fail(status: number): void } | undefined;
  /** It was answered with an error: the previous hop tells the sender, and a REPORT of ours would say it twice. */
  refused: boolean;
}

/** Where a request other than SEND came from: its response goes back there under its own id (RFC 4976 §6.4.3). */
export interface Asked {
  readonly source: Connection;
  readonly transactId: string;
  /** An AUTH with credentials: a 401 to it counts against the client (RFC 4976 §6.3). */
  readonly proves: boolean;
  /** The From-Path it came with, and our first URI: for a response of our own when the next hop cannot be reached. */
  readonly fromPath: Uint8Array;
  readonly ownUri: Uint8Array;
  /** Our last URI: the first of the To-Path a response must come with. */
  readonly lastOwnUri: Uint8Array;
  /** All of ours, first to last: what a response passes on its way back. */
  readonly ownPath: Uint8Array;
}

export class Transaction {
  readonly table: TransactionTable;
  readonly slot: number;
  readonly id: Uint8Array; // TRANSACT_ID_LENGTH letters; the random part is made anew for each use
  active: boolean;
  origin: Origin | undefined; // of a SEND
  asked: Asked | undefined; // of any other request
  rangeStart: number; // what the chunk carries, counted from 1
  rangeEnd: number;
  total: number; // -1 when unknown
  endsAt: number; // `connection.written` behind its end-line; the timer counts from when the kernel has that much
  deadline: Millis;
  queue: Queue | undefined; // where it waits: for the kernel, or for its deadline
  previous: Transaction | undefined; // there
  next: Transaction | undefined;
  #messageId: Uint8Array; // the last one kept

  constructor(table: TransactionTable, slot: number) {
    this.table = table;
    this.slot = slot;
    this.id = new Uint8Array(TRANSACT_ID_LENGTH);
    for (let i = 0; i < SLOT_LETTERS; i++) this.id[i] = LETTERS.charCodeAt((slot >> (5 * i)) & 31);
    this.active = false;
    this.origin = undefined;
    this.asked = undefined;
    this.rangeStart = 0;
    this.rangeEnd = 0;
    this.total = -1;
    this.endsAt = 0;
    this.deadline = 0;
    this.queue = undefined;
    this.previous = undefined;
    this.next = undefined;
    this.#messageId = NOTHING;
  }

  /** A copy of a Message-ID. It stands until the transaction is used again: those of a session are all equally long. */
  keepMessageId(source: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (this.#messageId.length !== length) this.#messageId = new Uint8Array(length);
    for (let i = 0; i < length; i++) this.#messageId[i] = source[start + i] as number;
    return this.#messageId;
  }
}

/** The transactions of one connection. */
export class TransactionTable {
  readonly connection: Connection;
  readonly #random: RandomPool;
  readonly #timers: TransactionTimers;
  readonly #slots: Transaction[];
  readonly #free: number[];
  readonly #unsent: Queue; // written, and as far as we know not yet taken by the kernel
  open: number; // how many are active

  constructor(connection: Connection, random: RandomPool, timers: TransactionTimers) {
    this.connection = connection;
    this.#random = random;
    this.#timers = timers;
    this.#slots = [];
    this.#free = [];
    this.#unsent = new Queue();
    this.open = 0;
  }

  /** A new transaction with a fresh id. Its timer starts with `sent`. */
  begin(): Transaction {
    let slot = this.#free.pop();
    if (slot === undefined) {
      slot = this.#slots.length;
      this.#slots.push(new Transaction(this, slot));
    }
    const transaction = this.#slots[slot] as Transaction;
    this.#random.letters(transaction.id, SLOT_LETTERS, RANDOM_LETTERS);
    transaction.active = true;
    transaction.endsAt = 0;
    this.open++;
    return transaction;
  }

  /** Another id for a transaction that was not sent yet: the first one occurs in the body. */
  renew(transaction: Transaction): void {
    this.#random.letters(transaction.id, SLOT_LETTERS, RANDOM_LETTERS);
  }

  /** Its end-line was written: once the kernel has that, it can time out. */
  sent(transaction: Transaction, now: Millis): void {
    const end = this.connection.written;
    transaction.endsAt = end;
    if (transaction.origin?.failureReport === REPORT_YES) this.connection.flight?.sent(end);
    if (this.connection.backlog === 0) {
      this.#timers.start(transaction, now);
      return;
    }
    this.#unsent.append(transaction);
    this.#timers.watch(this, now);
  }

  /** Starts the timers of what the kernel has taken. True when nothing is left that waits for it. */
  startTaken(now: Millis): boolean {
    const { connection } = this;
    const taken = connection.written - connection.backlog;
    while (true) {
      const { first } = this.#unsent;
      if (first === undefined) return true;
      if (first.endsAt > taken) return false;
      this.#unsent.remove(first);
      this.#timers.start(first, now);
    }
  }

  /** The open transaction with the id source[start, end). */
  find(source: Uint8Array, start: number, end: number): Transaction | undefined {
    if (end - start !== TRANSACT_ID_LENGTH) return undefined;
    let slot = 0;
    for (let i = 0; i < SLOT_LETTERS; i++) {
      const letter = letterValue(source[start + i] as number);
      if (letter < 0) return undefined;
      slot |= letter << (5 * i);
    }
    const transaction = this.#slots[slot];
    if (transaction === undefined || !transaction.active) return undefined;
    for (let i = SLOT_LETTERS; i < TRANSACT_ID_LENGTH; i++) {
      if (transaction.id[i] !== source[start + i]) return undefined;
    }
    return transaction;
  }

  /** It was answered, or nobody waits for it any longer. */
  finish(transaction: Transaction): void {
    if (!transaction.active) return;
    transaction.queue?.remove(transaction);
    this.connection.flight?.answered(transaction.endsAt);
    transaction.active = false;
    transaction.origin = undefined;
    transaction.asked = undefined;
    this.open--;
    this.#free.push(transaction.slot);
  }

  /** Every open transaction, for when the connection is lost. */
  all(): Transaction[] {
    return this.#slots.filter((transaction) => transaction.active);
  }
}

/** The 30-second timers of all connections: one list, ordered because all last equally long. */
export class TransactionTimers {
  readonly #running: Queue;
  readonly #watched: Set<TransactionTable>; // those with requests that the kernel may not have taken
  #lookAt: Millis; // when to look at them next

  constructor() {
    this.#running = new Queue();
    this.#watched = new Set();
    this.#lookAt = Number.POSITIVE_INFINITY;
  }

  get next(): Millis {
    return Math.min(this.#running.first?.deadline ?? Number.POSITIVE_INFINITY, this.#lookAt);
  }

  start(transaction: Transaction, now: Millis): void {
    transaction.deadline = now + TRANSACTION_TIMEOUT;
    this.#running.append(transaction);
  }

  /** A table has requests that wait for the kernel. */
  watch(table: TransactionTable, now: Millis): void {
    this.#watched.add(table);
    if (this.#lookAt === Number.POSITIVE_INFINITY) this.#lookAt = now + LOOK_EVERY;
  }

  /** Takes the first one that is due off the list. */
  due(now: Millis): Transaction | undefined {
    if (now >= this.#lookAt) this.#look(now);
    const { first } = this.#running;
    if (first === undefined || first.deadline > now) return undefined;
    this.#running.remove(first);
    return first;
  }

  #look(now: Millis): void {
    for (const table of this.#watched) if (table.startTaken(now)) this.#watched.delete(table);
    this.#lookAt = this.#watched.size > 0 ? now + LOOK_EVERY : Number.POSITIVE_INFINITY;
  }
}

/** Transactions in the order in which they joined; any of them can leave. */
class Queue {
  first: Transaction | undefined;
  #last: Transaction | undefined;

  constructor() {
    this.first = undefined;
    this.#last = undefined;
  }

  append(transaction: Transaction): void {
    transaction.queue = this;
    transaction.previous = this.#last;
    if (this.#last === undefined) this.first = transaction;
    else this.#last.next = transaction;
    this.#last = transaction;
  }

  remove(transaction: Transaction): void {
    const { previous, next } = transaction;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    transaction.queue = transaction.previous = transaction.next = undefined;
  }
}

/** An id as text, for frames composed from strings. */
export function idText(transaction: Transaction): string {
  return octetString(transaction.id);
}

function letterValue(octet: number): number {
  if (octet >= 0x61 && octet <= 0x7a) return octet - 0x61;
  if (octet >= 0x32 && octet <= 0x37) return octet - 0x32 + 26;
  return -1;
}
