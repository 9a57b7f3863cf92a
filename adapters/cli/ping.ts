/**
 * `parley ping`: every step a client takes towards a message, one line each with its time. For when "it does not work".
 *
 * The message at the end goes to ourselves: out to the relay and, since we are the client that its URI leads to, back.
 */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Authentication } from "../../core/mod.ts";
import { Client, clientFlags, givenRelays, whyFailed } from "./client.ts";
import type { Command } from "./command.ts";
import { givenUri } from "./hop.ts";
import { Later } from "./later.ts";
import { Refusal, type Terminal } from "./terminal.ts";

const BODY_OCTETS = 256;
const PATIENCE = 35_000;

export const ping: Command = {
  name: "ping",
  usage: ["URI --user NAME [--password PASSWORD] [--via URI…] [--ca FILE]"],
  summary: "tries a relay step by step: resolve, connect, certificate, AUTH, a message out and back",
  about:
    "URI is the relay's, such as 'msrps://relay.example.com:2855;tcp'. Without --user it stops at the certificate.",
  flags: clientFlags,
  positionals: [1, 1],
  async run(given, terminal, runtime) {
    const relay = givenUri(given.positionals[0] ?? "");
    const { hop, accounts } = await givenRelays(given, terminal, relay);
    const steps = new Steps(terminal);
    let client: Client | undefined;
    try {
      client = await Client.connect(runtime, hop, {
        terminal,
        ca: given.text("ca"),
        progress: (step, detail) => steps.done(step, detail),
        spy: (octets) => noteChallenge(octets, steps),
      });
      if (accounts.length === 0) {
        terminal.out("no --user, so no AUTH");
        return 0;
      }
      steps.next = "AUTH";
      const authentication = await client.authenticate(accounts);
      steps.done("AUTH", `${authentication.usePath}, for ${lifeOf(authentication, client)} s`);
      await thereAndBack(client, authentication, steps);
      return 0;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      steps.failed(error.message);
      return 1;
    } finally {
      await client?.end();
    }
  },
};

/** Prints a line when a step is done: how long it took, and what came of it. */
class Steps {
  /** The step that is being tried, for when it fails. */
  next = "resolve";
  challenged = false;
  readonly #terminal: Terminal;
  #since = performance.now();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  done(step: string, detail: string): void {
    this.#terminal.out(this.#line(step, detail));
    this.#since = performance.now();
    this.next = { resolve: "connect", connect: "certificate", certificate: "AUTH" }[step] ?? this.next;
  }

  failed(why: string): void {
    this.#terminal.err(this.#line(this.next, `failed: ${why}`));
  }

  #line(step: string, detail: string): string {
    const took = `${(performance.now() - this.#since).toFixed(1)} ms`;
    return `${step.padEnd(12)} ${took.padStart(10)}  ${detail}`;
  }
}

/** The 401 to our first AUTH, which the endpoint answers without telling anybody. */
function noteChallenge(octets: Uint8Array, steps: Steps): void {
  if (steps.next !== "AUTH" || steps.challenged) return;
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
  if (!/^MSRP \S+ 401\b/.test(text)) return;
  steps.challenged = true;
  const realm = /realm="([^"]*)"/.exec(text)?.[1] ?? "";
  const algorithms = [...text.matchAll(/algorithm="?([\w-]+)/gi)].map(([, algorithm]) => algorithm);
  steps.done("challenge", `realm ${realm}, ${algorithms.join(" and ") || "MD5"}`);
}

function lifeOf({ expiresAt }: Authentication, client: Client): number {
  let seconds = 0;
  client.turn((now) => {
    seconds = Math.round((expiresAt - now) / 1000);
  });
  return seconds;
}

async function thereAndBack(client: Client, authentication: Authentication, steps: Steps): Promise<void> {
  const body = randomBytes(BODY_OCTETS);
  const sent = new Later<void>();
  const back = new Later<void>();
  const session = client.open({
    own: authentication.own,
    usePath: authentication.usePath,
    peerPath: authentication.sdpPath,
    sink: {
      advanced: (message) => {
        if (message.state === "accepted") sent.resolve();
        else if (message.failure !== undefined) sent.reject(new Refusal(whyFailed(message.failure)));
      },
      messageStarted: (message) => message.collect(2 * BODY_OCTETS),
      messageEnded: (message) => {
        if (message.state === "complete" && body.equals(message.content)) back.resolve();
        else back.reject(new Refusal("other octets came back than went out"));
      },
    },
  });
  steps.next = "SEND out";
  client.turn((now) => session.send({ contentType: "application/octet-stream", body }, now));
  await client.during(sent.promise);
  steps.done("SEND out", `${BODY_OCTETS} octets, taken by the relay`);
  steps.next = "SEND back";
  const enough = setTimeout(() => back.reject(new Refusal("nothing came back")), PATIENCE);
  try {
    await client.during(back.promise);
  } finally {
    clearTimeout(enough);
  }
  steps.done("SEND back", "the same octets came back");
}
