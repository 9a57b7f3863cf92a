/**
 * One random afternoon on a random network: relays, clients, messages, and whatever can befall them. What must hold
 * afterwards is at the end of the file.
 */
import { HIGH_WATER } from "../../core/forwarding/back-pressure.ts";
import type { Traffic } from "../../core/mod.ts";
import { octets, SimNetwork } from "../support/sim-network.ts";
import { Dice } from "../support/sim/dice.ts";
import type { Entry } from "../support/sim/ledger.ts";
import type { RawClient } from "../support/sim/raw-client.ts";
import type { SendOptions, SimClient, Talk } from "../support/sim/sim-client.ts";
import { recordsOf, wrongRecords } from "../support/sim/records.ts";
import type { SimRelay } from "../support/sim/sim-relay.ts";
import { insider, insiders, type Scene, stranger, strangers } from "../support/sim/vandals.ts";

/** How long things happen, and how long everybody is then given to find out what became of them. */
const ACTIVE = 30_000;
const AFTERWARDS = 400_000;
const IDLE_SECONDS = 2000;
/** How fast some relays let users, and all together, send. */
const PACE = { bytesPerSecond: 300_000, bytesPerSecondPerDomain: 200_000, bytesPerSecondPerUser: 100_000 };
const MOST_RECONNECTS = 3;

/** One read of one sender: what may come on top of the high mark, heads of small chunks included. */
const ONE_READ = 2 * 64 * 1024;

/** What a run has seen, for statistics. */
export interface Findings {
  messages: number;
  arrived: number;
  failed: number;
  /** Losses nobody was told of, which only a lost connection between relays excuses. */
  silent: number;
  peak: number;
}

export function randomRun(seed: number): Findings {
  return new RandomRun(seed).run();
}

class RandomRun {
  readonly net: SimNetwork;
  readonly dice: Dice;
  /** Has dice of its own, so that what the others do in a run stays what it was. */
  readonly operator: Dice;
  readonly relays: SimRelay[];
  readonly homes: Map<SimClient, SimRelay>;
  readonly vandals: RawClient[];
  /** Nothing goes wrong in this run, so everything must arrive. */
  readonly calm: boolean;
  /** Connections between relays may be lost. */
  readonly betweenRelays: boolean;
  readonly #options: Map<Entry, SendOptions>;
  readonly #reconnects: Map<SimClient, number>;

  constructor(seed: number) {
    const dice = new Dice(seed ^ 0x5eed);
    this.dice = dice;
    this.operator = new Dice(seed ^ 0x5ee17);
    const buffer = dice.pick([4, 16, 64, 256]) * 1024;
    this.net = new SimNetwork({
      seed,
      latency: [0, dice.pick([1, 20, 150])],
      cutAnywhere: dice.chance(0.8),
      bandwidth: [dice.pick([50, 1000, 100_000]), 100_000],
      buffer: [buffer, 2 * buffer],
    });
    this.calm = dice.chance(0.25);
    this.betweenRelays = !this.calm && dice.chance(0.3);
    const paced = new Dice(seed ^ 0x9ace).chance(0.3);
    this.relays = ["r1", "r2"].slice(0, dice.chance(0.4) ? 2 : 1).map((name) =>
      this.net.relay(`${name}.example.com`, {
        chunkBytes: dice.chance(0.25) ? dice.between(500, 20_000) : 0,
        limits: { idleSeconds: IDLE_SECONDS, ...(paced && PACE) },
      }),
    );
    this.homes = new Map();
    for (let i = dice.between(2, 6); i > 0; i--) this.homes.set(this.net.client(`c${i}`), dice.pick(this.relays));
    this.vandals = [];
    this.#options = new Map();
    this.#reconnects = new Map();
  }

  run(): Findings {
    const { dice, net } = this;
    for (let i = dice.between(1, 5); i > 0; i--) this.#conversation();
    if (!this.calm) {
      for (const client of net.clients) client.onEnded = () => this.#comeBack(client);
      for (let i = dice.between(0, 6); i > 0; i--) this.#sometime(() => this.#trouble());
      if (dice.chance(0.4)) for (let i = dice.between(1, 3); i > 0; i--) this.#sometime(() => this.#vandal(i));
    }
    if (!this.calm && this.operator.chance(0.2)) for (let i = 0; i < 3; i++) this.#sometimeOperator();
    net.advance(ACTIVE + AFTERWARDS);
    const silent = this.#judge();
    this.#everybodyLeaves();
    const entries = [...net.ledger.entries.values()];
    return {
      messages: entries.length,
      arrived: entries.filter(({ arrived }) => arrived.length > 0).length,
      failed: entries.filter(({ tries }) => tries.at(-1)?.message.state === "failed").length,
      silent,
      peak: Math.max(...this.relays.map(({ peak }) => peak.connection)),
    };
  }

  #sometime(what: () => void): void {
    this.net.clock.in(this.dice.between(0, ACTIVE), what);
  }

  // ---- talk ----

  #conversation(): void {
    const { dice } = this;
    const a = dice.pick(this.net.clients);
    const b = dice.pick(this.net.clients.filter((client) => client !== a));
    const count = dice.between(1, 6);
    this.net.clock.in(dice.between(0, 5000), () =>
      this.net.meet(a, this.#home(a), b, this.#home(b), (ofA, ofB) => {
        for (let i = 0; i < count; i++) {
          this.net.clock.in(dice.between(0, 20_000), () =>
            dice.chance(0.5) ? this.#say(a, b, ofA) : this.#say(b, a, ofB),
          );
        }
      }),
    );
  }

  #say(from: SimClient, to: SimClient | string, talk: Talk | undefined): void {
    if (talk?.presence.over === true) return;
    const { dice } = this;
    const options: SendOptions = {
      failureReport: dice.pick(["yes", "yes", "yes", "yes", "partial", "no"] as const),
      successReport: dice.chance(0.4),
      ...(dice.chance(0.25) && { chunkOctets: dice.between(100, 5000) }),
      stream: dice.chance(0.5),
      openEnd: dice.chance(0.5),
    };
    const entry = from.send(to, octets(size(dice), dice.between(0, 500_000)), options);
    this.#options.set(entry, options);
  }

  #home(client: SimClient): SimRelay {
    return this.homes.get(client) as SimRelay;
  }

  // ---- trouble ----

  #trouble(): void {
    const { dice, net } = this;
    const wires = net.wires.filter(({ wire, from }) => !wire.lost && (this.betweenRelays || !net.relays.has(from)));
    if (wires.length === 0) return;
    const { wire } = dice.pick(wires);
    const pipe = dice.pick(wire.pipes);
    const kind = dice.share();
    if (kind < 0.35) pipe.cutAt = pipe.delivered + dice.between(0, dice.pick([50, 5000, 100_000]));
    else if (kind < 0.5) wire.lose();
    else if (kind < 0.55) wire.sever();
    else if (kind < 0.75) wire.stall(dice.between(100, dice.pick([3000, 35_000, 130_000])));
    else if (kind < 0.95) pipe.stall(dice.between(100, dice.pick([3000, 35_000, 130_000])));
    else {
      const client = dice.pick(net.clients);
      this.#reconnects.set(client, MOST_RECONNECTS);
      client.leave();
    }
  }

  /** A client whose connection is lost connects again, and resumes with everybody what did not arrive. */
  #comeBack(client: SimClient): void {
    const { net, dice } = this;
    const times = this.#reconnects.get(client) ?? 0;
    if (times >= MOST_RECONNECTS) return;
    this.#reconnects.set(client, times + 1);
    net.clock.in(dice.between(10, 3000), () => {
      for (const name of [...client.talks.keys()]) {
        const peer = net.clients.find((other) => other.name === name);
        if (peer === undefined) continue;
        net.meet(client, this.#home(client), peer, this.#home(peer), () => {
          this.#resume(client, peer);
          this.#resume(peer, client);
        });
      }
    });
  }

  #resume(from: SimClient, to: SimClient): void {
    for (const entry of this.net.ledger.entries.values()) {
      if (entry.from !== from || entry.to !== to) continue;
      const last = entry.tries.at(-1);
      if (last === undefined || last.message.state === "delivered") continue;
      if (last.message.state === "failed" || last.ended()) from.try(entry, to.name, this.#options.get(entry));
    }
  }

  #vandal(number: number): void {
    const { dice, net } = this;
    const scene: Scene = {
      net,
      relay: dice.pick(this.relays),
      dice: dice.fork(),
      leaked: () =>
        net.clients.flatMap((client) =>
          [...client.talks.values()].map(({ session }) => session.toPath.split(" ")[0] as string),
        ),
    };
    const name = `vandal${number}`;
    if (dice.chance(0.5)) {
      this.vandals.push(stranger(name, dice.pick(Object.keys(strangers)), scene));
      return;
    }
    const victim = dice.pick(net.clients);
    const kind = dice.pick(Object.keys(insiders));
    const vandal = insider(name, kind, scene, victim, this.#home(victim), () => {
      for (let i = dice.between(1, 3); i > 0; i--) this.#say(victim, name, victim.talks.get(name));
    });
    this.vandals.push(vandal);
  }

  /** An operator looks at a relay, follows a session, ends one, or closes a connection. */
  #sometimeOperator(): void {
    const { operator, net } = this;
    const relay = operator.pick(this.relays);
    net.clock.in(operator.between(0, ACTIVE), () =>
      relay.driver.turn((now) => {
        const { core } = relay;
        const [sessions, connections] = [core.sessionsNow(), core.connectionsNow()];
        const session = sessions.length === 0 ? undefined : operator.pick(sessions);
        // Between relays a connection may be lost only where that is foreseen.
        const clients = connections.filter((connection) => connection.sessions > 0);
        const kind = operator.share();
        if (kind < 0.5 && session !== undefined) core.endSession(session.session, now);
        else if (kind < 0.7 && clients.length > 0) core.endConnection(operator.pick(clients).connection, now);
        else if (session !== undefined) core.trace(session.session, ({ head }) => this.#traced(head));
      }),
    );
  }

  #traced(head: string): void {
    if (/[a-z2-7]{26};/.test(head)) this.#fail(`a trace tells a session-id:\n${head}`);
    if (!/^MSRP (\S+) [^]*\r\n-------\1[$#+]\r\n$/.test(head)) this.#fail(`a trace tells half a head:\n${head}`);
  }

  // ---- what must hold ----

  /** @returns how many messages were lost in silence, where that is excused */
  #judge(): number {
    const { net } = this;
    net.check();
    const [invented] = net.ledger.invented();
    if (invented !== undefined) this.#fail(invented);
    const silent = net.ledger.lostInSilence();
    // A REPORT is never answered (RFC 4975 §7.1.2), so one that dies with a connection between relays is gone.
    const excused = this.betweenRelays && this.relays.length > 1;
    if (silent.length > 0 && !excused) this.#fail(silent[0] as string);
    for (const { id, arrived, to, tries } of net.ledger.entries.values()) {
      if (!this.calm || to === undefined) continue;
      const state = tries[0]?.message.state;
      if (arrived.length !== 1) this.#fail(`${id} arrived ${arrived.length} times on a calm day (${state})`);
      const { successReport, failureReport } = tries[0]?.message ?? {};
      const expected = successReport === true ? "delivered" : failureReport === "yes" ? "accepted" : "sent";
      if (state !== expected) this.#fail(`${id} is ${state} on a calm day, and should be ${expected}`);
    }
    for (const relay of this.relays) {
      // Every connection takes part: those of clients that came back as well.
      const most = HIGH_WATER + ONE_READ * net.wires.length;
      if (relay.peak.connection > most)
        this.#fail(`${relay.name} kept ${relay.peak.connection} octets for one connection`);
    }
    return silent.length;
  }

  #everybodyLeaves(): void {
    const { net } = this;
    for (const client of net.clients) {
      this.#reconnects.set(client, MOST_RECONNECTS);
      client.leave();
    }
    for (const vandal of this.vandals) vandal.drop();
    net.advance(1000 * IDLE_SECONDS + 400_000);
    for (const relay of this.relays) {
      const left = relay.leftovers();
      if (left.length > 0) this.#fail(`when everybody has left, ${relay.name} still has ${left.join(", ")}`);
      for (const wrong of wrongRecords(relay.happenings)) this.#fail(`${relay.name}: ${wrong}`);
    }
    if (this.calm) this.#audit();
  }

  /** On a calm day the records of sessions say just what their holders have sent and received. */
  #audit(): void {
    for (const client of this.net.clients) {
      const { name, received, reports } = client;
      const sent = [...this.net.ledger.entries.values()].filter(({ from }) => from === client);
      const expected = {
        bytesOut: sum(sent.map(({ octets }) => octets.length)),
        messagesOut: sent.length,
        filesOut: sent.length,
        bytesIn: sum(received.map(({ octets }) => octets)),
        messagesIn: received.length,
        filesIn: received.length,
        reportsIn: reports.length,
      };
      for (const [what, count] of Object.entries(expected)) {
        const told = this.relays.flatMap(({ happenings }) => recordsOf(happenings, name));
        const total = sum(told.map(({ traffic }) => traffic[what as keyof Traffic]));
        if (total !== count) this.#fail(`the records of ${name} have ${total} ${what}, and there were ${count}`);
      }
    }
  }

  #fail(what: string): never {
    throw new Error(`seed ${this.net.seed}: ${what}`);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Most messages are short. */
function size(dice: Dice): number {
  const kind = dice.share();
  if (kind < 0.05) return 0;
  if (kind < 0.5) return dice.between(1, 200);
  if (kind < 0.75) return dice.between(200, 5000);
  if (kind < 0.93) return dice.between(5000, 40_000);
  return dice.between(40_000, 300_000);
}
