/**
 * The log: one line for each thing that happened, with a code that the documentation explains.
 *
 * Names and texts that strangers chose may hold anything, so in lines for people every control character is shown and
 * not obeyed; in JSON it is escaped anyway. Passwords, nonces, the octets of messages and session URIs (whoever knows
 * one may send to its client) never come here.
 */
import { configureSync, getJsonLinesFormatter, getLogger, getTextFormatter, type Logger } from "@logtape/logtape";
import { type Fault, faults, type Happening, type Hop, type Peer } from "../../core/mod.ts";
import type { AccountsNews } from "../accounts/accounts.ts";
import type { LogSettings } from "../config/settings.ts";
import { authority } from "../shared/address.ts";
import type { Terminal } from "./terminal.ts";

export type Level = LogSettings["level"];
export type Fields = Readonly<Record<string, string | number | boolean>>;

export class Log {
  readonly #logger: Logger;
  /** Of several, whose numbers of sessions and connections would else be taken for each other's. */
  readonly #worker: number | undefined;

  constructor(settings: LogSettings, terminal: Terminal, worker?: number) {
    this.#worker = worker;
    const json = getJsonLinesFormatter({ properties: "flatten" });
    const pretty = getTextFormatter({
      timestamp: "time",
      format: ({ timestamp, level, message }) => `${timestamp} ${level.padEnd(7)} ${message}`,
      level: "full",
    });
    const format = settings.format === "json" ? json : pretty;
    configureSync({
      reset: true,
      sinks: { terminal: (record) => terminal.err(format(record).trimEnd()) },
      loggers: [
        { category: ["parley"], lowestLevel: settings.level, sinks: ["terminal"] },
        { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["terminal"] },
      ],
    });
    this.#logger = getLogger(["parley"]);
  }

  /** @param event  for machines; the text may change */
  write(level: Level, event: string, text: string, fields: Fields = {}): void {
    // Braces are the library's placeholders.
    const worker = this.#worker;
    const message = `${worker === undefined ? "" : `worker ${worker}: `}${visible(text).replace(/[{}]/g, "$&$&")}`;
    const who = worker === undefined ? {} : { worker };
    this.#logger[level === "warning" ? "warn" : level](message, { event, ...who, ...fields });
  }

  accounts({ event, text, store, domain }: AccountsNews): void {
    const level = { accountsUnavailable: "error", accountsDown: "warning", accountsUp: "info" } as const;
    this.write(level[event], event, text, { store, ...(domain === undefined ? {} : { domain }) });
  }

  /** @param detail  what the Happening leaves out */
  happening(happening: Happening, detail = ""): void {
    const { level, text, fields } = describe(happening);
    const more = detail === "" ? fields : { ...fields, detail };
    this.write(level, happening.type, detail === "" ? text : `${text}: ${detail}`, more);
  }
}

/** A happening as a line. */
export interface Line {
  readonly level: Level;
  readonly text: string;
  readonly fields: Fields;
}

export function describe(happening: Happening): Line {
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
      const { session, connection, user, domain, expiresSeconds } = happening;
      const fields = { session, connection, user, domain, expiresSeconds };
      return line("info", `session ${session} of ${user}@${domain} started for ${expiresSeconds} s`, fields);
    }
    case "sessionEnded": {
      const { session, connection, user, domain, why } = happening;
      const fields = { session, connection, user, domain, why };
      return line("info", `session ${session} of ${user}@${domain} ended: ${why}`, fields);
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
