/** `parley serve`: runs the relay until it is told to stop. */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Settings } from "../config/settings.ts";
import { Reloader, type Tell } from "../operation/reloader.ts";
import type { Runtime } from "../shared/runtime.ts";
import { Cluster } from "./cluster.ts";
import type { Command, Given } from "./command.ts";
import {
  CONFIGURATION,
  configurationFile,
  configurationFlags,
  DATA_FOLDER,
  dataFolder,
  loadConfiguration,
  shortPath,
} from "./configuration.ts";
import { firstStart, type TestUser } from "./first-start.ts";
import { Log } from "./log.ts";
import { inWords, type ListeningAt, RelayProgram, type Serving } from "./relay-program.ts";
import { shellWord } from "./shell-word.ts";
import { Refusal, type Terminal, UsageError } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** How long clients have to take what we still owe them when we stop, in milliseconds. */
const PATIENCE = 5000;
/** Signals that come closer together than this are one. */
const ONE_KEY_MS = 300;

export const serve: Command = {
  name: "serve",
  usage: ["[--config FILE | --data DIR] [--drain SECONDS]"],
  summary: "runs the relay",
  about:
    `Without --config it uses the data folder ${DATA_FOLDER}, and makes it when it is not there: a certificate, two test\n` +
    "users and a configuration to grow. SIGTERM lets its sessions end by themselves, for a\n" +
    "while, and takes no new ones; a second SIGTERM ends it at once. SIGHUP reads the configuration again.",
  flags: {
    ...configurationFlags,
    port: { value: "N", help: "for a data folder made now: the port to listen on (2855)" },
    drain: {
      value: "SECONDS",
      help: "how long sessions may go on after SIGTERM; drain.seconds of the configuration (60)",
    },
    "admin-port": { value: "N", help: "for a data folder made now: the port of the admin listener (8080)" },
  },
  positionals: [0, 0],
  async run(given, terminal, runtime) {
    const ports = { port: portOf(given, "port", 2855), adminPort: portOf(given, "admin-port", 8080) };
    const patience = secondsOf(given, "drain");
    const folder = dataFolder(given, terminal);
    const made = folder === undefined ? undefined : await firstStart(folder, ports);
    if (made === undefined && (given.text("port") ?? given.text("admin-port")) !== undefined) {
      throw new UsageError("--port and --admin-port are for a data folder made now; this one has its configuration");
    }
    const file = configurationFile(given, terminal);
    const loaded = loadConfiguration(file, terminal);
    const { settings } = loaded;
    if (settings === undefined) throw new Refusal(`${shortPath(file, terminal)} has errors`);
    const log = openLog(settings, terminal);
    const program = await start(() =>
      settings.workers > 1
        ? Cluster.start({ file, loaded, log, runtime, terminal })
        : RelayProgram.start(runtime, settings, log),
    );
    const { control } = program;
    const tell: Tell = (level, event, text, fields = {}) => {
      log.write(level, event, text, fields);
      control.occurred(event, text, fields);
    };
    const reloader = new Reloader({ file, environment: terminal.env, loaded, program, tell });
    await reloader.start();
    control.orders.reload = () => reloader.reload();
    terminal.onHangup(() => void reloader.reload().catch(() => {})); // what is wrong stands in the log
    // Whoever reads that we are there may tell us to stop in the same moment.
    const stopped = toldToStop(terminal);
    announce(program, runtime, terminal);
    if (folder !== undefined) explain(folder, made, program.listening[0], terminal);
    void stopped.then(() => program.drains.start(patience ?? program.drainSeconds));
    await program.drains.over;
    reloader.stop();
    await program.stop(PATIENCE);
    // Or a client in the middle of its handshake would keep us for as long as it may take.
    terminal.exit(0);
    return 0;
  },
};

function portOf(given: Given, flag: string, usual: number): number {
  const written = given.text(flag) ?? String(usual);
  if (!/^\d{1,5}$/.test(written) || Number(written) > 65_535) throw new UsageError(`--${flag} ${written} is no port`);
  return Number(written);
}

function openLog({ log, data }: Settings, terminal: Terminal): Log {
  try {
    return new Log(log, terminal, { data });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(`log.hash needs a key in the data folder ${data}: ${why}`);
  }
}

function secondsOf(given: Given, flag: string): number | undefined {
  const written = given.text(flag);
  if (written === undefined) return undefined;
  if (!/^\d{1,5}$/.test(written)) throw new UsageError(`--${flag} ${written} is no number of seconds`);
  return Number(written);
}

async function start(open: () => Promise<Serving>): Promise<Serving> {
  try {
    return await open();
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error));
  }
}

function announce(program: Serving, runtime: Runtime, terminal: Terminal): void {
  const { workers } = program;
  terminal.out(`parley ${VERSION} on ${runtime.name}${workers > 1 ? `, ${workers} workers` : ""}`);
  const row = (title: string, text: string) => terminal.out(`  ${title.padEnd(10)} ${text}`);
  for (const { name, url, advertised, advertising, ownPorts, via } of program.listening) {
    const given = ownPorts === undefined ? advertised : `${advertising.host} with ports ${ownPorts.join(", ")}`;
    row(name, `${url}, giving out ${given}`);
    row("", inWords(via));
  }
  if (program.adminUrl !== undefined) row("admin", `${program.adminUrl}/`);
  for (const { scheme, via } of program.dialing) row(`to ${scheme}`, inWords(via));
}

/** What somebody who has just tried parley for the first, or the second, time wants to know. */
function explain(folder: string, made: TestUser[] | undefined, at: ListeningAt | undefined, terminal: Terminal): void {
  const short = shortPath(folder, terminal);
  const self = terminal.self;
  const where = short === DATA_FOLDER ? "" : ` --data ${shellWord(short)}`;
  const [first] = made ?? [];
  if (made !== undefined) {
    terminal.out(
      `\nMade ${short} with a certificate and ${CONFIGURATION}. Two test accounts; the passwords are shown this once:`,
    );
    for (const { username, password } of made) terminal.out(`  ${username.padEnd(10)} ${password}`);
  } else {
    terminal.out(`\nUsing ${short}. Passwords cannot be shown again; to see who there is, and to set a new one:`);
    terminal.out(`  ${self} user list${where}`);
    terminal.out(`  ${self} user passwd alice --generate${where}`);
  }
  if (at === undefined) return;
  const uri = shellWord(`${at.advertised};tcp`);
  const ca = shellWord(shortPath(join(folder, "ca.crt"), terminal));
  terminal.out("\nTo try it, in another terminal:");
  terminal.out(`  ${self} ping ${uri} --user alice --password ${first?.password ?? "PASSWORD"} --ca ${ca}\n`);
}

/** Resolves at the first signal; the second does not wait for anybody. */
function toldToStop(terminal: Terminal): Promise<void> {
  return new Promise((resolve) => {
    let toldAt: number | undefined;
    terminal.onStop(() => {
      const now = performance.now();
      // Under npm one Ctrl-C comes twice: from the terminal, and passed on by npm.
      if (toldAt !== undefined && now - toldAt > ONE_KEY_MS) terminal.exit(1);
      toldAt ??= now;
      resolve();
    });
  });
}
