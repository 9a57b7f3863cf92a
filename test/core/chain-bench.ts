/**
 * The relay bench with other relays around it: peers whose certificate names them, and a `relays.names` that lists them.
 */
import { expect } from "vitest";
import { type Challenge, chooseChallenge } from "../../core/auth/challenge.ts";
import { request } from "../support/frames.ts";
import {
  type AuthSaid,
  authUri,
  type BenchPeer,
  type Changes,
  type Dial,
  type Heard,
  RelayBench,
} from "../support/relay-bench.ts";

export class ChainBench extends RelayBench {
  constructor(relayNames: readonly string[] = ["*.example.net"], changes: Changes = {}) {
    super({ ...changes, relayNames });
  }

  /** Somebody connects with a certificate for these names. */
  certified(name: string, names: readonly string[], listener = "public"): BenchPeer {
    const peer = this.connect(name, listener);
    Object.assign(peer.peer, { names });
    return peer;
  }

  /** A relay connects: `<name>.example.net`. */
  relayConnects(name: string): BenchPeer {
    return this.certified(name, [`${name}.example.net`]);
  }

  /** What a relay has to be told after its connection has ended, we dial it for. */
  override expectNothingKept(): void {
    for (const peer of this.peers) peer.end();
    super.expectNothingKept();
  }

  /** We reach a relay that we have dialed, by default the only one. */
  relayDialed(name: string, dial: Dial | undefined = this.dials[0]): BenchPeer {
    const names = [dial?.hop.host ?? ""];
    const peer = this.dialed(name, dial);
    Object.assign(peer.peer, { names });
    return peer;
  }
}

/** A URI that a relay has handed out to a client of its own. */
export function leaseOf(relay: string, session: string, port = 2855): string {
  return `msrps://${relay}.example.net:${port}/${session};tcp`;
}

/** The challenge that comes for an AUTH with this From-Path. */
export function challengeThrough(peer: BenchPeer, from: readonly string[]): Challenge {
  peer.say(request("auth1", "AUTH", { to: [authUri], from }));
  const answer = peer.only();
  expect([answer.what, answer.to, answer.from]).toEqual(["401", from, [authUri]]);
  return chooseChallenge(answer.values("WWW-Authenticate"), { password: "secret" }) as Challenge;
}

/** An AUTH that comes through the relays of this From-Path, challenge and all; the answer to it. */
export function authThrough(peer: BenchPeer, from: readonly string[], said: AuthSaid = { expires: 100 }): Heard {
  const challenge = challengeThrough(peer, from);
  peer.say(peer.proof(challenge, said).replace(/^From-Path: .*\r$/m, `From-Path: ${from.join(" ")}\r`));
  const answer = peer.only();
  expect(answer.to).toEqual(from);
  return answer;
}

/** The URI of ours in an answer to AUTH: the last of Use-Path. */
export function ours(answer: Heard): string {
  return answer.header("Use-Path")?.split(" ").at(-1) ?? "";
}
