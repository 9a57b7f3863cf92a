/**
 * What was sent on a network, to whom, and what became of it. Everybody who receives something holds it against this:
 * the right octets, in order, once, and at the right place.
 */
import type { FailureReport, OutgoingMessage, Session } from "../../../core/mod.ts";
import type { SimClient } from "./sim-client.ts";

/** A message as its sender means it; it may take several tries. */
export interface Entry {
  readonly id: string;
  readonly from: SimClient;
  /** Undefined when it is for somebody who keeps no accounts. */
  readonly to: SimClient | undefined;
  readonly octets: Uint8Array;
  readonly failureReport: FailureReport;
  readonly tries: Try[];
  /** In which sessions of the receiver it arrived whole. */
  readonly arrived: Session[];
}

export interface Try {
  readonly message: OutgoingMessage;
  /** How many octets the application has given, where it gives them bit by bit. */
  given: number;
  /** The sender's connection of this try has ended, so it knows that it knows nothing. */
  readonly ended: () => boolean;
}

/** A message that comes in on one session. */
interface Arrival {
  readonly entry: Entry;
  next: number;
}

export class Ledger {
  readonly entries: Map<string, Entry>;
  /** What must not happen, and did. */
  readonly wrongs: string[];
  readonly #arrivals: WeakMap<Session, Map<string, Arrival>>;
  /** 1 for each octet that has come, in whatever session. */
  readonly #seen: WeakMap<Entry, Uint8Array>;
  #ids: number;

  constructor() {
    this.entries = new Map();
    this.wrongs = [];
    this.#arrivals = new WeakMap();
    this.#seen = new WeakMap();
    this.#ids = 0;
  }

  newId(): string {
    return `message.${++this.#ids}`;
  }

  /** Octets of a message have come: are they the ones that are due? */
  octets(at: SimClient, session: Session, id: string, position: number, octets: Uint8Array): void {
    const arrival = this.#arrival(at, session, id);
    if (arrival === undefined) return;
    const { entry } = arrival;
    // A gap is no fault as such: what lay in it was lost with some connection, and the sender is told. But once the gap
    // has been passed, nothing may come that belongs before it.
    if (position < arrival.next) {
      this.wrong(
        `${id}: octet ${position} comes at ${at.name} when ${arrival.next} octets had come or been passed over`,
      );
    }
    for (let i = 0; i < octets.length; i++) {
      if (octets[i] === entry.octets[position + i]) continue;
      this.wrong(`${id}: octet ${position + i} arrives changed at ${at.name}`);
      break;
    }
    arrival.next = position + octets.length;
    const seen = this.#seen.get(entry) ?? new Uint8Array(entry.octets.length);
    this.#seen.set(entry, seen.fill(1, position, arrival.next));
  }

  /** A message is said to be complete. */
  complete(at: SimClient, session: Session, id: string): void {
    const arrival = this.#arrival(at, session, id);
    if (arrival === undefined) return;
    const { entry, next } = arrival;
    if (next !== entry.octets.length)
      this.wrong(`${id}: complete at ${at.name} with ${next} of ${entry.octets.length} octets`);
    const missing = this.#seen.get(entry)?.indexOf(0) ?? -1;
    if (missing >= 0) this.wrong(`${id}: complete at ${at.name}, and octet ${missing} has never come there`);
    if (entry.arrived.includes(session)) this.wrong(`${id}: complete twice in one session at ${at.name}`);
    entry.arrived.push(session);
  }

  /** Messages of which nobody knows what became of them, in words. */
  lostInSilence(): string[] {
    const lost: string[] = [];
    for (const { id, from, to, octets, failureReport, tries, arrived } of this.entries.values()) {
      if (failureReport !== "yes" || tries.length === 0) continue;
      const told = tries.some(
        ({ message, ended }) => message.state === "failed" || message.state === "aborted" || ended(),
      );
      if (told || (to === undefined ? tries.at(-1)?.message.state === "accepted" : arrived.length > 0)) continue;
      const state = tries.at(-1)?.message.state;
      lost.push(
        `${id}: ${octets.length} octets from ${from.name} to ${to?.name ?? "a vandal"} are lost in silence (${state})`,
      );
    }
    return lost;
  }

  /** Successes that were reported and did not happen, in words. */
  invented(): string[] {
    const invented: string[] = [];
    for (const { id, to, tries, arrived } of this.entries.values()) {
      const delivered = tries.some(({ message }) => message.state === "delivered");
      if (delivered && to !== undefined && arrived.length === 0)
        invented.push(`${id}: reported as delivered, and was not`);
    }
    return invented;
  }

  wrong(what: string): void {
    this.wrongs.push(what);
  }

  #arrival(at: SimClient, session: Session, id: string): Arrival | undefined {
    const entry = this.entries.get(id);
    // Vandals may say what they like to those they may speak to.
    if (entry === undefined) {
      if (!id.startsWith("vandal")) this.wrong(`${id}: nobody has sent this, and it arrives at ${at.name}`);
      return undefined;
    }
    if (entry.to !== at) {
      this.wrong(`${id}: for ${entry.to?.name ?? "a vandal"}, and arrives at ${at.name}`);
      return undefined;
    }
    let bySession = this.#arrivals.get(session);
    if (bySession === undefined) this.#arrivals.set(session, (bySession = new Map()));
    let arrival = bySession.get(id);
    if (arrival === undefined) bySession.set(id, (arrival = { entry, next: 0 }));
    return arrival;
  }
}
