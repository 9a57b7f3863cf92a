/**
 * `parley receive`: has a relay act for us, prints the path to send to, and takes what comes (`inbox.ts`).
 *
 * Success is reported when a file is complete and closed, not before.
 */
import { resolve } from "node:path";
import { type Authentication, sdpPath } from "../../core/mod.ts";
import { Client, clientFlags, givenRelays } from "./client.ts";
import type { Command, Given } from "./command.ts";
import { givenUri } from "./hop.ts";
import { Inbox } from "./inbox.ts";
import { shellWord } from "./shell-word.ts";
import { type Terminal, UsageError } from "./terminal.ts";

/** Keeps the paths through NATs open, and the relay from taking us for gone. */
const KEEPALIVE_SECONDS = 120;

export const receive: Command = {
  name: "receive",
  usage: ["--relay URI --user NAME [--password PASSWORD] [--via URI…] [--ca FILE] [--dir DIR] [--count N]"],
  summary: "receives messages and files through a relay",
  about: "Prints the path to give to parley send, then waits. Files are never written over others.",
  flags: {
    relay: { value: "URI", help: "the relay that acts for us, such as 'msrps://relay.example.com:2855;tcp'" },
    ...clientFlags,
    dir: { value: "DIR", help: "where files go (the current folder)" },
    count: { value: "N", help: "ends after so many messages; otherwise when it is interrupted" },
  },
  positionals: [0, 0],
  async run(given, terminal, runtime) {
    const typed = given.text("relay");
    if (typed === undefined) throw new UsageError("receive needs --relay URI");
    const relay = givenUri(typed);
    const count = countOf(given);
    const { hop, accounts } = await givenRelays(given, terminal, relay);
    if (accounts.length === 0) throw new UsageError("receive needs --user NAME");
    const inbox = new Inbox(resolve(terminal.cwd, given.text("dir") ?? "."), count, terminal);
    const show = ({ usePath, own }: Authentication) => printPath(sdpPath(usePath, own), given, terminal);
    const client = await Client.connect(runtime, hop, {
      terminal,
      ca: given.text("ca"),
      keepaliveSeconds: KEEPALIVE_SECONDS,
      refreshed: show,
    });
    const deaf = terminal.onStop(() => inbox.stop());
    try {
      const authentication = await client.authenticate(accounts);
      inbox.open(client, authentication.own);
      show(authentication);
      await client.during(inbox.finished);
      return inbox.broken === 0 ? 0 : 1;
    } finally {
      deaf();
      await client.end();
    }
  },
};

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
