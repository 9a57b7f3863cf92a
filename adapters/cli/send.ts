/**
 * `parley send`: a message or a file along a path of URIs, as `parley receive` prints it.
 *
 * When a relay on the way is lost we connect and authenticate again, read the path again where it is in a file, and go
 * on with what the peer has not confirmed (`delivery.ts`). Our own URI stays, for by it the peer knows us.
 */
import type { Runtime } from "../shared/runtime.ts";
import { Client, clientFlags, type GivenRelays, givenRelays } from "./client.ts";
import type { Command, Given } from "./command.ts";
import { Delivery } from "./delivery.ts";
import { givenUri } from "./hop.ts";
import { Later } from "./later.ts";
import { pathFileFlag, pathFileOf, readPath } from "./path-file.ts";
import { Patience, retryFlag } from "./patience.ts";
import { openSource } from "./source.ts";
import { Break, Refusal, type Terminal, UsageError } from "./terminal.ts";

export const send: Command = {
  name: "send",
  usage: ["URI… FILE", "URI… --text MESSAGE", "--path-file PATHFILE FILE"],
  summary: "sends a message or a file through relays",
  about:
    "URI… is the path that parley receive prints. Without --relay we connect to its first URI; with --relay, --user and\n" +
    "--password to a relay of our own. When the way breaks we authenticate again and go on where the peer has confirmed.",
  flags: {
    ...clientFlags,
    relay: { value: "URI", help: "the relay that acts for us" },
    text: { value: "MESSAGE", help: "a message instead of a file" },
    type: { value: "TYPE", help: "its Content-Type (application/octet-stream, or text/plain for a message)" },
    ...pathFileFlag("has the URIs in it, as parley receive --path-file writes them; read again after a break"),
    ...retryFlag,
    chunk: { value: "OCTETS", help: "cut it into chunks of this size; as few as possible otherwise" },
  },
  positionals: [0, 64],
  async run(given, terminal, runtime) {
    const path = pathOf(given, terminal);
    const chunkOctets = chunkSize(given);
    const patience = Patience.given(given);
    const relay = given.text("relay") === undefined ? undefined : givenUri(given.text("relay") ?? "");
    if (relay === undefined && given.all("via").length > 0) throw new UsageError("--via needs --relay");
    path.now(); // a mistyped one is told before a password is asked for
    const source = openSource(given, terminal);
    const ours = relay === undefined ? undefined : await givenRelays(given, terminal, relay);
    if (ours?.accounts.length === 0) throw new UsageError("--relay needs --user");
    const delivery = new Delivery(source, terminal);
    const way = new Way(runtime, terminal, { ours, path, ca: given.text("ca"), chunkOctets });
    const interrupted = new Later<never>();
    const deaf = terminal.onStop(() => interrupted.reject(new Refusal("interrupted")));
    try {
      await Promise.race([persist(way, delivery, patience, terminal), interrupted.promise]);
      return delivery.conclude();
    } finally {
      deaf();
      patience.stop();
      await way.end();
      source.close();
    }
  },
};

/** Tries until it is done, or it makes no sense any more. @throws Refusal */
async function persist(way: Way, delivery: Delivery, patience: Patience, terminal: Terminal): Promise<void> {
  let told = "";
  for (let unknown = 0; ; ) {
    const before = delivery.confirmed;
    try {
      return await way.carry(delivery);
    } catch (error) {
      // What does not even begin would not the second time.
      if (!(error instanceof Break) || !delivery.begun || patience.stopped) throw error;
      if (delivery.confirmed > before) patience.renew();
      // The session that nobody knows may have been ours, at a relay that was started again; or it is the peer's, and
      // then it is gone for good, for a URI that has died does not come back (RFC 4976 §6.3).
      unknown = error.status === 481 && delivery.confirmed === before ? unknown + 1 : 0;
      if (unknown > 1 && !way.mayChange) throw error;
      await way.end();
      if (!(await patience.pause())) throw error;
      if (error.message !== told) terminal.err(`${error.message}; authenticating again`);
      told = error.message;
    }
  }
}

interface PeerPath {
  /** It is read anew each time. */
  readonly mayChange: boolean;
  now(): string;
}

interface WayOptions {
  /** The relays that act for us; absent: we go to the peer's straight away. */
  readonly ours: GivenRelays | undefined;
  readonly path: PeerPath;
  readonly ca: string | undefined;
  readonly chunkOctets: number;
}

/** The way to the peer, as often as it has to be made. */
class Way {
  /** The peer's path may be another next time. */
  readonly mayChange: boolean;
  readonly #runtime: Runtime;
  readonly #terminal: Terminal;
  readonly #options: WayOptions;
  #client: Client | undefined;
  /** Our URI, by which the peer knows us again. */
  #own: string | undefined;

  constructor(runtime: Runtime, terminal: Terminal, options: WayOptions) {
    this.mayChange = options.path.mayChange;
    this.#runtime = runtime;
    this.#terminal = terminal;
    this.#options = options;
    this.#client = undefined;
    this.#own = undefined;
  }

  /** Connects, authenticates and sends. @throws Refusal, a Break among them */
  async carry(delivery: Delivery): Promise<void> {
    const { ca, chunkOctets, ours, path } = this.#options;
    const peerPath = path.now();
    const { hop } = ours ?? givenUri(peerPath.split(" ")[0] ?? "");
    const client = await Client.connect(this.#runtime, hop, { terminal: this.#terminal, ca });
    this.#client = client;
    const authentication = ours === undefined ? undefined : await client.authenticate(ours.accounts, this.#own);
    this.#own ??= authentication?.own;
    const route = authentication === undefined ? {} : { usePath: authentication.usePath };
    const own = this.#own === undefined ? {} : { own: this.#own };
    const session = client.open({ ...route, ...own, peerPath, chunkOctets, sink: delivery });
    this.#own = session.own;
    return delivery.by(client, session);
  }

  async end(): Promise<void> {
    await this.#client?.end();
    this.#client = undefined;
  }
}

/** What gives the path to the peer, now or later. */
function pathOf(given: Given, terminal: Terminal): PeerPath {
  const file = pathFileOf(given, terminal);
  const words = given.text("text") === undefined ? given.positionals.slice(0, -1) : given.positionals;
  if (file !== undefined) {
    if (given.text("text") === undefined && given.positionals.length === 0) throw new UsageError("send needs a FILE");
    if (words.length > 0) throw new UsageError(`--path-file says where to send to, and so does ${words[0]}`);
    return { mayChange: true, now: () => readPath(file) };
  }
  const uris = words.flatMap((word) => word.split(" ")).map(givenUri);
  if (uris.length === 0) throw new UsageError("send needs the URIs to send to, and a FILE");
  const path = uris.map(({ text }) => text).join(" ");
  return { mayChange: false, now: () => path };
}

function chunkSize(given: Given): number {
  const typed = given.text("chunk") ?? "0";
  if (!/^\d{1,10}$/.test(typed)) throw new UsageError(`--chunk ${typed} is no number of octets`);
  return Number(typed);
}
