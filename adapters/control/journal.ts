/**
 * What became of whom: turns what happens into attempts that `explain` can tell.
 *
 * A connection that has come and done nothing is an attempt as well ("no AUTH seen"), until something better is known
 * of it. A message that could not go on was sent by somebody: so what became of a dial is kept by next hop, and told to
 * those whose sessions exchange messages with it.
 */
import type { ConnectionEnd, DialFailure, Fault, Happening, Hop, Peer } from "../../core/mod.ts";
import { authority } from "../shared/address.ts";
import type { Refusal } from "../shared/runtime.ts";
import { dialWords, endWords, faultWords, refusalWords, type Words } from "./advice.ts";
import { Attempts, type Subjects } from "./attempts.ts";
import type { Explanation } from "./control.ts";

/** What is known of a connection that is open. */
interface Known {
  readonly arrival: Explanation;
  user?: string;
  domain?: string;
}

/** A fault as it was told last. */
interface Told {
  readonly connection: number;
  readonly fault: Fault;
  /** With the name of a user; core tells most refusals of AUTH in both ways, in either order. */
  readonly ofAuth: boolean;
  readonly attempt: Explanation;
}

export class Journal {
  readonly #attempts = new Attempts();
  /** As many as there are connections. */
  readonly #open = new Map<number, Known>();
  #told: Told | undefined;

  about(of: { readonly user?: string; readonly address?: string }, peers: readonly string[]): Explanation[] {
    // A path of several hops has spaces between them, and the first is who we would dial.
    return this.#attempts.about(of, [...new Set(peers.flatMap((path) => path.split(" ")))]);
  }

  refused(why: Refusal, listener: string, address: string, detail: string, at: number): void {
    this.#add({ address }, why, refusalWords(why, listener, detail), at);
  }

  happened(happening: Happening, detail: string, at: number): void {
    switch (happening.type) {
      case "connectionOpened":
        return this.#opened(happening.connection, happening.peer, happening.listener, at);
      case "connectionDialed": {
        const hop = hopName(happening.hop);
        this.#add({ hop }, "OK", { text: `connected to ${hop} at ${happening.peer.address}` }, at);
        return;
      }
      case "connectionClosed":
        return this.#closed(happening.connection, happening.peer, happening.why, at);
      case "dialFailed":
        return this.#dialFailed(happening.hop, happening.why, detail, at);
      case "authRefused":
        return this.#refusedAuth(happening, at);
      case "sessionStarted": {
        const { connection, peer, user, domain, listener, expiresSeconds } = happening;
        const known = this.#open.get(connection);
        if (known !== undefined) Object.assign(known, { user, domain });
        const text = `AUTH succeeded${listener === undefined ? "" : ` on listener ${listener}`}, for ${expiresSeconds} s`;
        this.#add({ address: peer.address, user, domain }, "OK", { text }, at, known?.arrival);
        return;
      }
      case "sessionEnded": {
        const { peer, user, domain, why, fault, peers } = happening;
        this.#attempts.inherit({ user, domain }, [...new Set(peers.flatMap((path) => path.split(" ")))]);
        const words = endWords(why, fault);
        this.#add({ address: peer.address, user, domain }, fault ?? why, words, at);
        return;
      }
      case "fault":
        return this.#faulted(happening.connection, happening.peer, happening, at);
    }
  }

  #opened(connection: number, peer: Peer, listener: string, at: number): void {
    const words: Words = {
      text: `connected to listener ${listener} and has not authenticated`,
      advice:
        "If that is all there is, the client sent no AUTH: it may be meant to reach one of our clients, or has no relay account.",
    };
    this.#open.set(connection, { arrival: this.#add({ address: peer.address }, "CONNECTED", words, at) });
  }

  #closed(connection: number, peer: Peer, why: ConnectionEnd, at: number): void {
    const known = this.#open.get(connection);
    this.#open.delete(connection);
    // A fault has been told by itself, and a session that ended with it as well.
    if (known === undefined || known.user !== undefined || why !== "PEER") return;
    const words: Words = {
      text: "connected and hung up without a session",
      advice: "A port check does that, and a client that refuses our certificate or our realm.",
    };
    this.#add({ address: peer.address }, "HUNG_UP", words, at, known.arrival);
  }

  #dialFailed(to: Hop, why: DialFailure, detail: string, at: number): void {
    const hop = hopName(to);
    this.#add({ hop }, why, dialWords(why, hop, detail), at);
  }

  #refusedAuth(refused: Extract<Happening, { readonly type: "authRefused" }>, at: number): void {
    const { fault, connection, peer, user, domain } = refused;
    const words = faultWords(fault, domain === undefined ? "" : `AUTH for ${user ?? "a user"} at ${domain}`);
    const before = this.#toldJustNow(connection, fault, false)?.attempt ?? this.#open.get(connection)?.arrival;
    const attempt = this.#add({ address: peer.address, user, domain }, fault, words, at, before);
    this.#told = { connection, fault, ofAuth: true, attempt };
  }

  #faulted(connection: number, peer: Peer, { fault, detail }: { fault: Fault; detail: string }, at: number): void {
    if (this.#toldJustNow(connection, fault, true) !== undefined) return;
    const known = this.#open.get(connection);
    const { user, domain } = known ?? {};
    const subjects = { address: peer.address, user, domain };
    const attempt = this.#add(subjects, fault, faultWords(fault, detail), at, known?.arrival);
    this.#told = { connection, fault, ofAuth: false, attempt };
  }

  #toldJustNow(connection: number, fault: Fault, ofAuth: boolean): Told | undefined {
    const told = this.#told;
    return told?.connection === connection && told.fault === fault && told.ofAuth === ofAuth ? told : undefined;
  }

  /** @param instead  what was told before, and is worth nothing beside this */
  #add(subjects: Subjects, code: string, words: Words, at: number, instead?: Explanation): Explanation {
    const { address, hop, user, domain } = subjects;
    const attempt: Explanation = {
      at,
      address: address ?? hop ?? "",
      ...(user !== undefined && { user }),
      ...(domain !== undefined && { domain }),
      code,
      ...words,
    };
    this.#attempts.add(subjects, attempt, instead);
    return attempt;
  }
}

/** As session peers are written. */
function hopName({ host, port }: Hop): string {
  if (port !== 0) return authority(host, port);
  return host.includes(":") ? `[${host}]` : host;
}
