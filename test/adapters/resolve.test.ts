import { describe, expect, it } from "vitest";
import { type Resolver, resolveHop, systemResolver, type Target } from "../../adapters/shared/resolve.ts";

interface Records {
  readonly addresses?: Record<string, string[]>;
  readonly services?: Record<string, [priority: number, weight: number, port: number, target: string][]>;
}

/** A DNS with these records and nothing else; `asked` is what was looked up. */
function dns({ addresses = {}, services = {} }: Records, asked: string[] = []): Resolver {
  return {
    async addresses(host) {
      asked.push(host);
      if (addresses[host] === undefined) throw new Error("ENOTFOUND");
      return addresses[host];
    },
    async services(name) {
      asked.push(name);
      if (services[name] === undefined) throw new Error("ENODATA");
      return services[name].map(([priority, weight, port, target]) => ({ priority, weight, port, name: target }));
    },
  };
}

const hop = (host: string, port = 0, secure = true) => ({ secure, host, port });
const texts = (targets: Target[]) => targets.map((target) => `${target.address} ${target.port}`);
const a = { "relay.example.com": ["192.0.2.1"], "a.example.com": ["192.0.2.11"], "b.example.com": ["192.0.2.12"] };

describe("a hop with a port", () => {
  it("means the addresses of its host, and no SRV", async () => {
    const asked: string[] = [];
    const found = await resolveHop(hop("relay.example.com", 9000), dns({ addresses: a }, asked));
    expect(texts(found)).toEqual(["192.0.2.1 9000"]);
    expect(asked).toEqual(["relay.example.com"]);
  });

  it("leads nowhere when there is no address", async () => {
    expect(await resolveHop(hop("nowhere.example.com", 9000), dns({}))).toEqual([]);
  });

  it("tries the families in turn, beginning with the one the system prefers", async () => {
    const addresses = { h: ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"] };
    expect(texts(await resolveHop(hop("h", 1), dns({ addresses })))).toEqual([
      "2001:db8::1 1",
      "192.0.2.1 1",
      "2001:db8::2 1",
      "192.0.2.2 1",
      "2001:db8::3 1",
    ]);
  });

  it("tries no address twice and not more than sixteen", async () => {
    const many = Array.from({ length: 40 }, (_, i) => `192.0.2.${i}`);
    const addresses = { twice: ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"], many };
    expect(texts(await resolveHop(hop("twice", 1), dns({ addresses })))).toEqual(["192.0.2.1 1"]);
    expect(await resolveHop(hop("many", 1), dns({ addresses }))).toHaveLength(16);
  });
});

describe("a hop that is an address", () => {
  it.each([
    [hop("192.0.2.7", 9000), "192.0.2.7 9000"],
    [hop("192.0.2.7"), "192.0.2.7 2855"],
    [hop("2001:db8::7"), "2001:db8::7 2855"],
  ])("%j needs no DNS", async (given, expected) => {
    const asked: string[] = [];
    expect(texts(await resolveHop(given, dns({}, asked)))).toEqual([expected]);
    expect(asked).toEqual([]);
  });
});

describe("a hop without a port (RFC 4976 §8)", () => {
  const service = "_msrps._tcp.relay.example.com";

  it("goes where SRV says", async () => {
    const services = { [service]: [[10, 0, 9001, "a.example.com"]] } satisfies Records["services"];
    expect(texts(await resolveHop(hop("relay.example.com"), dns({ addresses: a, services })))).toEqual([
      "192.0.2.11 9001",
    ]);
  });

  it("goes to 2855 when there is no SRV", async () => {
    expect(texts(await resolveHop(hop("relay.example.com"), dns({ addresses: a })))).toEqual(["192.0.2.1 2855"]);
  });

  it("asks for no SRV without TLS, nor for a name of the hosts file", async () => {
    const asked: string[] = [];
    const addresses = { ...a, relay: ["192.0.2.1"] };
    await resolveHop(hop("relay.example.com", 0, false), dns({ addresses }, asked));
    await resolveHop(hop("relay"), dns({ addresses }, asked));
    expect(asked).toEqual(["relay.example.com", "relay"]);
  });

  it("leads nowhere when SRV says that the service is not there", async () => {
    for (const nowhere of [".", ""]) {
      const services = { [service]: [[0, 0, 0, nowhere]] } satisfies Records["services"];
      expect(await resolveHop(hop("relay.example.com"), dns({ addresses: a, services }))).toEqual([]);
    }
  });

  it("tries a lower priority first, and goes on when a target has no address", async () => {
    const services = {
      [service]: [
        [20, 0, 3, "b.example.com"],
        [5, 0, 1, "gone.example.com"],
        [10, 0, 2, "a.example.com"],
      ],
    } satisfies Records["services"];
    expect(texts(await resolveHop(hop("relay.example.com"), dns({ addresses: a, services })))).toEqual([
      "192.0.2.11 2",
      "192.0.2.12 3",
    ]);
  });

  it("begins with each target as often as its weight says (RFC 2782)", async () => {
    const services = {
      [service]: [
        [1, 60, 60, "a.example.com"],
        [1, 0, 1, "a.example.com"],
        [1, 20, 20, "a.example.com"],
        [1, 20, 21, "b.example.com"],
      ],
    } satisfies Records["services"];
    const first = new Map<number, number>();
    for (let i = 0; i <= 100; i++) {
      // Every draw there is, once: 0..100 for weights that sum to 100.
      const draws = [i / 101 + 0.001];
      const random = () => draws.pop() ?? 0;
      const [target] = await resolveHop(hop("relay.example.com"), dns({ addresses: a, services }), random);
      const port = target?.port ?? -1;
      first.set(port, (first.get(port) ?? 0) + 1);
    }
    expect(Object.fromEntries(first)).toEqual({ 1: 1, 20: 20, 21: 20, 60: 60 });
  });

  it("tries every target in the end", async () => {
    const services = {
      [service]: [
        [1, 0, 1, "a.example.com"],
        [1, 0, 2, "b.example.com"],
        [1, 5, 3, "b.example.com"],
      ],
    } satisfies Records["services"];
    for (const drawn of [0, 0.5, 0.999]) {
      const found = await resolveHop(hop("relay.example.com"), dns({ addresses: a, services }), () => drawn);
      expect(found.map((target) => target.port).sort((a, b) => a - b)).toEqual([1, 2, 3]);
    }
  });
});

describe("the system's resolver", () => {
  it("knows the hosts file", async () => {
    const found = await systemResolver.addresses("localhost");
    expect(found.some((address) => address === "127.0.0.1" || address === "::1")).toBe(true);
  });
});
