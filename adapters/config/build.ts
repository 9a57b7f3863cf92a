/**
 * From what was written to `Settings`: reads the files it names and compares its parts with each other.
 *
 * A part that cannot be built is complained about and left out; whether anything was wrong is for `load.ts` to see.
 */
import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { DomainConfig, ListenerConfig, PolicyRule, RelayConfig } from "../../core/mod.ts";
import type { StoreSettings } from "../accounts/store.ts";
import type { DecisionSettings } from "../policy/decision.ts";
import { Egress } from "../shared/egress.ts";
import { buildAdmin } from "./admin.ts";
import { type ListenUrl, parseListenUrl, withoutBrackets } from "./addresses.ts";
import { CertificateReader } from "./certificates.ts";
import type { Complaints, Context } from "./complaints.ts";
import { readService } from "./databases.ts";
import { buildListeners } from "./listeners.ts";
import { categories, type Category, type Level } from "./log-categories.ts";
import { suggestion } from "./nearest.ts";
import { buildRecords } from "./records.ts";
import type { Written } from "./schema.ts";
import type { LogSettings, OutgoingSettings, Settings } from "./settings.ts";
import { buildWebhooks } from "./webhooks.ts";
import { checkWorkerPorts } from "./worker-ports.ts";
import { buildStore, warnOfMissingHashes } from "./stores.ts";

export function buildSettings(written: Written, context: Context): Settings {
  const reader = new CertificateReader(context);
  const hostname = withoutBrackets(written.hostname);
  const data = resolve(context.folder, written.data ?? ".");
  checkDomains(written, context.complaints);
  checkExpires(written, context.complaints);
  const outgoing = buildOutgoing(written, reader, context.complaints);
  const listeners = buildListeners(written, hostname, outgoing.tls.ca, reader, context.complaints);
  checkRelays(written, context.complaints);
  const accounts = new Map<string, StoreSettings>();
  for (const [name, store] of Object.entries(written.accounts)) {
    const built = buildStore(store, ["accounts", name], data, context);
    if (built !== undefined) accounts.set(name, built);
  }
  warnOfMissingHashes(written, context.complaints);
  const decision = buildDecision(written, context);
  const admin = buildAdmin(written, reader, context);
  const workers = written.workers === "auto" ? availableParallelism() : written.workers;
  if (workers > 1) checkWorkerPorts(written, workers, admin, context.complaints);
  return {
    hostname,
    folder: context.folder,
    data,
    workers,
    relay: buildRelay(written, hostname),
    listeners,
    accounts,
    accountsOf: new Map(written.domains.map((domain) => [domain.name, domain.accounts])),
    outgoing,
    limits: limitsOf(written),
    ...(decision === undefined ? {} : { decision }),
    ...(admin === undefined ? {} : { admin }),
    drain: written.drain,
    webhooks: buildWebhooks(written, context),
    records: buildRecords(written, context),
    log: buildLog(written),
    certificates: reader.pairs,
    certificateFiles: [...reader.files],
  };
}

function buildRelay(written: Written, hostname: string): RelayConfig {
  const { auth, outgoing, forwarding, limits } = written;
  return {
    listeners: written.listeners.map((listener): ListenerConfig => {
      const own = parseListenUrl(listener.url) ?? nowhere;
      const advertise =
        listener.advertise === undefined ? { ...own, host: hostname } : parseListenUrl(listener.advertise);
      return { name: listener.name, advertise: advertise ?? nowhere, authInsecure: listener.auth === "insecure" };
    }),
    domains: written.domains.map(
      (domain): DomainConfig => ({ name: domain.name, algorithms: domain.algorithms ?? auth.algorithms }),
    ),
    auth: {
      nonceSeconds: auth.nonceSeconds,
      expires: {
        minSeconds: auth.expires.min,
        defaultSeconds: auth.expires.default,
        maxSeconds: auth.expires.max,
      },
      maxFailures: auth.maxFailures,
    },
    outgoing: {
      plain: outgoing.plain,
      chunkBytes: outgoing.chunkBytes.map(({ to, bytes }) => ({ to: to.toLowerCase(), bytes })),
    },
    forwarding,
    policy: { rules: written.policy.rules.map(ruleOf), asks: written.policy.decision !== undefined },
    relayNames: written.relays.names.map((name) => name.toLowerCase()),
    limits: {
      sessionsPerUser: limits.sessionsPerUser,
      sessionsPerDomain: limits.sessionsPerDomain,
      sessions: limits.sessions,
      authFailuresPerAddress: limits.authFailuresPerAddress,
      authFailuresPerUser: limits.authFailuresPerUser,
      authPauseSeconds: limits.authPauseSeconds,
      idleSeconds: limits.idleSeconds,
      sessionIdleSeconds: limits.sessionIdleSeconds,
      sessionMaxSeconds: limits.sessionMaxSeconds,
      headerBytes: limits.headerBytes,
      messageBytes: limits.messageBytes,
      fileBytes: limits.fileBytes,
      bytesPerSecondPerSession: limits.bytesPerSecondPerSession,
      bytesPerSecondPerUser: limits.bytesPerSecondPerUser,
      bytesPerSecondPerDomain: limits.bytesPerSecondPerDomain,
      bytesPerSecond: limits.bytesPerSecond,
    },
  };
}

function buildLog({ log }: Written): LogSettings {
  const levels = new Map<Category, Level>();
  for (const category of categories) {
    const level = log.levels[category];
    if (level !== undefined) levels.set(category, level);
  }
  return { ...log, levels };
}

function limitsOf({ limits }: Written): Settings["limits"] {
  const { connections, connectionsPerAddress, connectionsPerSecondPerAddress, memoryMegabytes } = limits;
  return { connections, connectionsPerAddress, connectionsPerSecondPerAddress, memoryMegabytes };
}

function buildDecision({ policy }: Written, { folder, complaints }: Context): DecisionSettings | undefined {
  if (policy.decision === undefined) return undefined;
  const { url, token, seconds, otherwise } = policy.decision;
  const service = readService(url, token, ["policy", "decision"], folder, complaints);
  return service === undefined ? undefined : { ...service, seconds, otherwise };
}

/** Only the keys that were written. */
function ruleOf(rule: Written["policy"]["rules"][number]): PolicyRule {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined)) as unknown as PolicyRule;
}

/** Stands in for an address that was complained about; such settings are never used. */
const nowhere: ListenUrl = { secure: true, host: "", port: 0 };

function checkDomains(written: Written, complaints: Complaints): void {
  const stores = Object.keys(written.accounts);
  const seen = new Set<string>();
  for (const [index, domain] of written.domains.entries()) {
    if (seen.has(domain.name)) complaints.error(["domains", index, "name"], `${domain.name} stands here twice`);
    seen.add(domain.name);
    if (stores.includes(domain.accounts)) continue;
    const guess = suggestion(domain.accounts, stores);
    complaints.error(["domains", index, "accounts"], `there is no accounts.${domain.accounts}${guess}`);
  }
}

function checkExpires({ auth }: Written, complaints: Complaints): void {
  const { min, default: usual, max } = auth.expires;
  if (min > max) complaints.error(["auth", "expires", "min"], `is more than max (${max})`);
  else if (usual < min || usual > max) {
    complaints.error(["auth", "expires", "default"], `${usual} is not between min (${min}) and max (${max})`);
  }
}

function checkRelays({ relays, outgoing }: Written, complaints: Complaints): void {
  if (relays.names.length === 0 || outgoing.tls.ca.length > 0) return;
  complaints.error(["relays", "names"], "needs outgoing.tls.ca: the authorities whose relay certificates we believe");
}

function buildOutgoing(written: Written, reader: CertificateReader, complaints: Complaints): OutgoingSettings {
  const { outgoing } = written;
  for (const [index, rule] of outgoing.allow.entries()) {
    try {
      new Egress([rule]);
    } catch (error) {
      complaints.error(["outgoing", "allow", index], error instanceof Error ? error.message : String(error));
    }
  }
  const from = buildFrom(written, complaints);
  const path = ["outgoing", "tls"];
  const { cert, key } = outgoing.tls;
  if (cert !== undefined && key === undefined) complaints.keyError([...path, "key"], "missing; cert needs its key");
  if (key !== undefined && cert === undefined)
    complaints.keyError([...path, "cert"], "missing; key needs its certificate");
  const own = cert !== undefined && key !== undefined ? reader.pair({ cert, key }, path) : undefined;
  const ca = outgoing.tls.ca.map((file, index) => reader.authority(file, [...path, "ca", index]) ?? "");
  return {
    allow: outgoing.allow,
    from,
    plain: outgoing.plain,
    tls: { ca, system: outgoing.tls.system, ...(own === undefined ? {} : { own }) },
  };
}

/** A line names an address of ours, or the listener whose address it is. */
function buildFrom({ outgoing, listeners }: Written, complaints: Complaints): OutgoingSettings["from"] {
  return outgoing.from.flatMap(({ to, address, listener }, index) => {
    const path = ["outgoing", "from", index];
    try {
      new Egress([to]);
    } catch (error) {
      complaints.error([...path, "to"], error instanceof Error ? error.message : String(error));
    }
    if ((address === undefined) === (listener === undefined)) {
      complaints.error(path, "needs either address or listener");
      return [];
    }
    if (address !== undefined) {
      if (isIP(withoutBrackets(address)) === 0)
        complaints.error([...path, "address"], `${address} is not an IP address`);
      return [{ to, address: withoutBrackets(address) }];
    }
    const meant = listeners.find(({ name }) => name === listener);
    const host = meant === undefined ? undefined : parseListenUrl(meant.url)?.host;
    if (meant === undefined) {
      const guess = suggestion(
        listener ?? "",
        listeners.map(({ name }) => name),
      );
      complaints.error([...path, "listener"], `there is no listener ${listener}${guess}`);
    } else if (host !== undefined && (isIP(host) === 0 || ["0.0.0.0", "::"].includes(host))) {
      complaints.error([...path, "listener"], `${listener} listens on ${host}, which is no address to leave by`);
    }
    return host === undefined ? [] : [{ to, address: host }];
  });
}
