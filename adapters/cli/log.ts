/**
 * The log: one line for each thing that happened, with a code that the documentation explains.
 *
 * Names and texts that strangers chose may hold anything, so in lines for people every control character is shown and
 * not obeyed; in JSON it is escaped anyway. Passwords, nonces, the octets of messages and session URIs (whoever knows
 * one may send to its client) never come here.
 */
import { configureSync, getJsonLinesFormatter, getLogger, getTextFormatter, type Logger } from "@logtape/logtape";
import { type Fault, faults, type Happening, type Hop, type Millis, type Peer } from "../../core/mod.ts";
import type { AccountsNews } from "../accounts/accounts.ts";
import type { LogSettings } from "../config/settings.ts";
import { authority } from "../shared/address.ts";
import { categories, type Category, categoryOf, type Level, levels, parseCategory } from "../config/log-categories.ts";
import { Mask, maskKey } from "./log-mask.ts";
import type { Terminal } from "./terminal.ts";

export type { Level } from "../config/log-categories.ts";
export type Fields = Readonly<Record<string, string | number | boolean>>;

export interface LogOptions {
  /** The folder of the key that addresses and users are hashed with, where they are. */
  readonly data?: string;
  readonly worker?: number;
}

export class Log {
  readonly #terminal: Terminal;
  /** Of several, whose numbers of sessions and connections would else be taken for each other's. */
  readonly #worker: number | undefined;
  readonly #loggers: Map<Category | undefined, Logger>;
  #settings: LogSettings;
  /** By category; "" is for all that have none of their own. */
  #levels: Map<Category | "", Level>;
  #mask: Mask | undefined;

  /** @throws Error of the system when the key for hashing can be neither read nor made */
  constructor(settings: LogSettings, terminal: Terminal, { data = "", worker }: LogOptions = {}) {
    this.#terminal = terminal;
    this.#worker = worker;
    this.#loggers = new Map([undefined, ...categories].map((name) => [name, getLogger(pathOf(name))]));
    this.#settings = settings;
    this.#levels = new Map();
    this.#mask = undefined;
    this.configure(settings, data);
  }

  /** Goes by other settings from now on; levels set in the meantime are forgotten. */
  configure(settings: LogSettings, data = ""): void {
    const { addresses, users } = settings.hash;
    this.#mask = addresses || users ? new Mask(settings.hash, maskKey(data)) : undefined;
    this.#settings = settings;
    this.#levels = new Map([["", settings.level], ...settings.levels]);
    this.#apply();
  }

  /** Until the next restart or reload. False when there is no such category or level. */
  setLevel(category: string, level: string): boolean {
    const name = parseCategory(category);
    const known = levels.find((one) => one === level);
    if (name === undefined || known === undefined) return false;
    this.#levels.set(name, known);
    this.#apply();
    return true;
  }

  /** Level by category, those that have one of their own. */
  get levels(): Readonly<Record<string, Level>> {
    return Object.fromEntries(
      [...this.#levels].map(([name, level]) => [name === "" ? "parley" : `parley.${name}`, level]),
    );
  }

  #apply(): void {
    const { format } = this.#settings;
    const written = format === "json" ? json : pretty;
    const usual = this.#levels.get("") ?? "info";
    configureSync({
      reset: true,
      sinks: { terminal: (record) => this.#terminal.err(written(record).trimEnd()) },
      loggers: [
        { category: ["parley"], lowestLevel: usual, sinks: ["terminal"] },
        ...categories.map((name) => ({
          category: pathOf(name),
          lowestLevel: this.#levels.get(name) ?? usual,
          sinks: ["terminal"],
          // Or a level below that of all the others would not get past theirs.
          parentSinks: "override" as const,
        })),
        { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["terminal"] },
      ],
    });
  }

  /** @param event  for machines, and says the category; the text may change */
  write(level: Level, event: string, text: string, fields: Fields = {}): void {
    const category = categoryOf(event);
    const logger = this.#loggers.get(category) as Logger;
    const method = level === "warning" ? "warn" : level;
    if (!logger.isEnabledFor(level)) return;
    // What we and the operators do is for operators to know.
    const own = category === "operation" || category === "admin" || category === undefined;
    const mask = own ? undefined : this.#mask;
    const user = typeof fields.user === "string" ? fields.user : "";
    const masked = (value: string) => mask?.apply(value, user) ?? value;
    const shown = Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === "string" ? masked(value) : value,
    ]);
    // Braces are the library's placeholders.
    const worker = this.#worker;
    const message = `${worker === undefined ? "" : `worker ${worker}: `}${visible(masked(text)).replace(/[{}]/g, "$&$&")}`;
    const who = worker === undefined ? {} : { worker };
    logger[method](message, { event, ...who, ...(Object.fromEntries(shown) as Fields) });
  }

  accounts({ event, text, store, domain }: AccountsNews): void {
    const level = { accountsUnavailable: "error", accountsDown: "warning", accountsUp: "info" } as const;
    this.write(level[event], event, text, { store, ...(domain === undefined ? {} : { domain }) });
  }

  /** @param detail  what the Happening leaves out */
  happening(happening: Happening, now: Millis, detail = ""): void {
    const { level, text, fields } = describe(happening, now);
    const more = detail === "" ? fields : { ...fields, detail };
    this.write(level, happening.type, detail === "" ? text : `${text}: ${detail}`, more);
  }
}

const json = getJsonLinesFormatter({ properties: "flatten" });
const pretty = getTextFormatter({
  timestamp: "time",
  format: ({ timestamp, level, message }) => `${timestamp} ${level.padEnd(7)} ${message}`,
  level: "full",
});

function pathOf(category: Category | undefined): string[] {
  return category === undefined ? ["parley"] : ["parley", category];
}

/** A happening as a line. */
export interface Line {
  readonly level: Level;
  readonly text: string;
  readonly fields: Fields;
}

/** @param now  when it happened */
export function describe(happening: Happening, now: Millis): Line {
  switch (happening.type) {
    case "connectionOpened": {
      const { connection, listener } = happening;
      const peer = named(happening.peer);
      return line("debug", `connection ${connection} from ${peer} on ${listener}`, { connection, peer, listener });
    }
    case "connectionDialed": {
      const { connection } = happening;
      const [peer, hop] = [named(happening.peer), uri(happening.hop)];
      return line("info", `connection ${connection} to ${hop} at ${peer}`, { connection, peer, hop });
    }
    case "connectionClosed": {
      const { connection, why } = happening;
      const peer = named(happening.peer);
      // A fault has had its own line.
      return line("debug", `connection ${connection} with ${peer} closed: ${why}`, { connection, peer, why });
    }
    case "dialFailed": {
      const hop = uri(happening.hop);
      return line("warning", `no connection to ${hop}: ${happening.why}`, { hop, why: happening.why });
    }
    case "authRefused": {
      const { fault, connection, user = "", domain = "" } = happening;
      const peer = named(happening.peer);
      // The fault itself has its own line; this one says who.
      const who = user === "" ? domain : `${user}@${domain}`;
      return line("debug", `AUTH for ${who} from ${peer} refused: ${fault}`, { fault, connection, peer, user, domain });
    }
    case "sessionStarted": {
      const { session, connection, user, domain, expiresSeconds, listener = "", relay = "" } = happening;
      const fields = {
        session,
        connection,
        user,
        domain,
        expiresSeconds,
        peer: named(happening.peer),
        listener,
        relay,
      };
      return line("info", `session ${session} of ${user}@${domain} started for ${expiresSeconds} s`, fields);
    }
    case "sessionEnded": {
      const { session, connection, user, domain, why, fault = "", listener = "", traffic } = happening;
      const { messagesOut, bytesOut, messagesIn, bytesIn } = traffic;
      const seconds = Math.round((now - happening.startedAt) / 1000);
      const because = fault === "" ? why : `${why} (${fault})`;
      const sums = `sent ${messagesOut} messages of ${bytesOut} octets, received ${messagesIn} of ${bytesIn}`;
      const text = `session ${session} of ${user}@${domain} ended: ${because} after ${seconds} s, ${sums}`;
      const fields = { session, connection, user, domain, why, fault, peer: named(happening.peer), listener, seconds };
      return line("info", text, { ...fields, ...traffic });
    }
    case "fault": {
      const { fault, connection, detail } = happening;
      const peer = named(happening.peer);
      const about = detail === "" ? faults[fault].text : `${faults[fault].text} (${detail})`;
      const fields = { fault, then: faults[fault].then, rfc: faults[fault].rfc, connection, peer, detail };
      return line(
        quiet.has(fault) ? "debug" : "warning",
        `${fault} on connection ${connection} with ${peer}: ${about}`,
        fields,
      );
    }
  }
}

/** What well-behaved clients do all day: the first AUTH has no credentials, and nonces get old. */
const quiet: ReadonlySet<Fault> = new Set<Fault>(["AUTH_CHALLENGED", "AUTH_STALE"]);

function line(level: Level, text: string, fields: Fields): Line {
  return { level, text, fields };
}

function named(peer: Peer): string {
  return authority(peer.address, peer.port);
}

function uri({ secure, host, port }: Hop): string {
  return `${secure ? "msrps" : "msrp"}://${port === 0 ? host : authority(host, port)}`;
}

function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, "0")}`,
  );
}
