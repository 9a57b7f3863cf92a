/**
 * From a hop to the addresses to try, in order (RFC 4976 §8, RFC 2782, RFC 8305 §4).
 *
 * A port in the URI means A and AAAA. Without one the service is looked up as `_msrps._tcp`, and when nothing is
 * published there the port is 2855. Where names are looked up, and for how long answers hold, is in system-resolver.ts.
 */
import type { SrvRecord } from "node:dns";
import { isIP } from "node:net";
import type { Hop } from "../../core/mod.ts";
import { plainAddress } from "./address.ts";
import { SystemResolver } from "./system-resolver.ts";

/** An address and port to try. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

/** Where names are looked up; both reject when there is no answer. */
export interface Resolver {
  /** A and AAAA, the hosts file included, in the order the system prefers. */
  addresses(host: string): Promise<readonly string[]>;
  services(name: string): Promise<readonly SrvRecord[]>;
}

/** RFC 4975 §6. */
export const DEFAULT_PORT = 2855;

/** Addresses tried for one hop, whatever a stranger's DNS says. */
const MOST_TARGETS = 16;

/** One for the whole process, so that all who dial share its answers. */
export const systemResolver: Resolver = new SystemResolver();

/** @returns what to try, best first; empty when the name leads nowhere */
export async function resolveHop(hop: Hop, resolver: Resolver, random: () => number = Math.random): Promise<Target[]> {
  if (isIP(hop.host) !== 0) return [{ address: hop.host, port: hop.port || DEFAULT_PORT }];
  const targets = hop.port === 0 ? await byService(hop, resolver, random) : undefined;
  return targets ?? byAddress(hop.host, hop.port || DEFAULT_PORT, resolver);
}

/** @returns undefined when there are no SRV records to obey */
async function byService(hop: Hop, resolver: Resolver, random: () => number): Promise<Target[] | undefined> {
  // SRV is defined for msrps alone, and a name without a dot comes from the hosts file or a search list.
  if (!hop.secure || !hop.host.includes(".")) return undefined;
  const records = await resolver.services(`_msrps._tcp.${hop.host}`).catch(() => []);
  if (records.length === 0) return undefined;
  const targets: Target[] = [];
  for (const record of inOrder(records, random)) {
    // RFC 2782: a target of "." says that the service is decidedly not there.
    if (record.name !== "" && record.name !== ".")
      targets.push(...(await byAddress(record.name, record.port, resolver)));
    if (targets.length >= MOST_TARGETS) break;
  }
  return targets.slice(0, MOST_TARGETS);
}

async function byAddress(host: string, port: number, resolver: Resolver): Promise<Target[]> {
  const addresses = await resolver.addresses(host).catch(() => []);
  const distinct = [...new Set(addresses.map(plainAddress))];
  return interleave(distinct)
    .slice(0, MOST_TARGETS)
    .map((address) => ({ address, port }));
}

/** By priority; within one priority at random, each as often as its weight says (RFC 2782). */
function inOrder(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const priorities = [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    // Those of weight 0 first, so that they have a small chance.
    const left = records.filter((record) => record.priority === priority).sort((a, b) => a.weight - b.weight);
    while (left.length > 0) {
      const sum = left.reduce((total, record) => total + record.weight, 0);
      const drawn = Math.floor(random() * (sum + 1));
      let running = 0;
      const at = left.findIndex((record) => (running += record.weight) >= drawn);
      ordered.push(...left.splice(at, 1));
    }
  }
  return ordered;
}

/** Families in turn, starting with the one the system put first, so that a broken one costs one head start. */
function interleave(addresses: readonly string[]): string[] {
  const first = addresses.filter((address) => isIP(address) === isIP(addresses[0] ?? ""));
  const second = addresses.filter((address) => !first.includes(address));
  const mixed: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    mixed.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return mixed;
}
