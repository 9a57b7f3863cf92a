/**
 * `parley receive`: has a relay act for us, prints the path to send to, and takes what comes (`inbox.ts`).
 *
 * Success is reported when a file is complete and closed, not before. When our relays are lost we authenticate again: the
 * path is another then (RFC 4976 §6.3), and is printed again, and what broke off waits for its sender.
 */
import { resolve } from "node:path";
import { setInterval } from "node:timers";
import { type Authentication, sdpPath } from "../../core/mod.ts";
import { systemClock } from "../shared/clock.ts";
import type { Runtime } from "../shared/runtime.ts";
import { Client, clientFlags, type GivenRelays, givenRelays } from "./client.ts";
import type { Command, Given } from "./command.ts";
import { givenUri } from "./hop.ts";
import { Inbox } from "./inbox.ts";
import { pathFileFlag, pathFileOf, removePath, writePath } from "./path-file.ts";
import { Patience, retryFlag } from "./patience.ts";
import { shellWord } from "./shell-word.ts";
import { Break, type Terminal, UsageError } from "./terminal.ts";

/** Keeps the paths through NATs open, and the relay from taking us for gone. */
const KEEPALIVE_SECONDS = 120;
/** When nothing comes for so long in the middle of a message, we ask our relays whether they still know us. */
const DOUBT_MS = 5_000;

export const receive: Command = {
  name: "receive",
  usage: ["--relay URI --user NAME [--password PASSWORD] [--via URI…] [--ca FILE] [--dir DIR] [--count N]"],
  summary: "receives messages and files through a relay",
  about:
    "Prints the path to give to parley send, then waits. Files are never written over others. When a relay is lost we\n" +
    "authenticate again and print the new path; files that broke off are kept for five minutes, for their senders to go on.",
  flags: {
    relay: { value: "URI", help: "the relay that acts for us, such as 'msrps://relay.example.com:2855;tcp'" },
    ...clientFlags,
    dir: { value: "DIR", help: "where files go (the current folder)" },
    count: { value: "N", help: "ends after so many messages; otherwise when it is interrupted" },
    ...pathFileFlag("keeps the path in a file, for parley send --path-file to read"),
    ...retryFlag,
  },
  positionals: [0, 0],
  async run(given, terminal, runtime) {
    const typed = given.text("relay");
    if (typed === undefined) throw new UsageError("receive needs --relay URI");
    const relay = givenUri(typed);
    const count = countOf(given);
    const patience = Patience.given(given);
    const ours = await givenRelays(given, terminal, relay);
    if (ours.accounts.length === 0) throw new UsageError("receive needs --user NAME");
    const inbox = new Inbox(resolve(terminal.cwd, given.text("dir") ?? "."), count, terminal);
    const stay = new Stay(runtime, terminal, inbox, ours, given);
    const deaf = terminal.onStop(() => inbox.stop());
    try {
      await Promise.race([inbox.finished, persist(stay, patience, terminal)]);
    } finally {
      deaf();
      patience.stop();
      await stay.end();
      inbox.clear();
    }
    return inbox.broken === 0 ? 0 : 1;
  },
};

/** Stays with the relays, and goes back to them, until it makes no sense any more. @throws Refusal */
async function persist(stay: Stay, patience: Patience, terminal: Terminal): Promise<never> {
  for (let told = ""; ; ) {
    const before = stay.times;
    try {
      await stay.once();
    } catch (error) {
      // What does not even begin would not the second time.
      if (!(error instanceof Break) || stay.times === 0 || patience.stopped) throw error;
      if (stay.times > before) patience.renew();
      if (stay.times > before || error.message !== told) terminal.err(`${error.message}; authenticating again`);
      told = error.message;
      await stay.end();
      if (!(await patience.pause())) throw error;
    }
  }
}

/** Being known to our relays, as often as it takes. */
class Stay {
  /** How often they have let us in. */
  times: number;
  readonly #runtime: Runtime;
  readonly #terminal: Terminal;
  readonly #inbox: Inbox;
  readonly #ours: GivenRelays;
  readonly #given: Given;
  readonly #pathFile: string | undefined;
  #client: Client | undefined;

  constructor(runtime: Runtime, terminal: Terminal, inbox: Inbox, ours: GivenRelays, given: Given) {
    this.times = 0;
    this.#runtime = runtime;
    this.#terminal = terminal;
    this.#inbox = inbox;
    this.#ours = ours;
    this.#given = given;
    this.#pathFile = pathFileOf(given, terminal);
    this.#client = undefined;
  }

  /** Connects, authenticates, and takes what comes until that ends. @throws Refusal, a Break among them */
  async once(): Promise<never> {
    const inbox = this.#inbox;
    const client = await Client.connect(this.#runtime, this.#ours.hop, {
      terminal: this.#terminal,
      ca: this.#given.text("ca"),
      keepaliveSeconds: KEEPALIVE_SECONDS,
      loseWithRelays: true,
      refreshed: (authentication) => this.#show(authentication),
    });
    this.#client = client;
    const authentication = await client.authenticate(this.#ours.accounts);
    this.times += 1;
    inbox.onDoubt = () => client.probe(authentication);
    inbox.open(client, authentication.own);
    this.#show(authentication);
    const watch = setInterval(() => {
      if (inbox.tick(systemClock.now())) inbox.onDoubt();
    }, DOUBT_MS);
    try {
      return await client.during(new Promise<never>(() => {}));
    } finally {
      clearInterval(watch);
      inbox.onDoubt = () => {};
    }
  }

  async end(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
    if (this.#pathFile !== undefined) removePath(this.#pathFile);
  }

  #show({ usePath, own }: Authentication): void {
    const path = sdpPath(usePath, own);
    if (this.#pathFile !== undefined) writePath(this.#pathFile, path);
    printPath(path, this.#given, this.#terminal);
  }
}

function countOf(given: Given): number {
  const typed = given.text("count");
  if (typed === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(typed)) throw new UsageError(`--count ${typed} is no number of messages`);
  return Number(typed);
}

function printPath(path: string, given: Given, terminal: Terminal): void {
  const ca = given.text("ca");
  const trust = ca === undefined ? "" : ` --ca ${shellWord(ca)}`;
  terminal.out("To send here:");
  terminal.out(`  ${terminal.self} send ${path.split(" ").map(shellWord).join(" ")} FILE${trust}`);
}
