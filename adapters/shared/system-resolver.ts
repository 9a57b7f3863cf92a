/**
 * Names as this machine knows them: the hosts file, then DNS. Those that DNS has no say in, the system is asked for.
 *
 * A and AAAA are held for their TTL. SRV is held for a minute, because node:dns does not tell its TTL; a farm that moves
 * is found again that soon. Name servers are read from the system's settings for each question, so a machine that
 * changes networks asks the new ones.
 */
import { promises as dns, type SrvRecord } from "node:dns";
import { type Answer, DnsCache, isAbsence } from "./dns-cache.ts";
import { HostsFile, systemHostsFile } from "./hosts-file.ts";
import type { Resolver } from "./resolve.ts";

export interface SystemResolverOptions {
  /** `address:port` of name servers. Default: the system's. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  /** Milliseconds that only move forward. */
  readonly now?: () => number;
}

/** One question, twice at most: short, because a dial as a whole has ten seconds. */
const QUESTION = { timeout: 1500, tries: 2 };
const SRV_SECONDS = 60;
/** What the system says without DNS holds for so long. */
const SYSTEM_SECONDS = 30;
/** RFC 8305 §3: how long (ms) addresses of one family wait for those of the other. */
const RESOLUTION_DELAY = 50;

export class SystemResolver implements Resolver {
  readonly #servers: readonly string[];
  readonly #hosts: HostsFile;
  readonly #addresses: DnsCache<readonly string[]>;
  readonly #services: DnsCache<readonly SrvRecord[]>;

  constructor({
    servers = [],
    hostsFile = systemHostsFile,
    now = () => performance.now(),
  }: SystemResolverOptions = {}) {
    this.#servers = servers;
    this.#hosts = new HostsFile(hostsFile, now);
    this.#addresses = new DnsCache((host) => this.#findAddresses(host), now);
    this.#services = new DnsCache(async (name) => {
      const value = await this.#question().resolveSrv(name);
      return { value, seconds: SRV_SECONDS };
    }, now);
  }

  async addresses(host: string): Promise<readonly string[]> {
    const listed = await this.#hosts.find(host);
    return listed === undefined || listed.length === 0 ? this.#addresses.get(host) : listed;
  }

  services(name: string): Promise<readonly SrvRecord[]> {
    return this.#services.get(name);
  }

  async #findAddresses(host: string): Promise<Answer<readonly string[]>> {
    if (isLocal(host) || (await this.#hosts.find(host)) === undefined) return bySystem(host);
    try {
      return await this.#byDns(host);
    } catch (error) {
      // Node knows of no name server; the system may.
      if ((error as { code?: unknown }).code === "ECONNREFUSED") return bySystem(host);
      throw error;
    }
  }

  async #byDns(host: string): Promise<Answer<readonly string[]>> {
    const question = this.#question();
    const asked = [question.resolve6(host, { ttl: true }), question.resolve4(host, { ttl: true })];
    const all = Promise.allSettled(asked);
    const late = Promise.any(asked).then(
      () => pause(RESOLUTION_DELAY),
      () => all,
    );
    const answers = await Promise.race([all, late]);
    if (Array.isArray(answers)) {
      const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
      // Silence says more than absence: it may yet be there.
      const reasons = answers.flatMap((answer): unknown[] => (answer.status === "rejected" ? [answer.reason] : []));
      if (found.length === 0) throw reasons.find((reason) => !isAbsence(reason)) ?? reasons[0];
      return { value: found.map(({ address }) => address), seconds: Math.min(...found.map(({ ttl }) => ttl)) };
    }
    // One family has been slow. We go on with the other, and ask again soon.
    const found = await Promise.any(asked);
    return { value: found.map(({ address }) => address), seconds: 0 };
  }

  #question(): InstanceType<typeof dns.Resolver> {
    const resolver = new dns.Resolver(QUESTION);
    if (this.#servers.length > 0) resolver.setServers(this.#servers);
    return resolver;
  }
}

/** A name of this machine, its search list or its link (RFC 6761, RFC 6762), which DNS itself does not know. */
function isLocal(host: string): boolean {
  return !host.includes(".") || host.endsWith(".local") || host.endsWith(".localhost");
}

/** Each runs in a thread, of which there are four, until the system's name servers answer: strangers' names never do. */
async function bySystem(host: string): Promise<Answer<readonly string[]>> {
  // RFC 6761 §6.3: whatever ends in .localhost is this machine, though not every system knows it.
  const name = host.endsWith(".localhost") ? "localhost" : host;
  const found = await dns.lookup(name, { all: true, order: "verbatim" });
  return { value: found.map(({ address }) => address), seconds: SYSTEM_SECONDS };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
