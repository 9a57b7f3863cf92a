import { describe, expect, it } from "vitest";
import { Egress } from "../../adapters/shared/egress.ts";
import { DialError, reach } from "../../adapters/shared/reach.ts";
import type { Resolver } from "../../adapters/shared/resolve.ts";
import type { DialOptions } from "../../adapters/shared/runtime.ts";

const hop = { secure: true, host: "relay.example.com", port: 2855 };

function options(addresses: string[] | Promise<string[]>, others: Partial<DialOptions> = {}): DialOptions {
  const resolver: Resolver = { addresses: async () => addresses, services: async () => [] };
  return { egress: new Egress(["any"]), timeoutSeconds: 5, tls: { ca: [], system: false }, resolver, ...others };
}

/** Fails at each address as the list says. */
function failing(failures: Record<string, DialError | Error>) {
  return ({ address }: { address: string }) => Promise.reject(failures[address] ?? new Error("not in the list"));
}

describe("reaching a hop", () => {
  it("tries only the addresses that the egress list has", async () => {
    const tried: string[] = [];
    const list = { egress: new Egress(["192.0.2.2", "192.0.2.3"]) };
    const result = await reach(hop, options(["192.0.2.1", "192.0.2.2", "192.0.2.3"], list), async (target) => {
      tried.push(target.address);
      if (target.address !== "192.0.2.3") throw new DialError("UNREACHABLE", "refused");
      return "connected";
    });
    expect(result).toBe("connected");
    expect(tried).toEqual(["192.0.2.2", "192.0.2.3"]);
  });

  it("fails with what a person can mend first, and with every reason", async () => {
    const attempt = failing({
      "192.0.2.1": new DialError("UNREACHABLE", "192.0.2.1 refused"),
      "192.0.2.2": new DialError("CERTIFICATE", "192.0.2.2 is somebody else"),
      "192.0.2.3": new Error("a surprise"),
    });
    await expect(reach(hop, options(["192.0.2.1", "192.0.2.2", "192.0.2.3"]), attempt)).rejects.toMatchObject({
      code: "CERTIFICATE",
      message: "no connection to relay.example.com: 192.0.2.1 refused; 192.0.2.2 is somebody else; Error: a surprise",
    });
  });

  it("says which step took too long", async () => {
    const silent = new Promise<string[]>(() => {});
    await expect(reach(hop, options(silent, { timeoutSeconds: 0.02 }), failing({}))).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringContaining("(looking up the name)"),
    });
    let given: AbortSignal | undefined;
    const hanging = (_: unknown, signal: AbortSignal) => {
      given = signal;
      return new Promise<never>(() => {});
    };
    await expect(reach(hop, options(["192.0.2.1"], { timeoutSeconds: 0.02 }), hanging)).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringContaining("(connecting to 192.0.2.1:2855)"),
    });
    expect(given?.aborted).toBe(true);
  });
});
