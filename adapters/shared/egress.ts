/**
 * Where we may connect to (`outgoing.allow`).
 *
 * Anybody may write any host into a To-Path, so without this list a relay is a port scanner for hire. Rules about
 * addresses are checked against each address a name resolved to, and that very address is then dialled, so a name that
 * resolves differently the second time gains nothing. A name pattern trusts whoever runs that domain's DNS.
 *
 * Every address belongs to one class. `special` ranges (link-local with the metadata services of clouds, multicast,
 * documentation, reserved, unspecified) have no word of their own: `any` or a CIDR lets them through.
 */
import { BlockList, isIP } from "node:net";
import { dotted, ipv6Words, plainAddress } from "./address.ts";

export type AddressClass = "public" | "private" | "loopback" | "special";

/** What `outgoing.allow` may say besides a CIDR or a name pattern. */
const words = ["public", "private", "loopback", "any"] as const;
type Word = (typeof words)[number];

/** RFC 6890 and the IANA registries it set up; what is not listed is public. */
const ipv4Classes: readonly (readonly [AddressClass, BlockList])[] = [
  ["loopback", ranges("127.0.0.0/8")],
  // 100.64.0.0/10 is the inside of a carrier's NAT (RFC 6598).
  ["private", ranges("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")],
  ["special", ranges("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15")],
  ["special", ranges("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")],
];

/** Global unicast is 2000::/3; what lies outside and is not named here is special. */
const ipv6Classes: readonly (readonly [AddressClass, BlockList])[] = [
  ["loopback", ranges("::1/128")],
  ["private", ranges("fc00::/7")],
  // 2001::/23 holds Teredo, ORCHID and benchmarking; 2001:db8::/32 and 3fff::/20 are for documentation.
  ["special", ranges("2001::/23", "2001:db8::/32", "3fff::/20")],
  ["public", ranges("2000::/3")],
];

/** The class of an address, seen through the ways of writing IPv4 inside IPv6. */
export function classify(address: string): AddressClass {
  const plain = plainAddress(address);
  const family = isIP(plain);
  if (family === 0) return "special";
  if (family === 4) return lookUp(ipv4Classes, plain, "ipv4") ?? "public";
  const [a, b, c = 0, d, e, f, g = 0, h = 0] = ipv6Words(plain);
  if (a === 0x2002) return classify(dotted(b as number, c)); // 6to4, RFC 3056
  const nat64 = a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0; // RFC 6052
  if (nat64) return classify(dotted(g, h));
  return lookUp(ipv6Classes, plain, "ipv6") ?? "special";
}

export class Egress {
  readonly #words: ReadonlySet<string>;
  readonly #networks: BlockList;
  /** Lower case; `*.example.com` stands for every name below example.com. */
  readonly #names: readonly string[];

  /**
   * @param entries  `public`, `private`, `loopback`, `any`, an address, a CIDR, `relay.example.com` or `*.example.com`
   * @throws Error with words for the operator when an entry is none of these
   */
  constructor(entries: readonly string[]) {
    const named = new Set<string>();
    const names: string[] = [];
    this.#networks = new BlockList();
    for (const entry of entries) {
      const text = entry.trim().toLowerCase();
      if (words.includes(text as Word)) named.add(text);
      else if (text.includes("/") || isIP(text) !== 0) addRange(this.#networks, text);
      else if (isNamePattern(text)) names.push(text);
      else throw new Error(`"${entry}" is not ${words.join(", ")}, an address, a CIDR or a name such as *.example.com`);
    }
    this.#words = named;
    this.#names = names;
  }

  /** May `address`, which `host` resolved to (or is), be dialled? */
  allows(host: string, address: string): boolean {
    if (this.#words.has("any") || this.#words.has(classify(address))) return true;
    const plain = plainAddress(address);
    const family = isIP(plain);
    if (family !== 0 && this.#networks.check(plain, family === 4 ? "ipv4" : "ipv6")) return true;
    return this.#names.some((pattern) => matchesName(pattern, host.toLowerCase()));
  }
}

function lookUp(classes: typeof ipv4Classes, address: string, family: "ipv4" | "ipv6"): AddressClass | undefined {
  return classes.find(([, range]) => range.check(address, family))?.[0];
}

function ranges(...cidrs: string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) addRange(list, cidr);
  return list;
}

/** Adds an address or CIDR to a list. */
function addRange(list: BlockList, text: string): void {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) throw new Error(`"${text}" is not an address or a CIDR such as 10.0.0.0/8`);
  const most = family === 4 ? 32 : 128;
  const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (!(bits <= most)) throw new Error(`"${text}": the prefix must be a number from 0 to ${most}`);
  if (plainAddress(address) !== address) throw new Error(`"${text}": write IPv4 as IPv4 and leave the zone out`);
  list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
}

/** Host names with at most one star, as the whole first label. A last label of digits would be a mistyped address. */
function isNamePattern(text: string): boolean {
  if (
    text.length > 253 ||
    !/^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)
  ) {
    return false;
  }
  return !/^\d+$/.test(text.slice(text.lastIndexOf(".") + 1));
}

function matchesName(pattern: string, host: string): boolean {
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern;
}
