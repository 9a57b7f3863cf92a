/** `parley send`: a message or a file along a path of URIs, as `parley receive` prints it. */
import type { OutgoingMessage, Session } from "../../core/mod.ts";
import { Client, clientFlags, givenRelays, whyFailed } from "./client.ts";
import type { Command, Given } from "./command.ts";
import { givenUri } from "./hop.ts";
import { Later } from "./later.ts";
import { ProgressBar, size } from "./progress-bar.ts";
import { openSource, type Source } from "./source.ts";
import { Refusal, type Terminal, UsageError } from "./terminal.ts";

/** How long we wait for the peer to say that all has arrived, once the relay has it. */
const REPORT_PATIENCE = 30_000;

export const send: Command = {
  name: "send",
  usage: ["URI… FILE", "URI… --text MESSAGE"],
  summary: "sends a message or a file through relays",
  about:
    "URI… is the path that parley receive prints. Without --relay we connect to its first URI; with --relay, --user and\n" +
    "--password to a relay of our own.",
  flags: {
    ...clientFlags,
    relay: { value: "URI", help: "the relay that acts for us" },
    text: { value: "MESSAGE", help: "a message instead of a file" },
    type: { value: "TYPE", help: "its Content-Type (application/octet-stream, or text/plain for a message)" },
    chunk: { value: "OCTETS", help: "cut it into chunks of this size; as few as possible otherwise" },
  },
  positionals: [1, 64],
  async run(given, terminal, runtime) {
    const { path, first } = pathOf(given);
    const chunkOctets = chunkSize(given);
    const relay = given.text("relay") === undefined ? undefined : givenUri(given.text("relay") ?? "");
    if (relay === undefined && given.all("via").length > 0) throw new UsageError("--via needs --relay");
    const source = openSource(given, terminal);
    const ours = relay === undefined ? undefined : await givenRelays(given, terminal, relay);
    if (ours?.accounts.length === 0) throw new UsageError("--relay needs --user");
    const client = await Client.connect(runtime, (ours ?? first).hop, { terminal, ca: given.text("ca") });
    const interrupted = new Later<void>();
    const deaf = terminal.onStop(() => interrupted.reject(new Refusal("interrupted")));
    try {
      const authentication = ours === undefined ? undefined : await client.authenticate(ours.accounts);
      const route = authentication === undefined ? {} : { own: authentication.own, usePath: authentication.usePath };
      const delivery = new Delivery(client, source, terminal);
      delivery.begin(client.open({ ...route, peerPath: path, chunkOctets, sink: delivery }));
      await client.during(Promise.race([delivery.finished, interrupted.promise as Promise<never>]));
      return delivery.conclude();
    } finally {
      deaf();
      source.close();
      await client.end();
    }
  },
};

function pathOf(given: Given): { readonly path: string; readonly first: ReturnType<typeof givenUri> } {
  const words = given.text("text") === undefined ? given.positionals.slice(0, -1) : given.positionals;
  const uris = words.flatMap((word) => word.split(" ")).map(givenUri);
  const [first] = uris;
  if (first === undefined) throw new UsageError("send needs the URIs to send to, and a FILE");
  return { path: uris.map(({ text }) => text).join(" "), first };
}

function chunkSize(given: Given): number {
  const typed = given.text("chunk") ?? "0";
  if (!/^\d{1,10}$/.test(typed)) throw new UsageError(`--chunk ${typed} is no number of octets`);
  return Number(typed);
}

/** One message on its way: gives its octets when they are wanted, and hears what becomes of it. */
class Delivery {
  readonly finished: Promise<void>;
  readonly #client: Client;
  readonly #source: Source;
  readonly #terminal: Terminal;
  readonly #bar: ProgressBar;
  readonly #end: Later<void>;
  #message: OutgoingMessage | undefined;
  #read: number;
  #patience: NodeJS.Timeout | undefined;

  constructor(client: Client, source: Source, terminal: Terminal) {
    this.#client = client;
    this.#source = source;
    this.#terminal = terminal;
    this.#bar = new ProgressBar(source.name, terminal);
    this.#end = new Later();
    this.finished = this.#end.promise;
    this.#message = undefined;
    this.#read = 0;
    this.#patience = undefined;
  }

  begin(session: Session): void {
    this.#client.turn((now) => {
      this.#message = session.send({ ...this.#source.options, successReport: true }, now);
      this.#look(this.#message);
    });
  }

  wanted(message: OutgoingMessage, room: number, now: number): void {
    const left = message.total - this.#read;
    if (left <= 0) return;
    try {
      const octets = this.#source.read(Math.min(room, left));
      this.#read += octets.length;
      message.write(octets, now);
    } catch (error) {
      message.abort(now);
      this.#end.reject(error instanceof Error ? error : new Error(String(error)));
    }
    this.#bar.show(message.octetsSent, message.total);
  }

  advanced(message: OutgoingMessage): void {
    this.#look(message);
  }

  #look(message: OutgoingMessage): void {
    if (message.failure !== undefined) this.#end.reject(new Refusal(`not delivered: ${whyFailed(message.failure)}`));
    else if (message.state === "delivered") this.#end.resolve();
    else if (message.state === "accepted") this.#patience ??= setTimeout(() => this.#end.resolve(), REPORT_PATIENCE);
  }

  /** Says how it went, and the exit code. */
  conclude(): number {
    clearTimeout(this.#patience);
    this.#bar.end();
    const octets = this.#message?.total ?? 0;
    this.#terminal.out(`${this.#source.checksum()}  ${this.#source.name}`);
    const how = `${size(octets)} ${this.#bar.summary(octets)}`;
    if (this.#message?.state === "delivered") {
      this.#terminal.err(`delivered ${how}`);
      return 0;
    }
    this.#terminal.err(`sent ${how}; the next hop has taken it all, but the peer has not said that it arrived`);
    return 1;
  }
}
