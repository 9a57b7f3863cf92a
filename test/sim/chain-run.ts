/**
 * Two clients at the ends of a chain of relays talk to each other, and somewhere something is cut: a connection in the
 * middle of a frame, a cable, or a relay as a whole. Whoever hears of a failure authenticates again, along the whole
 * chain, and sends once more what has not been delivered. What must hold then is at the end of the file.
 */
import { octets } from "../support/sim-network.ts";
import { Dice } from "../support/sim/dice.ts";
import type { Entry } from "../support/sim/ledger.ts";
import { wrongRecords } from "../support/sim/records.ts";
import type { SendOptions } from "../support/sim/sim-client.ts";
import { type ChainClient, ChainNetwork, EXPIRES_SECONDS, IDLE_SECONDS } from "./chain-network.ts";

const ACTIVE = 4_000;
/** Long enough to find out about a cable that was cut (two minutes), and to come back from it. */
const AFTERWARDS = 400_000;

export interface ChainFindings {
  readonly relays: number;
  readonly cuts: number;
  messages: number;
  /** Those that needed more than one try. */
  resumed: number;
  /** Of these, how many went on behind what the receiver had confirmed. */
  midway: number;
  /** Lost, and nobody was told. */
  silent: number;
}

export class ChainRun {
  readonly net: ChainNetwork;
  readonly dice: Dice;
  readonly pairs: (readonly [ChainClient, ChainClient])[];
  readonly cuts: number;
  /** A relay has died. */
  #killed: boolean;
  readonly #options: Map<Entry, SendOptions>;
  /** Pairs that are on their way to a new session, and since when. */
  readonly #meeting: Map<ChainClient, number>;

  constructor(seed: number) {
    const dice = new Dice(seed ^ 0xc4a1);
    this.dice = dice;
    const relays = dice.pick([3, 3, 5]);
    this.net = new ChainNetwork({
      seed,
      relays,
      hers: dice.between(1, relays - 1),
      portless: dice.chance(0.3),
      latency: [1, dice.pick([2, 30])],
      cutAnywhere: dice.chance(0.4),
      bandwidth: [dice.pick([500, 12_500]), 12_500],
      buffer: [8 * 1024, 128 * 1024],
    });
    this.cuts = dice.chance(0.7) ? 1 : dice.between(2, 4);
    const names = dice.chance(0.4) ? ["", "2"] : [""];
    this.pairs = names.map((x) => [this.net.person(`alice${x}`, "alice"), this.net.person(`bob${x}`, "bob")] as const);
    this.#killed = false;
    this.#options = new Map();
    this.#meeting = new Map();
  }

  run(): ChainFindings {
    const { net, dice } = this;
    for (const pair of this.pairs) {
      const [alice, bob] = pair;
      alice.onEnded = bob.onEnded = () => this.#comeBack(pair);
      this.#meet(pair, () => {
        for (let i = dice.between(2, 6); i > 0; i--) {
          const [from, to] = dice.chance(0.5) ? [alice, bob] : [bob, alice];
          net.clock.in(dice.between(0, ACTIVE / 2), () => this.#say(from, to));
        }
      });
    }
    for (let i = 0; i < this.cuts; i++) net.clock.in(dice.between(0, ACTIVE), () => this.#cut());
    net.advance(ACTIVE);
    const end = net.clock.time + AFTERWARDS;
    // Applications look now and then whether something has failed.
    while (net.clock.time < end) {
      net.advance(1000);
      const failed = this.pairs.filter((pair) => this.#unfinished(pair).some((entry) => hasFailed(entry)));
      for (const pair of failed) this.#comeBack(pair);
      if (failed.length === 0 && net.clock.quiet) net.advance(Math.min(10_000, end - net.clock.time));
    }
    return this.#judge();
  }

  // ---- talk ----

  /** Both authenticate along all their relays, tell each other, and resume. */
  #meet(pair: readonly [ChainClient, ChainClient], then: () => void = () => {}): void {
    const { net } = this;
    const [alice, bob] = pair;
    this.#meeting.set(alice, net.clock.time);
    net.meet(alice, net.relayAt(0), bob, net.relayAt(net.names.length - 1), () => {
      this.#meeting.delete(alice);
      for (const entry of this.#unfinished(pair)) {
        if (entry.to !== undefined) entry.from.try(entry, entry.to.name, this.#options.get(entry));
      }
      then();
    });
  }

  #comeBack(pair: readonly [ChainClient, ChainClient]): void {
    const { net, dice } = this;
    const [alice] = pair;
    const since = this.#meeting.get(alice);
    // What was asked for on a way that broke is not answered; after half a minute nobody waits any more.
    if (since !== undefined && net.clock.time - since < 40_000) return;
    this.#meeting.set(alice, net.clock.time);
    net.clock.in(dice.between(10, 2000), () => this.#meet(pair));
  }

  #say(from: ChainClient, to: ChainClient): void {
    const { dice } = this;
    const options: SendOptions = {
      successReport: dice.chance(0.6),
      ...(dice.chance(0.25) && { chunkOctets: dice.between(200, 5000) }),
      stream: dice.chance(0.3),
      openEnd: dice.chance(0.3),
    };
    const length = dice.chance(0.7) ? dice.between(1, 3000) : dice.between(3000, 80_000);
    const entry = from.send(to, octets(length, dice.between(0, 500_000)), options);
    this.#options.set(entry, options);
  }

  /** What has been sent between two people and not arrived, as far as its sender can know. */
  #unfinished([alice, bob]: readonly [ChainClient, ChainClient]): Entry[] {
    return [...this.net.ledger.entries.values()].filter((entry) => {
      if (entry.from !== alice && entry.from !== bob) return false;
      const last = entry.tries.at(-1);
      if (last === undefined) return true; // there was no session just then
      const { state } = last.message;
      return state === "failed" || (last.ended() && state !== "delivered");
    });
  }

  // ---- cuts ----

  /** Cuts at some point of the chain: one of its connections, or one of its relays. */
  #cut(): void {
    const { dice, net } = this;
    const at = dice.between(0, net.names.length);
    if (dice.chance(0.15) && at < net.names.length) {
      this.#killed = true;
      return net.kill(net.names[at] as string);
    }
    const ends = (index: number): string[] => {
      if (index < 0) return this.pairs.map(([alice]) => alice.name);
      return index === net.names.length ? this.pairs.map(([, bob]) => bob.name) : [net.names[index] as string];
    };
    const wires = ends(at - 1).flatMap((a) => ends(at).flatMap((b) => net.between(a, b)));
    if (wires.length === 0) return;
    const wire = dice.pick(wires);
    const kind = dice.share();
    if (kind < 0.7) {
      const pipe = dice.pick(wire.pipes);
      pipe.cutAt = pipe.delivered + dice.between(0, dice.pick([40, 1000, 50_000]));
    } else if (kind < 0.9) wire.lose();
    else wire.sever();
  }

  // ---- what must hold ----

  #judge(): ChainFindings {
    const { net } = this;
    net.check();
    const [invented] = net.ledger.invented();
    if (invented !== undefined) this.#fail(invented);
    const entries = [...net.ledger.entries.values()];
    let silent = 0;
    for (const { id, arrived, from, to, tries } of entries) {
      if (arrived.length > 0) continue;
      const last = tries.at(-1);
      const how = `${tries.length} tries, ${last?.message.state} ${JSON.stringify(last?.message.failure)}`;
      // A REPORT is never answered (RFC 4975 §7.1.2), so a second cut may have it; and a relay that dies takes with it
      // what it has said 200 to. Whoever must know asks for a success report.
      const excused = (this.cuts > 1 || this.#killed) && last?.message.state === "accepted";
      if (!excused) this.#fail(`${id} from ${from.name} to ${to?.name} has not arrived in the end (${how})`);
      silent++;
    }
    this.#everybodyLeaves();
    const resumed = entries.filter(({ tries }) => tries.length > 1).length;
    const midway = entries.filter(({ tries }) => tries.some(({ message }) => message.from > 0)).length;
    return { relays: net.names.length, cuts: this.cuts, messages: entries.length, resumed, midway, silent };
  }

  #everybodyLeaves(): void {
    const { net } = this;
    for (const client of net.clients) {
      client.onEnded = undefined;
      client.leave();
    }
    net.advance(1000 * (EXPIRES_SECONDS + IDLE_SECONDS) + 1_000_000);
    for (const relay of net.relays.values()) {
      const left = relay.leftovers();
      if (left.length > 0) this.#fail(`when everybody has left, ${relay.name} still has ${left.join(", ")}`);
      for (const wrong of wrongRecords(relay.happenings)) this.#fail(`${relay.name}: ${wrong}`);
    }
  }

  #fail(what: string): never {
    throw new Error(`seed ${this.net.seed}: ${what}`);
  }
}

function hasFailed({ tries }: Entry): boolean {
  const last = tries.at(-1);
  return last === undefined || last.message.state === "failed" || (last.ended() && last.message.state !== "delivered");
}
