/**
 * What became of whom: turns what happens into attempts that `explain` can tell.
 *
 * A connection that has come and done nothing is an attempt as well ("no AUTH seen"), until something better is known
 * of it. A message that could not go on was sent by somebody: so what became of a dial is kept by next hop, and told to
 * those whose sessions exchange messages with it.
 */
import type { ConnectionEnd, DialFailure, Fault, Happening, Hop, Peer } from "../../core/mod.ts";
import { faults } from "../../core/mod.ts";
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

export class Journal {
  readonly #attempts = new Attempts();
  /** As many as there are connections. */
  readonly #open = new Map<number, Known>();

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
      case "authRefused": {
        const { fault, connection, peer, user, domain } = happening;
        const words = faultWords(fault, domain === undefined ? "" : `AUTH for ${user ?? "a user"} at ${domain}`);
        this.#add({ address: peer.address, user, domain }, fault, words, at, connection);
        return;
      }
      case "sessionStarted": {
        const { connection, peer, user, domain, listener, expiresSeconds } = happening;
        const known = this.#open.get(connection);
        if (known !== undefined) Object.assign(known, { user, domain });
        const text = `AUTH succeeded${listener === undefined ? "" : ` on listener ${listener}`}, for ${expiresSeconds} s`;
        this.#add({ address: peer.address, user, domain }, "OK", { text }, at, connection);
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
        // Those of AUTH have been told with the name of the user.
        if (!isOfAuth(happening.fault)) this.#faulted(happening.connection, happening.peer, happening, at);
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
    this.#add({ address: peer.address }, "HUNG_UP", words, at, connection, known);
  }

  #dialFailed(to: Hop, why: DialFailure, detail: string, at: number): void {
    const hop = hopName(to);
    this.#add({ hop }, why, dialWords(why, hop, detail), at);
  }

  #faulted(connection: number, peer: Peer, { fault, detail }: { fault: Fault; detail: string }, at: number): void {
    const { user, domain } = this.#open.get(connection) ?? {};
    this.#add({ address: peer.address, user, domain }, fault, faultWords(fault, detail), at, connection);
  }

  /** @param connection  whose arrival this says more of */
  #add(
    subjects: Subjects,
    code: string,
    words: Words,
    at: number,
    connection?: number,
    known = connection === undefined ? undefined : this.#open.get(connection),
  ): Explanation {
    const { address, hop, user, domain } = subjects;
    const attempt: Explanation = {
      at,
      address: address ?? hop ?? "",
      ...(user !== undefined && { user }),
      ...(domain !== undefined && { domain }),
      code,
      ...words,
    };
    this.#attempts.add(subjects, attempt, known?.arrival);
    return attempt;
  }
}

/** As session peers are written. */
function hopName({ host, port }: Hop): string {
  return port === 0 ? host : authority(host, port);
}

/** Core tells these as `authRefused` as well. */
function isOfAuth(fault: Fault): boolean {
  return fault in faults && (/^(?:AUTH|EXPIRES)/.test(fault) || fault === "TOO_MANY_SESSIONS" || fault === "DRAINING");
}
